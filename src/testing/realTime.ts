import { setImmediate, setTimeout } from 'node:timers';

// Kept from before anything is replaced: these two always mean the host's own time.
const hostSetImmediate = setImmediate;
const hostSetTimeout = setTimeout;

/** Runs in the next turn of the host's event loop, when every microtask and `process.nextTick` that was due has run. */
export function inRealTurn<R>(run: () => R): Promise<R> {
  return new Promise((resolve, reject) => {
    hostSetImmediate(() => {
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
  return new Promise((resolve) => hostSetTimeout(resolve, durationMillis));
}

/** Calls back in the host's time, and returns what takes that back. */
export function afterRealMillis(durationMillis: number, run: () => void): () => void {
  const timer = hostSetTimeout(run, durationMillis);
  return () => void timer.close();
}
