import type { SchedulerLike, Subscription } from 'rxjs';
import { SpanflowError } from '../model/errors.ts';
import { keepingAlive } from './timers.ts';

/**
 * Settles like the work or, if its time is up first, with what `onLate` returns or throws. Late work goes on, and its end is ignored.
 *
 * @param arm starts the timer
 */
export function withinTime<R>(
  arm: (onLate: () => void) => Subscription,
  work: () => Promise<R>,
  onLate: () => R,
): Promise<R> {
  return new Promise((resolve, reject) => {
    const timer = arm(() => {
      try {
        resolve(onLate());
      } catch (thrown) {
        reject(thrown);
      }
    });
    work()
      .then(resolve, reject)
      .finally(() => timer.unsubscribe());
  });
}

/**
 * Settles like the flush, or rejects with `FLUSH_TIMEOUT` when its time is up. Until then the process is kept alive.
 *
 * @param whyLate ends the message, when the time is up
 */
export function flushWithin(
  scheduler: SchedulerLike,
  timeoutMillis: number,
  what: string,
  flush: () => Promise<void>,
  whyLate: () => string = () => '; what is still pending goes on',
): Promise<void> {
  const arm = (onLate: () => void) => keepingAlive(scheduler, timeoutMillis, onLate);
  return withinTime(arm, flush, () => {
    const message = `${what} did not finish within ${timeoutMillis} ms${whyLate()}`;
    throw new SpanflowError('FLUSH_TIMEOUT', message);
  });
}
