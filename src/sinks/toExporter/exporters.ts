import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { ReadableLogRecord } from '../../model/logRecord.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { type ResourceMetrics, resourceMetricsOf } from '../../otlp/metrics/collections.ts';

/** How an exporter says that an export has ended. */
export type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** What the exporters of all signals have in common. */
export interface AnyExporter<Exported = never> {
  /** Exports, and calls back once. */
  export(exported: Exported, answer: (result: ExportResult) => void): void;
  /** Resolves when everything has been sent. */
  forceFlush?(): Promise<void>;
  /** Ends it. */
  shutdown(): Promise<void>;
}

// Why are those of `sdk-logs` and `sdk-metrics` written down? A program that only traces should not have to install these for the types of what it does not use.

/** The exporter of each signal: the `SpanExporter` of the SDK, what its `LogRecordExporter` and its `PushMetricExporter` are. */
export interface SignalExporters {
  /** A `SpanExporter`. */
  traces: SpanExporter;
  /** A `LogRecordExporter`. */
  logs: AnyExporter<ReadableLogRecord[]>;
  /** A `PushMetricExporter`. */
  metrics: AnyExporter<ResourceMetrics>;
}

/** One call of the exporter. */
export type OneExport = (answer: (result: ExportResult) => void) => unknown;

/** The calls of an exporter that export items of its signal: one, or for metrics one for each resource. */
export function exportsOf<S extends SignalName>(
  exporter: AnyExporter,
  signal: S,
): (items: readonly SignalItems[S][]) => OneExport[] {
  const one =
    (exported: unknown): OneExport =>
    (answer) =>
      exporter.export(exported as never, answer);
  if (signal !== 'metrics') return (items) => [one([...items])];
  return (items) => resourceMetricsOf(items as readonly SignalItems['metrics'][]).map(one);
}
