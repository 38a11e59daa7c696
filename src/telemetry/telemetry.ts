import { combineLatest, type Observable } from 'rxjs';
import { millis, settingsOf } from '../internal/validation.ts';
import type { Stats } from '../ledger/stats.ts';
import type { SignalName } from '../model/signal.ts';
import type { PipelineState } from '../pipelines/lifeCycle/options.ts';
import type { LogPipeline } from '../pipelines/logPipeline/logPipeline.ts';
import type { MetricPipeline } from '../pipelines/metricPipeline/metricPipeline.ts';
import type { SpanPipeline } from '../pipelines/spanPipeline/spanPipeline.ts';
import type { TelemetryOptions } from './options.ts';
import type { TelemetryPipelines, TelemetrySdk } from './parts.ts';
import { OWNER, telemetrySettings } from './settings.ts';
import { type EndedSignal, inParallel, madeSignals } from './signals.ts';

/** Something for each signal that there is. */
export type BySignal<V> = Readonly<Partial<Record<SignalName, V>>>;

/** The pipelines of all signals, as one. */
export interface Telemetry {
  /** For the SDK: `new NodeSDK(telemetry().sdk)`. To add options of `NodeSDK`: `new NodeSDK({ ...made.sdk, instrumentations })`. */
  readonly sdk: TelemetrySdk;
  /** Each pipeline by itself: its `outcomes$`, its `pause()`. */
  readonly pipelines: TelemetryPipelines;
  /** The current statistics of each signal: spans, log records, data points. */
  stats(): BySignal<Stats>;
  /** The statistics of all signals now, and whenever those of one have changed, at most once a second for each. It completes when all have been shut down. */
  readonly stats$: Observable<BySignal<Stats>>;
  /** The present state of each signal, and then each change. It completes when all have been shut down. */
  readonly state$: Observable<BySignal<PipelineState>>;
  /**
   * Collects metrics, and resolves when everything of all signals that came before has an outcome, delivered or lost. The signals are flushed side by side, and each to its end: if one is not done at the timeout (default `flushTimeoutMillis`), it rejects with
   * `FLUSH_TIMEOUT` and names it; its exports go on.
   */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /**
   * Collects metrics once more, takes nothing else, sends what it has, and closes the connections. The signals end side by side within one deadline (default `shutdownDeadlineMillis`); what has no outcome then is lost, and counted. The second call gives the promise of the first. `sdk.shutdown()` of
   * `NodeSDK` does the same with the default deadline; either will do, and both do no harm.
   */
  shutdown(options?: { deadlineMillis?: number }): Promise<void>;
  /** As `shutdown()`: `await using all = telemetry()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * All signals to one destination: a pipeline for spans, one for log records and one for metrics, with the settings of the environment, and what `NodeSDK` wants of them.
 *
 * ```
 * span.end()  →  spanPipeline    ─┐
 * emit()      →  logPipeline     ─┼─  one pool of connections  →  backend
 * reader      →  metricPipeline  ─┘
 * ```
 *
 * **Destination**: by `protocol` or the variables `OTEL_EXPORTER_OTLP_PROTOCOL` and `OTEL_EXPORTER_OTLP_<SIGNAL>_PROTOCOL`, each signal goes out by `otlpHttp` or `otlpGrpc`. Signals with one origin and the same settings for connections (`tls`, proxy, `maxConnectionAgeMillis`, `maxResponseBytes`; for gRPC also
 * `compression` and `userAgent`) share connections, which are closed when the last of them is shut down. Everything else is each signal's own: its queue, its batches, its learned concurrency, its books. So a `Retry-After` holds back only the endpoint that said it. All share the process's {@link memoryBudget}.
 *
 * **Which signals**: `OTEL_TRACES_EXPORTER`, `OTEL_LOGS_EXPORTER` and `OTEL_METRICS_EXPORTER` say `otlp` (the default), `console` or `none`. `signals.logs: false` is stronger than its variable, and so is `signals.logs.sink`. Another name, such as `prometheus`, is left to `NodeSDK`, with a warning.
 * Metrics need `@opentelemetry/sdk-metrics`, which `NodeSDK` brings along: its periodic reader is made here. `OTEL_SDK_DISABLED` is read by `NodeSDK`, which then starts nothing.
 *
 * **Exit**: when the event loop has run empty, metrics are collected once, and what is queued is sent, for at most `exitDeadlineMillis`; see {@link spanPipeline}.
 *
 * **Order**: as in each pipeline; none between signals. **Loss**: as in each pipeline; it is in `stats()` of its signal. What fails in one signal ends nothing in another.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 * @throws SpanflowError `MISSING_PACKAGE` when metrics are on and `@opentelemetry/sdk-metrics` is not installed, or the protocol is `grpc` and `@grpc/grpc-js` is not
 *
 * @example
 * ```ts
 * const made = telemetry({ url: 'http://collector.example:4318', compression: 'gzip', signals: { logs: { maxQueueSize: 50_000 } } });
 * new NodeSDK(made.sdk).start();
 * await made.shutdown();
 * ```
 *
 * @see spanPipeline
 */
export function telemetry(options: TelemetryOptions = {}): Telemetry {
  const settings = telemetrySettings(options);
  const { pipelines, sdk, ended } = madeSignals(options, settings);
  const each = Object.entries(pipelines) as [SignalName, SpanPipeline | LogPipeline | MetricPipeline][];
  const bySignal = <V>(of: (pipeline: (typeof each)[number][1]) => V): Record<string, V> =>
    Object.fromEntries(each.map(([name, pipeline]) => [name, of(pipeline)]));
  let closing: Promise<void> | undefined;
  const shutdown: Telemetry['shutdown'] = (given = {}) => {
    const defaults = { deadlineMillis: settings.shutdownDeadlineMillis };
    const { deadlineMillis } = settingsOf(`${OWNER}.shutdown`, defaults, { deadlineMillis: millis(0) }, given);
    closing ??= inParallel('shutdown', ended, (signal: EndedSignal) => signal.shutdown(deadlineMillis));
    return closing;
  };
  return {
    sdk,
    pipelines,
    stats: () => bySignal((pipeline) => pipeline.stats()),
    stats$: combineLatest(bySignal((pipeline) => pipeline.stats$)),
    state$: combineLatest(bySignal((pipeline) => pipeline.state$)),
    forceFlush: (given = {}) => {
      const defaults = { timeoutMillis: settings.flushTimeoutMillis };
      const rules = { timeoutMillis: millis(0, 'orInfinity') };
      const { timeoutMillis } = settingsOf(`${OWNER}.forceFlush`, defaults, rules, given);
      return inParallel('forceFlush', ended, (signal: EndedSignal) => signal.forceFlush(timeoutMillis));
    },
    shutdown,
    [Symbol.asyncDispose]: () => shutdown(),
  };
}
