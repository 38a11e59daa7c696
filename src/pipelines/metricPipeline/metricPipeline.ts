import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { messageOf } from '../../model/errors.ts';
import type { MetricDataPoint } from '../../model/metricDataPoint.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Retry } from '../../operators/retryWithBackoff.ts';
import { SinkHandle } from '../answers/sinkHandle.ts';
import { controlsOf, type PipelineControls } from '../controls.ts';
import { sinksOf, type WayOut, wayOut } from '../wayOut.ts';
import { CollectionExporter } from './collectionExporter.ts';
import {
  type CardinalityLimits,
  type MetricPipelineOptions,
  type MetricPipelineSinksOptions,
  metricPipelineSettings,
} from './options.ts';
import { aggregationSelector, temporalitySelector } from './preferences.ts';

/** What a periodic reader of the SDK is made of. */
export interface MetricReaderOptions {
  /** The exporter of the pipeline. */
  readonly exporter: PushMetricExporter;
  /** How often the reader collects, in milliseconds: 1 or more. It is what the pipeline was given, or its default. */
  readonly exportIntervalMillis: number;
  /** How long the reader waits for the export of a collection, in milliseconds: 1 or more, at most the interval. It is what the pipeline was given, or its default. */
  readonly exportTimeoutMillis: number;
  /** How many series instruments may have. Left out where the pipeline was not told: then the reader has its own limits. */
  readonly cardinalityLimits?: CardinalityLimits;
}

/** Collections go in at one end, outcomes come out at the other. All counts are data points. */
export interface MetricPipeline extends PipelineControls<Outcome<MetricDataPoint>> {
  /** For a reader of the SDK: `new PeriodicExportingMetricReader({ exporter: pipeline.exporter })`. Its `forceFlush` and `shutdown` are those of the pipeline. */
  readonly exporter: Required<PushMetricExporter>;
  /** The exporter, with the interval and the timeout that go with it: `new PeriodicExportingMetricReader(pipeline.readerOptions)`. */
  readonly readerOptions: MetricReaderOptions;
}

/**
 * The default composition for metrics: an exporter for OpenTelemetry's periodic reader that loses nothing silently.
 *
 * ```
 * reader  →  export(collection)  →  data points  →  queue  →  operators  →  adaptiveBatch  →  exportTo( deadline( retry( gate → slot( timeout( sink ) ) ) ) )  →  outcomes$
 *                                                                                  ↓
 *         ←  callback(SUCCESS or FAILED)  ←  when each point of the collection has its end
 * ```
 *
 * A collection becomes its data points, and these become batches of at most `maxExportBatchSize`, several in flight at once: so a large collection goes in several requests, and one that fails is tried again by itself. Batches, outcomes and `stats()` count data points, as OTLP's
 * `rejected_data_points` does. How many series an instrument may have is a setting of the reader, which `cardinalityLimits` passes on; what it gives is exported.
 *
 * **Answers** each collection once: `SUCCESS` if every point was delivered that no operator has taken out, and else `FAILED`, with an error that says how many points were lost or rejected, and why. The SDK reports it. With several sinks, the required one that has delivered least speaks.
 *
 * **What the other pipelines have, and this one has not**: a processor, because metrics are collected; `handle()`, because `exporter` is one, whose calls are collections (for data points of your own, make an {@link exportHandle}); `overflow` and `priorityOf`, because what finds no room in the queue waits for it, and the reader with it
 * (a branch of `sinks` has both).
 *
 * **When the reader gives up first** (its `exportTimeoutMillis` is less than this one's, or a collection has more batches than get a slot in time), it reports a timeout and collects again at its next interval. The export goes on: each batch until its own deadline (`retry.maxElapsedMillis`). Its outcome is in
 * `outcomes$` and in `stats()`, losses are told by `diag.warn`, and the callback is still called, to which the reader does not listen any more.
 *
 * **When a newer collection comes while an older one still waits**, both are exported, the older one first. Its points are no duplicates: they have other times. Cumulative ones would be made up for by the newer ones, at the price of a gap in the series; deltas would be lost for good. Several batches are in flight at once, so a batch that is tried
 * again may arrive behind a newer one; a backend that takes no older point then rejects it, and it is counted as `rejected`. With equal timeouts this does not happen, because the reader waits for the answer before it collects again. Memory is bounded all the same, by `maxQueueSize`, `maxQueueBytes` and the budget of memory; what finds no room is
 * lost as `queueFull`.
 *
 * **Order**: batches are made in the order of the collections and of their points, and exported several at once.
 *
 * **Loss**: everything is in `stats()`, by reason, in the answer to the reader, and is reported to OpenTelemetry's `diag.warn`, at once and then summed up at most once per `warnIntervalMillis`.
 *
 * **Exit**: whenever the event loop runs empty, what the reader has given is still sent, for at most `exitDeadlineMillis`. What was measured since its last collection is still in the SDK: call the `shutdown` of the `MeterProvider`, which collects once more. It waits for that export as for any other, up to `exportTimeoutMillis`;
 * where the backend is dead and that is too long, `pipeline.shutdown({ deadlineMillis })` ends the wait, and answers the reader.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const pipeline = metricPipeline({ sink: otlpHttp({ signal: 'metrics' }) });
 * const reader = new PeriodicExportingMetricReader(pipeline.readerOptions);
 * const provider = new MeterProvider({ readers: [reader] });
 * provider.getMeter('shop').createCounter('orders').add(1);
 * await provider.shutdown();
 * ```
 *
 * @see exportHandle, which it is built on
 */
export function metricPipeline(options: MetricPipelineOptions | MetricPipelineSinksOptions): MetricPipeline {
  const settings = metricPipelineSettings(options);
  const { stages, operators, exportIntervalMillis, exportTimeoutMillis, cardinalityLimits } = settings;
  const onRetry = ({ error }: Retry) =>
    handle.life.warnings.trouble(`an export failed and will be tried again: ${messageOf(error)}`, 'retry');
  const out = (parts: WayOut<MetricDataPoint>) =>
    wayOut(options, settings, { ...parts, stage: { ...parts.stage, onRetry } });
  const handle = new SinkHandle({ sinks: sinksOf(options), operators, wayOut: out }, stages);
  const { life, forceFlush, shutdown } = handle;
  life.ledger.watch({ lost: (loss) => life.warnings.lost(loss) });
  life.ledger.carries('metrics');
  life.outcomes$.subscribe((outcome) => life.warnings.outcome(outcome));

  const onCallbackError = (thrown: unknown) => life.callbackFailed(thrown);
  const collections = new CollectionExporter({ handle, onCallbackError });
  const exporter: Required<PushMetricExporter> = {
    export: (collection, answer) => collections.export(collection, answer),
    selectAggregationTemporality: temporalitySelector(settings.temporalityPreference),
    selectAggregation: aggregationSelector(settings.aggregationPreference),
    forceFlush: () => forceFlush(),
    shutdown: () => shutdown(),
  };
  return {
    exporter,
    readerOptions: {
      ...{ exporter, exportIntervalMillis, exportTimeoutMillis },
      ...(cardinalityLimits !== undefined && { cardinalityLimits }),
    },
    ...controlsOf(life, handle),
  };
}
