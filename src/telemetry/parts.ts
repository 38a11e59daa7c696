import type { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { LogRecordProcessor } from '../inputs/fromLogRecordProcessor.ts';
import type { LogPipeline } from '../pipelines/logPipeline/logPipeline.ts';
import type { MetricPipeline } from '../pipelines/metricPipeline/metricPipeline.ts';
import type { SpanPipeline } from '../pipelines/spanPipeline/spanPipeline.ts';

/** What `NodeSDK` is given. A signal that is off has an empty array; one that is left to `NodeSDK` has none. */
export interface TelemetrySdk {
  /** The processor of the pipeline of spans. */
  spanProcessors?: SpanProcessor[];
  /** The processor of the pipeline of log records. */
  logRecordProcessors?: LogRecordProcessor[];
  /** The SDK's periodic reader, on the pipeline of metrics. */
  metricReaders?: PeriodicExportingMetricReader[];
}

/** The pipelines, by signal: those that there are. */
export interface TelemetryPipelines {
  /** That of spans. */
  readonly traces?: SpanPipeline;
  /** That of log records. */
  readonly logs?: LogPipeline;
  /** That of metrics. */
  readonly metrics?: MetricPipeline;
}
