import type { MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { viewJsonRequest } from '../../decode/viewJsonRequest.ts';
import { type DecodeOptions, limitsOf } from '../../protobuf/decodeLimits.ts';
import { metricsJson } from './decodeMetricsJson.ts';
import { viewMetric } from './viewMetric.ts';

/** What `decodeMetricsJson` reads, each item of which is read when it is asked for. */
export function viewMetricsJson(json: string | Uint8Array, options: DecodeOptions = {}): MetricDataPoint[] {
  return viewJsonRequest(json, limitsOf('viewMetricsJson', options), metricsJson, viewMetric);
}
