import { setImmediate, setTimeout } from 'node:timers';

// Kept from before anything is replaced: these two always mean the host's own time.
const hostSetImmediate = setImmediate;
const hostSetTimeout = setTimeout;

/** One turn of the host's event loop: every microtask and `process.nextTick` that is due has run. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => hostSetImmediate(resolve));
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
