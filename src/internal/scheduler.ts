import { asyncScheduler, type SchedulerLike } from 'rxjs';

/**
 * RxJS's `asyncScheduler` with a monotonic clock, and the default of every operator here: a wall clock that is set ahead by ten minutes must not use up the time for retries. (The clock of
 * `asyncScheduler` is `Date.now`.)
 *
 * What a pause does. While only the process stands still (SIGSTOP, a frozen container), the clock goes on: what became due meanwhile is done at once afterwards, an attempt that was in flight has
 * timed out, and what is due later is in time (`test/process/frozen.test.ts`). While the machine is suspended, it depends on the system, and the timers agree with the clock, because both are libuv's
 * `uv_hrtime`. On Linux both stand still, so that a wait goes on where it was (`CLOCK_MONOTONIC`; nodejs/node#47724). On macOS both go on, as with a process that stands still (`mach_continuous_time`;
 * libuv/libuv#2894). What a virtual machine that is paused sees is up to its host.
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
