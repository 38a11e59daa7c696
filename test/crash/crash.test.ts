import { expect, test } from 'vitest';
import { crash } from './crash.ts';
import { History } from './history.ts';
import { outage } from './outage.ts';

test('queues that are killed at random moments send all that was answered after the next start, and again only what was in flight', async () => {
  const { killed, answered, arrived, faults } = await crash({ runs: 12, seed: 7, sync: 'full' });
  expect(faults).toEqual([]);
  expect(Object.values(killed).reduce((sum, count) => sum + count)).toBe(12);
  expect(arrived).toBeGreaterThanOrEqual(answered);
});

test('the history finds what was lost, what is back, what came twice, and what nobody wrote', () => {
  const history = new History();
  for (const batch of ['0.0.1', '0.0.2', '0.0.3']) {
    history.begin(batch, 0);
    history.answered.add(batch);
  }
  history.arrived({ lane: '0', life: 0, batch: '0.0.2' });
  history.killed('0', 0, new Set(['0.0.1']));
  expect(history.faults).toEqual(['0.0.3 was answered, has not arrived, and is not on disk after life 0']);
  history.killed('0', 1, new Set(['0.0.2', '0.9.9']));
  expect(history.faults.slice(1, 3)).toEqual([
    '0.0.2 had been removed and is back',
    '0.9.9 lies on disk and was never written',
  ]);
  history.arrived({ lane: '0', life: 1, batch: '0.0.2' });
  history.arrived({ lane: '0', life: 1, batch: '0.8.8' });
  const before = history.faults.length;
  history.drained();
  expect(history.faults.slice(before)).toEqual([
    '0.0.1 was answered and has not arrived',
    '0.0.3 was answered and has not arrived',
    '0.0.2 arrived in life 1 for time 2, and was not on disk',
    '0.8.8 arrived and was never written',
    '0.8.8 arrived in life 1 for time 1, and was not on disk',
  ]);
});

test('what comes at full speed while the backend is away arrives whole, each span once', async () => {
  const result = await outage({ spans: 20_000, sync: 'full' });
  expect(result).toMatchObject({ spans: 20_000, missing: 0, twice: 0, lost: {} });
});
