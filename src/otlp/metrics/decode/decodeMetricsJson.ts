import type { MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { decodeJsonRequest, type SignalJson } from '../../decode/decodeJsonRequest.ts';
import { metricsRequestJson } from '../../json/read/jsonSchema.ts';
import { type DecodeOptions, limitsOf } from '../../protobuf/decodeLimits.ts';
import { metricsDecoding } from './decodeMetrics.ts';
import { METRIC_COSTS } from './readMetric.ts';

export const metricsJson: SignalJson<MetricDataPoint> = {
  message: metricsRequestJson,
  costs: METRIC_COSTS,
  decoding: metricsDecoding,
};

/**
 * The data points of an OTLP metrics export request in JSON, as `decodeMetrics` returns them.
 *
 * It reads what `decodeTracesJson` reads: OTLP/JSON, and what proto3 JSON allows besides, such as integers and counts as numbers or
 * strings, doubles as strings (`"NaN"`, `"Infinity"`), the temporality by name.
 *
 * **Order:** as in the message.
 *
 * **Loss:** no point is lost. A metric without points yields none.
 *
 * **Bounded:** as `decodeMetrics` is. `maxDecodedBytes` also bounds the heap that the parsed text takes, separately from the points.
 *
 * @param json the text, or its bytes in UTF-8
 *
 * @throws SpanflowError as `decodeMetrics` does.
 *
 * @example
 * ```ts
 * const { decodeMetricsJson } = await import('spanflow/otlp');
 * const points = decodeMetricsJson(await readFile('metrics.json', 'utf8'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function decodeMetricsJson(json: string | Uint8Array, options: DecodeOptions = {}): MetricDataPoint[] {
  return decodeJsonRequest(json, limitsOf('decodeMetricsJson', options), metricsJson);
}
