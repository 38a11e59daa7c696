import type { Observable, SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { anObservable, aScheduler, millis, optional, type Rules } from '../../internal/validation.ts';

/**
 * What a pipeline does. `running`: it exports · `paused`: it accepts items and keeps them in its queue, no export begins · `closing`: it is being shut down, accepts nothing more and exports what it has, paused or not · `closed`: everything has
 * its outcome, and the sinks are shut down.
 */
export type PipelineState = 'running' | 'paused' | 'closing' | 'closed';

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
  /**
   * While its last value is `true`, no export begins: items are accepted and wait in the queue, within its bounds, and exports in flight go on. A flush waits for the end of the pause, at most for its timeout. A shutdown and a drain at exit go on all the same, because what
   * they leave would be lost. When the Observable fails, that is reported to OpenTelemetry's `diag`; then, and when it ends, the last state stays. Default: none.
   */
  pauseWhen?: Observable<boolean>;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export type LifeCycleSettings = Readonly<Required<Omit<LifeCycleOptions, 'pauseWhen'>>> & {
  readonly pauseWhen: Observable<boolean> | undefined;
};

export const LIFE_CYCLE_DEFAULTS: LifeCycleSettings = Object.freeze({
  flushTimeoutMillis: 30_000,
  shutdownDeadlineMillis: 10_000,
  exitDeadlineMillis: 10_000,
  warnIntervalMillis: 30_000,
  pauseWhen: undefined,
  scheduler: monotonicScheduler,
});

export const LIFE_CYCLE_RULES: Rules<LifeCycleOptions> = {
  flushTimeoutMillis: millis(1),
  shutdownDeadlineMillis: millis(0),
  exitDeadlineMillis: millis(0),
  warnIntervalMillis: millis(0),
  pauseWhen: optional(anObservable),
  scheduler: aScheduler,
};
