import { expect, test } from 'vitest';
import { run } from './child.ts';

/** How much of the least `maxDecodedBytes` the items of hostile requests take, at most. */
const cases = [
  [
    'spans, log records and data points of any make take no more heap than maxDecodedBytes says, give or take a fifth',
    'decoded',
    1.2,
  ],
  [
    'views that have been read take no more than two fifths above it, lists of numbers aside',
    'views that have been read',
    1.4,
  ],
  ['views that nobody has read take less', 'views', 0.8],
] as const;

/** In a list that is frozen, V8 keeps each double as an object of its own. */
const FROZEN_NUMBERS = ['counts in fields of their own', 'boundaries of a histogram', /large counts/];
const MOST_OF_NUMBERS = 3;

function isOfNumbers(name: unknown): boolean {
  return FROZEN_NUMBERS.some((form) => (typeof form === 'string' ? form === name : form.test(String(name))));
}

test.each(cases)(
  '%s',
  async (_, what, most) => {
    const program = await run('decodeHeap', { input: { what }, boundMillis: 300_000 });
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
    const parts = program.all('bomb').map(({ name, part }) => ({ name, part: part as number }));
    expect(parts.length).toBeGreaterThan(50);
    const mostOf = (name: unknown) => (what !== 'decoded' && isOfNumbers(name) ? MOST_OF_NUMBERS : most);
    expect(parts.filter(({ name, part }) => !(part < mostOf(name)))).toEqual([]);
  },
  300_000,
);
