import type { MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { type SignalViewing, type ViewOptions, viewRequest } from '../../decode/viewRequest.ts';
import { METRIC_COSTS } from './readMetric.ts';
import { viewMetric } from './viewMetric.ts';

export const metricsViewing: SignalViewing<MetricDataPoint> = {
  request: 'ExportMetricsServiceRequest',
  costs: METRIC_COSTS,
  viewInto: viewMetric,
};

/**
 * The data points of an OTLP metrics export request (protobuf), each of which is read from the bytes when it is asked for,
 * as {@link viewTraces} does it for spans. A metric and each of its points are read as a whole.
 *
 * **Order:** as in the message.
 *
 * **Loss:** none.
 *
 * @throws SpanflowError as {@link viewTraces} does.
 *
 * @example
 * ```ts
 * const { encodeMetrics, viewMetrics } = await import('spanflow/otlp');
 * const body = encodeMetrics(viewMetrics(await readFile('metrics.otlp')));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function viewMetrics(bytes: Uint8Array, options: ViewOptions = {}): MetricDataPoint[] {
  return viewRequest('viewMetrics', bytes, options, metricsViewing);
}
