import type { MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { decodeRequest, type SignalDecoding } from '../../decode/decodeRequest.ts';
import { type DecodeOptions, limitsOf } from '../../protobuf/decodeLimits.ts';
import { readMetric } from './readMetric.ts';

export const metricsDecoding: SignalDecoding<MetricDataPoint> = {
  request: 'ExportMetricsServiceRequest',
  readInto: readMetric,
};

/**
 * The data points of an OTLP metrics export request (protobuf): of gauges, sums, histograms, exponential histograms and summaries, with
 * their exemplars.
 *
 * `encodeMetrics(decodeMetrics(bytes))` gives the same telemetry back. What a point cannot hold is normalised; the README of `src/otlp`
 * has the list, with a test for each entry. Points of one `Metric` share one metric object, so the encoder puts them together again;
 * `resourceMetricsOf` makes collections of them, as official exporters take them.
 *
 * **Order:** as in the message.
 *
 * **Loss:** no point is lost. A metric without points yields none. Fields that this version of OTLP does not know are skipped.
 *
 * **Bounded:** two bytes can become a point of 400, so the length of a message does not bound the memory that its points take.
 * `maxItems` and `maxDecodedBytes` do. Limit the length of the message itself before the call.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the message, the place and the reason (messages nested more than 100 deep are
 * refused): a receiver answers with 400. `MESSAGE_TOO_LARGE` with the option and its limit: a receiver answers with 413.
 * `INVALID_OPTION`. Nothing else.
 *
 * @example
 * ```ts
 * const { decodeMetrics } = await import('spanflow/otlp');
 * const points = decodeMetrics(await readFile('metrics.otlp'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function decodeMetrics(bytes: Uint8Array, options: DecodeOptions = {}): MetricDataPoint[] {
  return decodeRequest(bytes, limitsOf('decodeMetrics', options), metricsDecoding);
}
