/**
 * Spans as OTLP requests, and back: protobuf and JSON, without a connection.
 *
 * @module spanflow/otlp
 */

import '../internal/requireNode.ts';

export type { ReadableLogRecord } from '../model/logRecord.ts';
export type {
  DataPoint,
  DataPointType,
  Exemplar,
  ExponentialBuckets,
  ExponentialHistogram,
  Histogram,
  MetricDataPoint,
  MetricInfo,
  NumberValue,
  PointValue,
  Summary,
} from '../model/metricDataPoint.ts';
export type { ViewOptions } from './decode/viewRequest.ts';
export type { EncodeOptions } from './encode/encodeOptions.ts';
export { decodeLogs } from './logs/decode/decodeLogs.ts';
export { decodeLogsJson } from './logs/decode/decodeLogsJson.ts';
export { viewLogs } from './logs/decode/viewLogs.ts';
export { encodeLogs } from './logs/encode/encodeLogs.ts';
export { encodeLogsJson } from './logs/encode/encodeLogsJson.ts';
export { dataPointsOf, type MetricData, type ResourceMetrics, resourceMetricsOf } from './metrics/collections.ts';
export { decodeMetrics } from './metrics/decode/decodeMetrics.ts';
export { decodeMetricsJson } from './metrics/decode/decodeMetricsJson.ts';
export { viewMetrics } from './metrics/decode/viewMetrics.ts';
export { encodeMetrics } from './metrics/encode/encodeMetrics.ts';
export { encodeMetricsJson } from './metrics/encode/encodeMetricsJson.ts';
export type { DecodeOptions, DecodeOptions as DecodeTracesOptions } from './protobuf/decodeLimits.ts';
export { decodeTraces } from './traces/decode/decodeTraces.ts';
export { decodeTracesJson } from './traces/decode/decodeTracesJson.ts';
export { viewTraces } from './traces/decode/viewTraces.ts';
export { type EncodeTracesOptions, encodeTraces } from './traces/encode/encodeTraces.ts';
export { encodeTracesJson } from './traces/encode/encodeTracesJson.ts';
