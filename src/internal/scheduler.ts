import { asyncScheduler, type SchedulerLike } from 'rxjs';

/**
 * RxJS's `asyncScheduler` with a monotonic clock. It is the default of every operator here: a wall clock that is set ahead by ten minutes must not use up the time for retries. (The clock of
 * `asyncScheduler` is `Date.now`.)
 *
 * Pauses: while only the process stands still (SIGSTOP, a frozen container), the clock goes on. Timers that became due meanwhile fire at once afterwards, an attempt that was in flight has
 * timed out, and later timers are in time (`test/process/frozen.test.ts`). While the machine is suspended, it depends on the system; the timers agree with the clock, because both are libuv's
 * `uv_hrtime`. On Linux both stand still, so that a wait goes on where it was (`CLOCK_MONOTONIC`; nodejs/node#47724). On macOS both go on, as with a process that stands still (`mach_continuous_time`;
 * libuv/libuv#2894). What a paused virtual machine sees depends on its host.
 */
export const monotonicScheduler: SchedulerLike = Object.freeze<SchedulerLike>({
  // Looked up at each use, because a test may replace the host's clock and restore it.
  now: () => performance.now(),
  schedule: asyncScheduler.schedule.bind(asyncScheduler),
});

/** Whether a scheduler's timers are those of the host, so that they can keep its process alive. */
export function isHostScheduler(scheduler: SchedulerLike): boolean {
  return scheduler === monotonicScheduler || scheduler === asyncScheduler;
}
