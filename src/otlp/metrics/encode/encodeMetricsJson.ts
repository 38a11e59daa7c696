import type { MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { checkArguments } from '../../encode/encodeItems.ts';
import type { EncodeOptions, OwnBytes } from '../../encode/encodeOptions.ts';
import { METRICS, oneGo } from './metricSignal.ts';

/**
 * Data points as the body of an OTLP metrics export request in JSON, in UTF-8.
 *
 * It holds what {@link encodeMetrics} writes, in OTLP/JSON: 64-bit integers (counts, too) as strings, NaN and the infinities by their
 * names, ids in hex, enums as numbers, bytes in base64; what is 0 or empty is absent. -0 is the string `"-0"`, since `JSON.stringify` has
 * no sign for it.
 *
 * **Order:** as in {@link encodeMetrics}.
 *
 * **Loss:** as in {@link encodeMetrics}.
 *
 * @throws SpanflowError as {@link encodeMetrics} does.
 *
 * @example
 * ```ts
 * const { dataPointsOf, encodeMetricsJson } = await import('spanflow/otlp');
 * const { resourceMetrics } = await reader.collect();
 * const text = new TextDecoder().decode(encodeMetricsJson(dataPointsOf(resourceMetrics)));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function encodeMetricsJson(
  points: readonly MetricDataPoint[],
  options?: EncodeOptions<MetricDataPoint>,
): OwnBytes {
  checkArguments('encodeMetricsJson', METRICS.noun, points, options);
  return oneGo.json(points, options?.onUnencodable);
}
