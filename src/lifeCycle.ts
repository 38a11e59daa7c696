import type { SchedulerLike } from 'rxjs';
import { keepingAlive } from './timers.ts';

/** Ends something, once: the second call gives the promise of the first. */
export type Shutdown = (options?: { deadlineMillis?: number }) => Promise<void>;

/**
 * Makes a shutdown happen once, and by itself when the process comes to its natural end: while it drains, its deadline keeps the process alive.
 *
 * @param exitDeadlineMillis the deadline in that case; 0: it does not happen by itself
 */
export function onceAndAtExit(exitDeadlineMillis: number, shutdown: Shutdown): Shutdown {
  let closing: Promise<void> | undefined;
  const once: Shutdown = (options) => {
    closing ??= shutdown(options);
    process.removeListener('beforeExit', atExit);
    return closing;
  };
  const atExit = () => void once({ deadlineMillis: exitDeadlineMillis });
  if (exitDeadlineMillis > 0) process.once('beforeExit', atExit);
  return once;
}

/** Resolves with the work, or when its time is up; the work goes on, and whatever becomes of it then is ignored. */
export function withinMillis(scheduler: SchedulerLike, millis: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = keepingAlive(scheduler, millis, resolve);
    work.finally(() => {
      timer.unsubscribe();
      resolve();
    });
  });
}
