import { expect, test } from 'vitest';
import { LinkedQueue } from '../../src/flow/linkedQueue.ts';

test('a value can be removed from anywhere, and its link keeps nothing else alive', () => {
  const queue = new LinkedQueue<string>();
  const [a, b, c] = ['a', 'b', 'c', 'd'].map((value) => queue.push(value));
  for (const link of [b, a, c]) {
    if (link === undefined) throw new Error('it was pushed');
    queue.remove(link);
    expect([link.before, link.after]).toEqual([undefined, undefined]);
  }
  expect({ length: queue.length, first: queue.first?.value }).toEqual({ length: 1, first: 'd' });
  expect([queue.shift(), queue.shift(), queue.length]).toEqual(['d', undefined, 0]);
});
