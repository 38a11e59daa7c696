import { describe, expect, test } from 'vitest';
import { BoundedQueue } from '../../src/flow/boundedQueue.ts';

const queueOf = (...sizes: readonly number[]) => {
  const queue = new BoundedQueue<number>({ maxQueueSize: 4, maxQueueBytes: 8 });
  for (const bytes of sizes) queue.push(bytes, bytes);
  return queue;
};

describe('BoundedQueue', () => {
  test('has room for maxQueueSize items and maxQueueBytes bytes', () => {
    expect([8, 9].map((bytes) => queueOf().admits(bytes))).toEqual([true, false]);
    expect([3, 4].map((bytes) => queueOf(2, 3).fits(bytes))).toEqual([true, false]);
    expect(queueOf(0, 0, 0, 0).fits(0)).toBe(false);
  });

  test('is as full as its items or its bytes, whichever is more', () => {
    expect(queueOf().fillRatio).toBe(0);
    expect(queueOf(6).fillRatio).toBe(0.75);
    expect(queueOf(1, 1, 1).fillRatio).toBe(0.75);
  });

  test('shifts and clears in order, and counts what is left', () => {
    const queue = queueOf(1, 2, 4);
    expect([queue.shift(), queue.length, queue.bytes]).toEqual([1, 2, 6]);
    expect([queue.clear(), queue.length, queue.bytes]).toEqual([[2, 4], 0, 0]);
  });

  test('takes the oldest items up to a number and to their bytes, and the oldest one in any case', () => {
    const queue = queueOf(1, 1, 1, 5);
    expect([queue.take(2, 8), queue.length, queue.bytes]).toEqual([[1, 1], 2, 6]);
    expect([queue.take(4, 5), queue.take(4, 4), queue.bytes]).toEqual([[1], [5], 0]);
  });

  test('holds 0 bytes when it is empty, although fractions do not add up', () => {
    const queue = queueOf(0.1, 0.2, 0.3);
    for (let left = queue.length; left > 0; left -= 1) queue.shift();
    expect(queue.bytes).toBe(0);
  });
});
