import type { SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aScheduler, millis, type Rules } from '../../internal/validation.ts';

/** When a pipeline flushes, drains and warns. */
export interface LifeCycleOptions {
  /** How long `forceFlush` waits, unless the call says otherwise, in milliseconds: 1 or more, default 30,000. */
  flushTimeoutMillis?: number;
  /**
   * How long `shutdown` drains, unless the call says otherwise, in milliseconds: 0 or more, default 10,000. What has no outcome then is lost, and counted. The default is a third of the 30 seconds that
   * Kubernetes gives a pod between SIGTERM and SIGKILL, so that the host has time for its own shutdown.
   */
  shutdownDeadlineMillis?: number;
  /**
   * How long the process is kept alive when its event loop has run empty, to send what is queued, in milliseconds: 0 or more, default 10,000. What has no outcome then is lost, and counted. 0: it is not
   * kept alive.
   */
  exitDeadlineMillis?: number;
  /** Warnings go to OpenTelemetry's `diag.warn` at most once per this interval, in milliseconds: 0 or more, default 30,000. */
  warnIntervalMillis?: number;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export type LifeCycleSettings = Readonly<Required<LifeCycleOptions>>;

export const LIFE_CYCLE_DEFAULTS: LifeCycleSettings = Object.freeze({
  flushTimeoutMillis: 30_000,
  shutdownDeadlineMillis: 10_000,
  exitDeadlineMillis: 10_000,
  warnIntervalMillis: 30_000,
  scheduler: monotonicScheduler,
});

export const LIFE_CYCLE_RULES: Rules<LifeCycleOptions> = {
  flushTimeoutMillis: millis(1),
  shutdownDeadlineMillis: millis(0),
  exitDeadlineMillis: millis(0),
  warnIntervalMillis: millis(0),
  scheduler: aScheduler,
};
