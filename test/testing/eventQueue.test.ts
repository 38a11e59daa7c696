import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventQueue, type QueuedEvent } from '../../src/testing/time/eventQueue.ts';

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ push: fc.nat(100), rank: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ pop: fc.constant(true) }) },
);

it('a queue returns its events in the order of time, rank and arrival, also after removals', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const queue = new EventQueue();
      const model: QueuedEvent[] = []; // in the order of arrival
      const first = () => model.toSorted((one, other) => one.atMillis - other.atMillis || one.rank - other.rank)[0];
      const forget = (event: QueuedEvent | undefined) => {
        if (event !== undefined) model.splice(model.indexOf(event), 1);
      };
      for (const each of steps) {
        if ('push' in each) model.push(queue.push(each.push, each.rank, () => {}));
        else if ('pop' in each) {
          const expected = first();
          expect(queue.pop()).toBe(expected);
          forget(expected);
        } else if (model.length > 0) {
          const event = model[each.remove % model.length] as QueuedEvent;
          queue.remove(event);
          queue.remove(event);
          forget(event);
        }
        expect(queue.size).toBe(model.length);
        expect(queue.peek()).toBe(first());
      }
    }),
    { seed: 20, numRuns: 300 },
  );
});

it('a queue makes at most about n log n comparisons, with additions and removals', () => {
  let comparisons = 0;
  /** An instant that counts its comparisons: `<` reads the value of both sides. */
  const instant = (atMillis: number) => {
    const value = () => {
      comparisons += 0.5;
      return atMillis;
    };
    return { valueOf: value } as unknown as number;
  };
  const queue = new EventQueue();
  const count = 100_000;
  const events = Array.from({ length: count }, (_, index) => {
    return queue.push(instant((index * 7_919) % count), 1, () => {});
  });
  for (const event of events) if ((event.atMillis as number) % 2 === 0) queue.remove(event);
  expect(queue.size).toBe(count / 2);
  while (queue.size > 0) queue.pop();
  // A search instead of a heap would take some 5,000,000,000.
  expect(comparisons).toBeLessThan(3 * count * Math.log2(count));
});
