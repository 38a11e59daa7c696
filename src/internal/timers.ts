import { type SchedulerLike, Subscription } from 'rxjs';
import { isHostScheduler } from './scheduler.ts';
import { MAX_TIMER_MILLIS, oneOf } from './validation.ts';

/**
 * Whether a wait keeps the process alive. `whileWaiting`: a program does not end during a wait of something that it subscribed to; when the wait is over, or unsubscribed, the process is not kept
 * alive any more. `never`: the process may end at any time.
 */
export type ProcessHold = 'whileWaiting' | 'never';

export const aProcessHold = oneOf('whileWaiting', 'never');

/**
 * Runs work in the asynchronous context in which this module was loaded, so that no timer of ours carries the context of the
 * request that happened to arm it. (A program that loads this package within a request has that request's context there: Node has no empty context to return to.)
 */
export const outsideAnyContext: <R>(work: () => R) => R = contextOfNow();

/** A browser has no asynchronous contexts. */
function contextOfNow(): <R>(work: () => R) => R {
  const hooks = globalThis.process?.getBuiltinModule?.('node:async_hooks');
  return hooks?.AsyncLocalStorage.snapshot() ?? ((work) => work());
}

/**
 * Runs `work` once, after `delayMillis` of the scheduler's time. `Infinity` never does.
 *
 * The timer never keeps the process alive: it is for housekeeping (leases, warnings, statistics).
 */
export function after(scheduler: SchedulerLike, delayMillis: number, work: () => void): Subscription {
  if (delayMillis === Number.POSITIVE_INFINITY) return Subscription.EMPTY;
  const action = keepingAlive(scheduler, delayMillis, work);
  // RxJS keeps the handle of the host's timer in `id`; virtual schedulers have a number there, or nothing.
  (action as { id?: { unref?: () => void } }).id?.unref?.();
  return action;
}

/** Like {@link after}, but for what a subscriber waits for: it keeps the process alive, unless `processHold` is `never`. An infinite wait never holds the process. */
export function waiting(
  scheduler: SchedulerLike,
  delayMillis: number,
  processHold: ProcessHold,
  work: () => void,
): Subscription {
  const holds = processHold === 'whileWaiting' && delayMillis < Number.POSITIVE_INFINITY;
  return (holds ? keepingAlive : after)(scheduler, delayMillis, work);
}

/**
 * Like {@link after}, but it keeps the process alive: for a drain that a caller waits for. So there is a timer for `Infinity`, too: the longest
 * that the host has, and it does nothing.
 */
export function keepingAlive(scheduler: SchedulerLike, delayMillis: number, work: () => void): Subscription {
  if (delayMillis === Number.POSITIVE_INFINITY) return keepingAlive(scheduler, MAX_TIMER_MILLIS, () => {});
  return outsideAnyContext(() => scheduler.schedule(work, Math.max(0, delayMillis)));
}

/**
 * Keeps the process alive until it is unsubscribed: for work that is under way and has an end. In virtual time there
 * is no process to keep alive.
 */
export function holdProcess(scheduler: SchedulerLike, processHold: ProcessHold): Subscription {
  if (processHold === 'never' || !isHostScheduler(scheduler)) return Subscription.EMPTY;
  return keepingAlive(scheduler, Number.POSITIVE_INFINITY, () => {});
}

/** A piece of work that is due in the next turn of the event loop, once. */
export class DueTurn {
  readonly #scheduler: SchedulerLike;
  readonly #work: () => void;
  /** The function that it was armed with. If a test replaces the host's function before the turn comes, that turn never comes. */
  #armedWith: unknown;

  constructor(scheduler: SchedulerLike, work: () => void) {
    this.#scheduler = scheduler;
    this.#work = work;
  }

  get isArmed(): boolean {
    return this.#armedWith === turnOfHost();
  }

  arm(): void {
    if (this.isArmed) return;
    this.#armedWith = turnOfHost();
    soon(this.#scheduler, () => {
      this.#armedWith = undefined;
      this.#work();
    });
  }
}

/** Runs a callback in the next turn of the event loop. Looked up at each use, because a test may replace it. Browsers have a timer for it, which some of them delay by 4 ms. */
export function turnOfHost(): (work: () => void) => unknown {
  return globalThis.setImmediate ?? globalThis.setTimeout;
}

/** Runs `work` once, as soon as the host has finished its present work: without delay, but not as a microtask of the caller. */
export function soon(scheduler: SchedulerLike, work: () => void): void {
  if (isHostScheduler(scheduler)) outsideAnyContext(() => turnOfHost()(work));
  else scheduler.schedule(work, 0);
}
