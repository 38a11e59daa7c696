/**
 * Metrics: the default composition, an exporter for a periodic reader of the SDK.
 *
 * @module spanflow/metrics
 */

import './internal/requireNode.ts';

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
} from './model/metricDataPoint.ts';
export {
  type MetricPipeline,
  type MetricReaderOptions,
  metricPipeline,
} from './pipelines/metricPipeline/metricPipeline.ts';
export type { MetricPipelineOptions } from './pipelines/metricPipeline/options.ts';
export type { HistogramAggregation, TemporalityPreference } from './pipelines/metricPipeline/preferences.ts';
export type { PipelineControls } from './pipelines/signalPipeline/controls.ts';
