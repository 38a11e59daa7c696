import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedQueue } from '../../src/flow/boundedQueue.ts';
import { PriorityPlaces } from '../../src/flow/priorityPlaces.ts';
import { randomRuns } from '../support/randomRuns.ts';

const LIMITS = { maxQueueSize: 20, maxQueueBytes: 60 };

interface Entry {
  readonly id: number;
  readonly bytes: number;
  readonly priority: number;
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ bytes: fc.nat(12), priority: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.constantFrom('shift' as const, 'evict' as const) },
);

/** The oldest of the least important. */
function least(model: readonly Entry[]): Entry {
  const lowest = Math.min(...model.map(({ priority }) => priority));
  return model.find(({ priority }) => priority === lowest) as Entry;
}

test('items leave in the order in which they came, and are evicted by priority and then by age', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new BoundedQueue<Entry>(LIMITS, new PriorityPlaces());
      const model: Entry[] = [];
      let id = 0;
      for (const action of steps) {
        if (typeof action === 'object') {
          const entry = { id: id++, ...action };
          if (!queue.fits(entry.bytes)) continue;
          queue.push(entry, entry.bytes, entry.priority);
          model.push(entry);
        } else if (model.length > 0) {
          const expected = action === 'shift' ? (model[0] as Entry) : least(model);
          expect(queue[action]()).toBe(expected);
          model.splice(model.indexOf(expected), 1);
        }
        expect(queue.length).toBe(model.length);
        expect(queue.bytes).toBe(model.reduce((sum, { bytes }) => sum + bytes, 0));
        const below = model.filter(({ priority }) => priority <= 5);
        expect(queue.evictable(5)).toEqual({
          items: below.length,
          bytes: below.reduce((sum, { bytes }) => sum + bytes, 0),
        });
      }
      expect(queue.take(3, Number.POSITIVE_INFINITY)).toEqual(model.splice(0, 3));
      expect(queue.clear()).toEqual(model);
    }),
    randomRuns(500),
  );
});

test('a queue of one kind of item takes memory for what it holds, however many were dropped', () => {
  const queue = new BoundedQueue<number>(LIMITS, new PriorityPlaces());
  queue.push(-1, 0, 9); // is never dropped, and stays in front
  for (let item = 0; item < 100_000; item += 1) {
    if (!queue.fits(1)) queue.evict();
    queue.push(item, 1, item % 9);
  }
  expect(queue.length).toBe(LIMITS.maxQueueSize);
  expect(queue.shift()).toBe(-1);
});
