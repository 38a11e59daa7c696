import { expect, test } from 'vitest';
import { run } from './child.ts';

test('spans, log records and data points of any make take no more heap than maxDecodedBytes says, give or take a fifth', async () => {
  const program = await run('decodeHeap', { boundMillis: 300_000 });
  expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  const parts = program.all('bomb').map(({ name, part }) => ({ name, part: part as number }));
  expect(parts.length).toBeGreaterThan(50);
  expect(parts.filter(({ part }) => !(part < 1.2))).toEqual([]);
}, 300_000);
