import { expect, test, vi } from 'vitest';
import { virtualTime } from '../src/testing/index.ts';

/** A row of the table that the example prints. */
interface Row {
  readonly backend: string;
  readonly strategy: string;
  readonly delivered: number;
  readonly 'items, lately': number;
}

// In virtual time a busy machine changes no latency, and so no size.
test('02: a distant backend is given larger batches than one that works for its time', async () => {
  const table = vi.spyOn(console, 'table').mockImplementation(() => {});
  await virtualTime(() => import('../examples/02-tuningBatches.ts'), { maxRealWaitMillis: 60_000 });
  const rows = table.mock.calls[0]?.[0] as readonly Row[];
  const size = (backend: string, strategy: string) =>
    rows.find((row) => row.backend === backend && row.strategy === `${strategy}()`)?.['items, lately'] ?? Number.NaN;
  expect(rows.map(({ delivered }) => delivered)).toEqual(Array.from({ length: 6 }, () => 16_000));
  expect(size('far away', 'latencyTarget')).toBeLessThan(400);
  expect(size('far away', 'responsiveSize')).toBeGreaterThan(400);
  expect(size('works for it', 'responsiveSize')).toBeLessThan(size('far away', 'responsiveSize'));
});

test('09: errors are kept, and live items overtake a replay', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await virtualTime(() => import('../examples/09-priorities.ts'), { maxRealWaitMillis: 60_000 });
  const [kept = '', overtaken = ''] = log.mock.calls.map(([line]) => String(line));
  const [, fit, errors] = /of a burst of 1000, (\d+) fit; (\d+) of its 50 errors/.exec(kept) ?? [];
  expect(Number(fit)).toBeLessThan(500);
  expect(Number(errors)).toBe(50);
  const [, delivered, live, replayed] = /delivered (\d+);.* at most (\d+) ms, .* (\d+) ms/.exec(overtaken) ?? [];
  expect(Number(delivered)).toBe(1_100);
  expect(Number(live)).toBeLessThan(100);
  expect(Number(replayed)).toBeGreaterThan(400);
});
