import type { Observable, SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { anObservable, aScheduler, millis, must, optional, type Rules } from '../../internal/validation.ts';
import type { Counts } from '../../ledger/stageStats.ts';

/**
 * What a pipeline does. `starting`: no stage that exports is subscribed yet, items wait in the input · `running`: it accepts items and exports them · `degraded`: the same, but a destination is failing · `paused`: it accepts items and keeps them in its queue, no export begins ·
 * `draining`: it is being shut down, accepts nothing more and exports what it has, paused or not · `stopped`: everything has its outcome, and the sinks are shut down.
 *
 * ```
 *                first export possible           a destination fails
 *  starting ─────────────────────────▶ running ◀────────────────────▶ degraded
 *      │                                  ▲      one that began later    ▲
 *      │                                  │      is accepted             │
 *      │             pause(), pauseWhen   ▼                              ▼
 *      ├──────────────────────────────▶ paused ◀─────────────────────────┘
 *      │
 *      └────────────┬──────── shutdown(), a signal of shutdownOn, the end of outcomes$: from any state
 *                   ▼
 *               draining ────▶ stopped
 * ```
 *
 * A destination fails when its circuit breaker is not closed, when it has asked to be left alone (`Retry-After`), or when five attempts in a row were not accepted (timeouts and refusals for good included; what was aborted or too large says nothing). It has recovered when an attempt is accepted
 * that began after that, and the breaker is closed. With several sinks, one that fails is enough: `stats().stages` has the `health` of each.
 *
 * A drain at exit is no state: what comes meanwhile is accepted, and a pause is lifted until it is over.
 */
export type PipelineState = 'starting' | 'running' | 'degraded' | 'paused' | 'draining' | 'stopped';

/** What happened during a shutdown. What was lost before is in `stats()`. */
export interface ShutdownReport {
  /** Items that a backend confirmed while it drained. With several required backends: that all of them did. */
  readonly delivered: number;
  /** Items that a backend received and refused for good. */
  readonly rejected: number;
  /** Items that were written to a file at the deadline, and are sent at the next start: of a pipeline with a `spool` alone, 0 or more. They are neither delivered nor lost. With several sinks: what was written for each of them, added up. */
  readonly spooled?: number;
  /** Items that could not be delivered, by reason; empty if none was lost. `alreadyShutdown` came too late. Where the flow fans out: by reason, on the route that has lost most, best-effort routes included. */
  readonly lost: Counts;
  /** How long it took, in milliseconds: 0 or more. */
  readonly elapsedMillis: number;
}

/**
 * Ends something, once: the second call gives the promise of the first. The promise does not reject. `& void` makes it fit where a `Promise<void>` is expected: in OpenTelemetry's processors and exporters, and in hooks of test runners and frameworks.
 *
 * @inline
 */
// biome-ignore lint/suspicious/noConfusingVoidType: it is what makes the promise assignable to `Promise<void>`
export type Shutdown = (options?: { deadlineMillis?: number }) => Promise<ShutdownReport & void>;

const SHUTDOWN_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGBREAK'] as const;

/** A signal by which a process is asked to end. `SIGTERM`: by whoever runs it · `SIGINT`: Ctrl-C · `SIGHUP`: its terminal is gone · `SIGQUIT`: Ctrl-\\ · `SIGBREAK`: Ctrl-Break on Windows. */
export type ShutdownSignal = (typeof SHUTDOWN_SIGNALS)[number];

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
  /**
   * The signals at which it is shut down, within `shutdownDeadlineMillis`: some of `SIGTERM`, `SIGINT`, `SIGHUP`, `SIGQUIT` and `SIGBREAK`. Then the signal is raised again, so that the process dies of it as it would have; a second signal ends it at once. All pipelines of the process share one listener.
   * Where the program listens to the signal itself, it decides when the process ends: let it await `shutdown()`, whose promise is the same. Worker threads get no signals. Default none: a listener changes how the host dies.
   */
  shutdownOn?: readonly ShutdownSignal[];
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
  shutdownOn: Object.freeze([]),
  warnIntervalMillis: 30_000,
  pauseWhen: undefined,
  scheduler: monotonicScheduler,
});

export const LIFE_CYCLE_RULES: Rules<LifeCycleOptions> = {
  flushTimeoutMillis: millis(1),
  shutdownDeadlineMillis: millis(0),
  exitDeadlineMillis: millis(0),
  shutdownOn: must(
    `an array of ${SHUTDOWN_SIGNALS.map((signal) => `'${signal}'`).join(', ')}`,
    (value) => Array.isArray(value) && value.every((signal) => SHUTDOWN_SIGNALS.includes(signal)),
  ),
  warnIntervalMillis: millis(0),
  pauseWhen: optional(anObservable),
  scheduler: aScheduler,
};
