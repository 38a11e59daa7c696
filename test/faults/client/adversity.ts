import type { TrialInput } from './trialInput.ts';

/** What a process may meet by itself. */
export interface Adversity {
  /** To be called when an attempt begins. */
  readonly onAttempt: () => void;
  /** Ends it. */
  back(): void;
}

const BLOCK_MILLIS = 5_000;
const STEPS_MILLIS = [600_000, 0, -600_000, 0];

export function meet(what: TrialInput['meets']): Adversity {
  switch (what) {
    case 'nothing':
      return { onAttempt: () => {}, back: () => {} };
    case 'clockJumps':
      return jumpingClock();
    case 'blockedLoop':
      return blockedLoop();
  }
}

/** The wall clock is set when an attempt begins, and again while it is under way: ten minutes ahead, back, ten minutes back, and so on. The timers and the monotonic clock do not see it. */
function jumpingClock(): Adversity {
  const { Date: real } = globalThis;
  let steps = 0;
  const now = () => real.now() + (STEPS_MILLIS[steps % STEPS_MILLIS.length] as number);
  const step = () => {
    steps += 1;
  };
  globalThis.Date = new Proxy(real, { get: (date, key) => (key === 'now' ? now : Reflect.get(date, key)) });
  return {
    onAttempt: () => {
      step();
      setImmediate(step);
    },
    back: () => {
      globalThis.Date = real;
    },
  };
}

/** The event loop stands still for five seconds, once, while the first attempt is under way. */
function blockedLoop(): Adversity {
  let isOver = false;
  const block = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MILLIS);
  return {
    onAttempt: () => {
      if (!isOver) setImmediate(block);
      isOver = true;
    },
    back: () => {},
  };
}
