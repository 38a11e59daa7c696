import { AsyncLocalStorage } from 'node:async_hooks';
import { type SchedulerLike, Subscription } from 'rxjs';
import { MAX_TIMER_MILLIS } from './options.ts';
import { isHostScheduler } from './scheduler.ts';

/**
 * Runs work in the asynchronous context in which this module was loaded, so that no timer of ours carries the context of the
 * request that happened to arm it.
 */
export const outsideAnyContext: <R>(work: () => R) => R = AsyncLocalStorage.snapshot();

/**
 * Runs `work` once, after `delayMillis` of the scheduler's time. `Infinity` never does.
 *
 * The timer never keeps the process alive: whoever has to finish something at exit holds it open on purpose.
 */
export function after(scheduler: SchedulerLike, delayMillis: number, work: () => void): Subscription {
  if (delayMillis === Number.POSITIVE_INFINITY) return Subscription.EMPTY;
  const action = keepingAlive(scheduler, delayMillis, work);
  // RxJS keeps the handle of the host's timer in `id`; virtual schedulers have a number there, or nothing.
  (action as { id?: { unref?: () => void } }).id?.unref?.();
  return action;
}

/**
 * Like {@link after}, but it keeps the process alive: for a drain that somebody waits for. So there is a timer for `Infinity`, too: the longest
 * that the host has, and it does nothing.
 */
export function keepingAlive(scheduler: SchedulerLike, delayMillis: number, work: () => void): Subscription {
  if (delayMillis === Number.POSITIVE_INFINITY) return keepingAlive(scheduler, MAX_TIMER_MILLIS, () => {});
  return outsideAnyContext(() => scheduler.schedule(work, Math.max(0, delayMillis)));
}

/**
 * Keeps the process alive until it is unsubscribed: for what is under way and has an end, so that a program does not end in the midst of it. In virtual time there
 * is no process to keep.
 */
export function holdProcess(scheduler: SchedulerLike): Subscription {
  return isHostScheduler(scheduler) ? keepingAlive(scheduler, Number.POSITIVE_INFINITY, () => {}) : Subscription.EMPTY;
}

/** Runs `work` once, as soon as the host has finished what it is at: no delay, and no microtask of the caller's. */
export function soon(scheduler: SchedulerLike, work: () => void): void {
  if (isHostScheduler(scheduler)) outsideAnyContext(() => setImmediate(work));
  else scheduler.schedule(work, 0);
}
