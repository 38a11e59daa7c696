import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ReadableLogRecord } from './logRecord.ts';
import type { MetricDataPoint } from './metricDataPoint.ts';

/** What batches of each signal consist of, by the name of the signal. */
export interface SignalItems {
  /** Spans, as the SDK has them. */
  traces: ReadableSpan;
  /** Log records, as the SDK has them. */
  logs: ReadableLogRecord;
  /** Data points, each with its metric. */
  metrics: MetricDataPoint;
}

/** A signal, named as in the paths of OTLP: `traces` (spans), `logs` (log records), `metrics` (data points). */
export type SignalName = keyof SignalItems;
