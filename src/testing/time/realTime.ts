import { setImmediate, setTimeout } from 'node:timers';

type HostFunctions = Readonly<{ setImmediate: typeof setImmediate; setTimeout: typeof setTimeout }>;

/** The host's functions, while a run has replaced them. */
let kept: HostFunctions | undefined;

/**
 * Keeps the host's timers before a run replaces them. They are read now, not when this module is loaded, because it may be loaded under fake timers.
 * Returns the function that forgets them.
 */
export function keepRealTime(): () => void {
  kept = { setImmediate, setTimeout };
  return () => {
    kept = undefined;
  };
}

function host(): HostFunctions {
  return kept ?? { setImmediate, setTimeout };
}

/** Runs in the next turn of the host's event loop, after all pending microtasks and `process.nextTick` callbacks. */
export function inRealTurn<R>(run: () => R): Promise<R> {
  return new Promise((resolve, reject) => {
    host().setImmediate(() => {
      try {
        resolve(run());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** Resolves after a duration in the host's time. */
export function realPause(durationMillis: number): Promise<void> {
  return new Promise((resolve) => host().setTimeout(resolve, durationMillis));
}

/** Calls `run` after a duration in the host's time. Returns the function that cancels it. */
export function afterRealMillis(durationMillis: number, run: () => void): () => void {
  const timer = host().setTimeout(run, durationMillis);
  return () => void timer.close();
}
