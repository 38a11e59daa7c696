import type { MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { OneGoEncoder } from '../../encode/encodeRequest.ts';
import type { SignalFields } from '../../encode/requestEncoder.ts';
import { metricsRequestJson } from '../../json/read/jsonSchema.ts';
import { messageText } from '../../json/write/jsonFields.ts';
import { aroundPoints } from './aroundPoints.ts';
import { writePoint } from './writePoint.ts';

/** What encoders have to know of data points. */
export const METRICS: SignalFields<MetricDataPoint> = {
  noun: 'point',
  nameOf: ({ metric }) => metric.descriptor.name,
  resourceOf: ({ resource }) => resource,
  scopeOf: ({ scope }) => scope,
  write: writePoint,
  around: aroundPoints,
  touch: ({ metric, point }) => metric.descriptor.name.length + point.startTime[1] + point.endTime[1],
  json: () => messageText(metricsRequestJson()),
};

/** Encodes points in one go, as `encodeMetrics` and `encodeMetricsJson` do. */
export const oneGo = new OneGoEncoder(METRICS);
