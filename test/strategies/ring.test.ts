import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ring } from '../../src/strategies/ring.ts';

test('it behaves like an array that is pushed and shifted', () => {
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
  );
});

test('it lets go of what has left', async () => {
  const ring = new Ring<object>();
  const gone = new WeakRef(pushAndShift(ring));
  ring.push({});
  await collected(gone);
  expect(gone.deref()).toBeUndefined();
});

/** In a function of its own, so that no variable keeps the object. */
function pushAndShift(ring: Ring<object>): object {
  ring.push({});
  return ring.shift() as object;
}

/** Makes the garbage collector come round: there is no way to ask it, but to give it work. */
async function collected(reference: WeakRef<object>): Promise<void> {
  for (let round = 0; round < 200 && reference.deref() !== undefined; round += 1) {
    Array.from({ length: 200_000 }, (_, index) => ({ index }));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
