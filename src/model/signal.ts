import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ReadableLogRecord } from './logRecord.ts';
import type { MetricDataPoint } from './metricDataPoint.ts';

/** What batches of each signal consist of. */
export interface SignalItems {
  traces: ReadableSpan;
  logs: ReadableLogRecord;
  metrics: MetricDataPoint;
}

/** As in the paths of OTLP: `traces`, `logs`, `metrics`. */
export type SignalName = keyof SignalItems;
