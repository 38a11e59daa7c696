import type { Attributes } from '@opentelemetry/api';
import type {
  DataPoint,
  DataPointType,
  Exemplar,
  ExponentialBuckets,
  ExponentialHistogram,
  Histogram,
  MetricDataPoint,
  MetricInfo,
  PointValue,
  Summary,
} from '../../../model/metricDataPoint.ts';
import type { Resource, Scope } from '../../decode/decodeRequest.ts';
import type { HrTime } from '../../decode/hrTime.ts';
import { listOf, plainConstructor } from '../../decode/plainObject.ts';

import { SUM } from '../dataPointTypes.ts';
import { numberList } from './numbers.ts';

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

// A placeholder, which no point keeps.
export const UNSET: HrTime = [0, 0];

/** `ValueType` of the API. */
export const INT = 0;
export const DOUBLE = 1;
/** Where the sender did not say which. */
export const UNSPECIFIED_TEMPORALITY = -1;

/** A metric that is being read. Its fields come in any order, and its points get it at once. */
export interface ReceivedMetric extends Writable<MetricInfo> {
  descriptor: Writable<MetricInfo['descriptor']>;
}

export const ReceivedMetric = plainConstructor(function (this: ReceivedMetric) {
  this.descriptor = new Descriptor();
  this.dataPointType = 0;
  this.aggregationTemporality = UNSPECIFIED_TEMPORALITY;
});

const Descriptor = plainConstructor(function (this: ReceivedMetric['descriptor']) {
  this.name = '';
  this.description = '';
  this.unit = '';
  this.valueType = DOUBLE;
});

/** Made anew for points of another type: what the former ones said does not hold for these. */
export function becomeType(metric: ReceivedMetric, type: DataPointType): void {
  metric.dataPointType = type;
  metric.aggregationTemporality = UNSPECIFIED_TEMPORALITY;
  metric.descriptor.valueType = DOUBLE;
  if (type === SUM) metric.isMonotonic = false;
  else delete metric.isMonotonic;
}

export const ReceivedDataPoint = plainConstructor(function (
  this: Writable<MetricDataPoint>,
  resource: Resource,
  scope: Scope,
  metric: MetricInfo,
  point: DataPoint,
) {
  this.resource = resource;
  this.scope = scope;
  this.metric = metric;
  this.point = point;
});

export interface ReceivedPoint<Value extends PointValue> extends Writable<DataPoint<Value>> {
  attributes: Attributes;
  exemplars?: Exemplar[];
}

export const ReceivedPoint = plainConstructor(function (this: ReceivedPoint<PointValue>, value: PointValue) {
  this.startTime = UNSET;
  this.endTime = UNSET;
  this.attributes = {};
  this.value = value;
}) as unknown as new <Value extends PointValue>(
  value: Value,
) => ReceivedPoint<Value>;

export type ReceivedHistogram = Writable<Histogram> & { buckets: { boundaries: number[]; counts: number[] } };

export const ReceivedHistogram = plainConstructor(function (this: ReceivedHistogram) {
  this.buckets = new HistogramBuckets();
  this.count = 0;
});

const HistogramBuckets = plainConstructor(function (this: ReceivedHistogram['buckets']) {
  this.boundaries = numberList();
  this.counts = numberList();
});

export interface ReceivedBuckets extends Writable<ExponentialBuckets> {
  bucketCounts: number[];
}

export type ReceivedExponential = Writable<ExponentialHistogram> & {
  positive: ReceivedBuckets;
  negative: ReceivedBuckets;
};

export const ReceivedExponential = plainConstructor(function (this: ReceivedExponential) {
  this.count = 0;
  this.scale = 0;
  this.zeroCount = 0;
  this.positive = new ReceivedBuckets();
  this.negative = new ReceivedBuckets();
});

const ReceivedBuckets = plainConstructor(function (this: ReceivedBuckets) {
  this.offset = 0;
  this.bucketCounts = numberList();
});

export type ReceivedQuantile = Writable<Summary['quantileValues'][number]>;

export interface ReceivedSummary extends Writable<Summary> {
  quantileValues: ReceivedQuantile[];
}

export const ReceivedSummary = plainConstructor(function (this: ReceivedSummary) {
  this.count = 0;
  this.sum = 0;
  this.quantileValues = listOf();
});

export const ReceivedQuantile = plainConstructor(function (this: ReceivedQuantile) {
  this.quantile = 0;
  this.value = 0;
});

export type ReceivedExemplar = Writable<Exemplar>;

export const ReceivedExemplar = plainConstructor(function (this: ReceivedExemplar) {
  this.timestamp = UNSET;
  this.value = Number.NaN;
  this.filteredAttributes = {};
});
