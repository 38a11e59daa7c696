import { expect, test } from 'vitest';
import { Slots } from '../../src/flow/slots.ts';

test('Slots start up to limit pieces of work at a time, and the rest in the order in which they came', () => {
  const slots = new Slots(2);
  const started: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) slots.acquire(() => started.push(name));
  expect(started).toEqual(['a', 'b']);
  expect(slots).toMatchObject({ running: 2, waiting: 2, free: false });
  slots.release();
  slots.release();
  expect(started).toEqual(['a', 'b', 'c', 'd']);
});

test.each([1, 4])(
  '400,000 pieces of work that end synchronously need no more stack than one, with %i slots',
  (limit) => {
    const slots = new Slots(limit);
    let ended = 0;
    slots.acquire(() => {
      // Everything comes while the first one still runs: the whole backlog is drained from one release.
      for (let index = 1; index < 400_000; index += 1) {
        slots.acquire(() => {
          ended += 1;
          slots.release();
        });
      }
      ended += 1;
      slots.release();
    });
    expect(ended).toBe(400_000);
    expect(slots).toMatchObject({ running: 0, waiting: 0, free: true });
  },
);

test('work that gives up its place in line never starts; after the start giving up does nothing', () => {
  const slots = new Slots(1);
  const started: string[] = [];
  const giveUps = ['a', 'b', 'c'].map((name) => slots.acquire(() => started.push(name)));
  giveUps[1]?.();
  giveUps[1]?.();
  expect(slots.waiting).toBe(1);
  giveUps[0]?.();
  slots.release();
  expect(started).toEqual(['a', 'c']);
  expect(slots).toMatchObject({ running: 1, waiting: 0 });
});

test('a limit that grows starts more work; when it shrinks, running work goes on', () => {
  const slots = new Slots(1);
  let started = 0;
  for (let index = 0; index < 6; index += 1) slots.acquire(() => (started += 1));
  slots.limit = 4;
  expect(started).toBe(4);
  slots.limit = 2;
  slots.release();
  slots.release();
  expect(started).toBe(4);
  slots.release();
  expect(started).toBe(5);
});

test('onFree is called when a slot is free and nothing waits', () => {
  const told: number[] = [];
  const slots: Slots = new Slots(2, () => told.push(slots.running));
  slots.acquire(() => {});
  slots.acquire(() => {});
  slots.acquire(() => {});
  expect(told).toEqual([1]);
  slots.release();
  expect(told).toEqual([1]);
  slots.release();
  expect(told).toEqual([1, 1]);
});

test('closed Slots start nothing and drop the work that waits', () => {
  const slots = new Slots(1);
  const started: string[] = [];
  slots.acquire(() => started.push('a'));
  slots.acquire(() => started.push('b'));
  slots.close();
  slots.release();
  slots.acquire(() => started.push('c'));
  expect(started).toEqual(['a']);
  expect(slots).toMatchObject({ waiting: 0, free: false });
});
