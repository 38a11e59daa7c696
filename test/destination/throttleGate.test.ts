import { type SchedulerLike, Subscription } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { ThrottleGate } from '../../src/destination/throttleGate.ts';
import { monotonicScheduler } from '../../src/index.ts';
import type { AttemptEnding } from '../../src/model/sink.ts';
import { virtualTime } from '../../src/testing/index.ts';

const SIZE = { items: 1, bytes: 1 };

type End = (ending: AttemptEnding, retryAfterMillis?: number) => void;

function begun(gate: ThrottleGate): End {
  const end = gate.begin();
  return (ending, retryAfterMillis = 0) => end({ ending, retryAfterMillis, startedAtMillis: 0, endedAtMillis: 0 });
}

/** Begins as many as the gate admits, up to a hundred. */
function fill(gate: ThrottleGate): End[] {
  const ends: End[] = [];
  while (gate.admits() && ends.length < 100) ends.push(begun(gate));
  return ends;
}

/** Something that waits for the gate, so that the ramp is not over with the first success. */
const want = (gate: ThrottleGate) => gate.whenReady(SIZE, () => {});

describe('the throttle gate, after a Retry-After,', () => {
  test.each<[AttemptEnding, number]>([
    ['accepted', 3],
    ['permanent', 3],
    ['tooLarge', 3],
    ['cancelled', 2],
    ['retryable', 1],
    ['unknownOutcome', 1],
    ['timedOut', 1],
  ])('one of two attempts that is %s leaves room for %i', (ending, room) =>
    virtualTime(async ({ advanceBy }) => {
      const gate = new ThrottleGate(monotonicScheduler);
      begun(gate)('throttled', 100);
      await advanceBy(100);
      const [probe] = fill(gate);
      want(gate);
      probe?.('accepted');
      const [one, two, ...more] = fill(gate);
      expect(more).toEqual([]);
      want(gate);
      want(gate);
      one?.(ending);
      two?.('cancelled');
      expect(fill(gate)).toHaveLength(room);
    }),
  );

  test('counts no attempt that began before it', () =>
    virtualTime(async ({ advanceBy }) => {
      const gate = new ThrottleGate(monotonicScheduler);
      const early = fill(gate).slice(0, 4);
      early[0]?.('throttled', 100);
      await advanceBy(100);
      const [probe] = fill(gate);
      early[1]?.('throttled', 100); // and now these are early, the probe included
      await advanceBy(100);
      want(gate);
      early[2]?.('accepted');
      probe?.('accepted');
      expect(fill(gate)).toHaveLength(1);
      early[3]?.('accepted');
      expect(fill(gate)).toHaveLength(0);
    }));

  test('has a timer only while something waits', () =>
    virtualTime(async ({ flush, now }) => {
      const gate = new ThrottleGate(monotonicScheduler);
      begun(gate)('throttled', 100);
      await flush();
      expect(now()).toBe(0);
      const takeBack = want(gate);
      takeBack();
      await flush();
      expect(now()).toBe(0);
      want(gate);
      await flush();
      expect(now()).toBe(100);
    }));
});

describe('a throttle gate that opens between two looks at the clock', () => {
  test('wakes what it did not admit a moment before', async () => {
    let nowMillis = 0;
    const timers: number[] = [];
    const scheduler = {
      now: () => nowMillis,
      schedule: (_: unknown, delayMillis = 0) => {
        timers.push(delayMillis);
        return Subscription.EMPTY;
      },
    } as SchedulerLike;
    const gate = new ThrottleGate(scheduler);
    begun(gate)('throttled', 20);
    nowMillis = 19.999;
    expect(gate.admits()).toBe(false);
    nowMillis = 20.001;
    want(gate);
    expect(timers).toEqual([0]);
  });
});
