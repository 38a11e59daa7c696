import type { MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { checkArguments } from '../../encode/encodeItems.ts';
import type { EncodeOptions, OwnBytes } from '../../encode/encodeOptions.ts';
import { METRICS, oneGo } from './metricSignal.ts';

/**
 * Data points as the body of an OTLP metrics export request (protobuf).
 *
 * Points of one metric object become one metric. A number goes out as an integer where the metric's `valueType` says so and it is one,
 * otherwise as a double, so that no value changes. What OTLP has no form for (a function, a symbol) leaves an attribute with an empty
 * value: the key stays, since attributes tell one series from another. A point is unencodable where OTLP cannot express it: counts that
 * are no whole numbers, a scale beyond 32 bits, ids of exemplars that are not hex of the right length, times that are not finite or lie
 * before 1970, circular or too deeply nested values, more than 262,144 values or 64 Mi characters in one point, a getter that throws, a
 * resource, scope or metric for which any of this holds.
 *
 * **Order:** resources, scopes and metrics (each by identity) in the order of their first point; points in their own order inside.
 *
 * **Loss:** none without {@link EncodeOptions.onUnencodable}; with it, exactly the points that it is called with.
 *
 * @throws SpanflowError `UNENCODABLE`, naming the point's metric and the reason, and, callback or not, where the request as a whole does
 * not fit into memory; `INVALID_OPTION` for arguments of the wrong kind.
 *
 * @example
 * ```ts
 * const { dataPointsOf, encodeMetrics } = await import('spanflow/otlp');
 * const { resourceMetrics } = await reader.collect();
 * const body = encodeMetrics(dataPointsOf(resourceMetrics), { onUnencodable: (point, error) => console.warn(error.message) });
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otel/metrics/data-model/
 */
export function encodeMetrics(points: readonly MetricDataPoint[], options?: EncodeOptions<MetricDataPoint>): OwnBytes {
  checkArguments('encodeMetrics', METRICS.noun, points, options);
  return oneGo.protobuf(points, options?.onUnencodable);
}
