import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ring } from '../../src/flow/ring.ts';
import { randomRuns } from '../support/randomRuns.ts';

test('a Ring behaves like an array that is pushed and shifted', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 200 }).map((count) => ({ push: count, take: 0 })) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 250 }).map((count) => ({ push: 0, take: count })) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ring = new Ring<number>();
      const model: number[] = [];
      let next = 0;
      for (const { push, take } of steps) {
        for (let index = 0; index < push; index += 1) {
          ring.push(next);
          model.push(next);
          next += 1;
        }
        expect(ring.peek()).toBe(model[0]);
        expect(ring.take(take)).toEqual(model.splice(0, take));
        expect(ring.shift()).toBe(model.shift());
        expect(ring.length).toBe(model.length);
      }
    }),
    randomRuns(100),
  );
});

test('a Ring keeps no reference to elements that have left', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const ring = new Ring<object>();
  const gone = new WeakRef(pushAndShift(ring));
  ring.push({});
  // A WeakRef keeps its object until the turn in which it was made is over.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(gone.deref()).toBeUndefined();
});

/** In a function of its own, so that no variable keeps the object. */
function pushAndShift(ring: Ring<object>): object {
  ring.push({});
  return ring.shift() as object;
}
