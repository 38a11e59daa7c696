import { expect, test } from 'vitest';
import { run } from './child.ts';

/** How much of the least `maxDecodedBytes` the items of hostile requests take, at most. */
const cases = [
  [
    'spans, log records and data points of any make take no more heap than maxDecodedBytes says, give or take a fifth',
    'decoded',
    1.2,
  ],
  ['views that have been read take no more than two fifths above it', 'views that have been read', 1.4],
  ['views that nobody has read take less', 'views', 0.6],
  ['views of JSON that have been read take no more, the parsed objects included', 'views of JSON', 1.4],
] as const;

test.each(cases)(
  '%s',
  async (_, what, most) => {
    const program = await run('decodeHeap', { input: { what }, boundMillis: 300_000 });
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
    const parts = program.all('bomb').map(({ name, part }) => ({ name, part: part as number }));
    expect(parts.length).toBeGreaterThan(what === 'views of JSON' ? 20 : 50);
    expect(parts.filter(({ part }) => !(part < most))).toEqual([]);
  },
  300_000,
);
