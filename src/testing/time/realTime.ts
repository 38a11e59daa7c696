import { setImmediate, setTimeout } from 'node:timers';

type HostFunctions = Readonly<{ setImmediate: typeof setImmediate; setTimeout: typeof setTimeout }>;

/** The host's own, while a run has replaced them. */
let kept: HostFunctions | undefined;

/** Keeps the host's timers before a run replaces them: those of now, not of when this module was loaded, which may have been under fake timers. */
export function keepRealTime(): () => void {
  kept = { setImmediate, setTimeout };
  return () => {
    kept = undefined;
  };
}

function host(): HostFunctions {
  return kept ?? { setImmediate, setTimeout };
}

/** Runs in the next turn of the host's event loop, when every microtask and `process.nextTick` that was due has run. */
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

/** Waits in the host's time. */
export function realPause(durationMillis: number): Promise<void> {
  return new Promise((resolve) => host().setTimeout(resolve, durationMillis));
}

/** Calls back in the host's time, and returns what takes that back. */
export function afterRealMillis(durationMillis: number, run: () => void): () => void {
  const timer = host().setTimeout(run, durationMillis);
  return () => void timer.close();
}
