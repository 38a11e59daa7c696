import { asyncScheduler, type SchedulerLike } from 'rxjs';

/**
 * RxJS's `asyncScheduler` with a monotonic clock, and the default of every operator here: a wall clock that is set ahead by ten minutes must not use up the time for retries. (The clock of
 * `asyncScheduler` is `Date.now`.)
 *
 * What a pause does: while a machine is suspended, the clock of Linux and macOS stands still, and so do the timers: a retry goes on waiting where it was. While only the process is frozen
 * (SIGSTOP, a function between two invocations), the clock goes on: what became due is done at once afterwards, and an attempt that was in flight has timed out.
 */
export const monotonicScheduler: SchedulerLike = Object.freeze<SchedulerLike>({
  // Looked up at each use: a test may have replaced the host's clock, and put it back.
  now: () => performance.now(),
  schedule: asyncScheduler.schedule.bind(asyncScheduler),
});

/** Whether a scheduler's timers are those of the host, and hold its process. */
export function isHostScheduler(scheduler: SchedulerLike): boolean {
  return scheduler === monotonicScheduler || scheduler === asyncScheduler;
}
