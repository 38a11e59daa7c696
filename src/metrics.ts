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
export type { PipelineControls } from './pipelines/controls.ts';
export {
  type MetricPipeline,
  type MetricReaderOptions,
  metricPipeline,
} from './pipelines/metricPipeline/metricPipeline.ts';
export type {
  CardinalityLimits,
  HistogramAggregation,
  MetricOperator,
  MetricPipelineOptions,
  MetricPipelineSinksOptions,
  TemporalityPreference,
} from './pipelines/metricPipeline/options.ts';
