import { expect, test } from 'vitest';
import { run } from './child.ts';

test('what spans are taken for is between 0.65 and 2.3 times what they take in memory, few attributes or many, short or long', async () => {
  // What other threads are still giving back, or the engine forgets of its compiled code meanwhile, is not a span's.
  const flags = ['--expose-gc', '--single-threaded-gc', '--no-flush-bytecode'];
  const program = await run('heap', { flags, boundMillis: 280_000 });
  expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  const rows = program.all('heap') as unknown as { sdk: string; what: string; ratio: number }[];
  expect(new Set(rows.map(({ sdk }) => sdk))).toEqual(new Set(['SDK 3', 'SDK 2', 'received']));
  for (const row of rows) {
    const { what, ratio } = row;
    // The longer text that the engine keeps is nowhere to be seen.
    expect(ratio, JSON.stringify(row)).toBeGreaterThan(what.includes('cut out') ? 0.5 : 0.65);
    expect(ratio, JSON.stringify(row)).toBeLessThan(2.3);
  }
}, 300_000);

test('what a channel holds that is forgotten, unclosed, is given back when it is collected', async () => {
  const program = await run('abandoned', { flags: ['--expose-gc'] });
  expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  expect(program.one('forgotten').usedBytes).toBe(20 * 10 * 1_224);
  expect(program.all('collected')).toHaveLength(1);
});
