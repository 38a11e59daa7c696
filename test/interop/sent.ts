// What a backend has to have received, said of the items themselves: no encoder and no decoder of src takes part.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ReadableLogRecord } from '../../src/model/logRecord.ts';
import type {
  DataPoint,
  Exemplar,
  ExponentialBuckets,
  ExponentialHistogram,
  Histogram,
  MetricInfo,
  NumberValue,
  Summary,
} from '../../src/model/metricDataPoint.ts';
import type { MetricData, ResourceMetrics } from '../../src/otlp/index.ts';
import { given, nanos, ownerJson, spanJson, valueJson } from '../support/spanJson.ts';
import { type Content, type Entry, entryOf } from './entry.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

export function sentSpans(spans: readonly ReadableSpan[]): Entry[] {
  return spans.map((span) =>
    entryOf('traces', { ...around(span.resource, span.instrumentationScope), item: spanJson(span) }),
  );
}

export function sentRecords(records: readonly ReadableLogRecord[]): Entry[] {
  return records.map((record) =>
    entryOf('logs', { ...around(record.resource, record.instrumentationScope), item: recordJson(record) }),
  );
}

export function sentPoints(collections: readonly ResourceMetrics[]): Entry[] {
  return collections.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ scope, metrics }) =>
      metrics.flatMap((metric) => pointsOf(metric, around(resource, scope))),
    ),
  );
}

function around(resource: Resource, scope: Scope): Omit<Content, 'item'> {
  const { name, version, schemaUrl: scopeSchemaUrl } = scope;
  const { schemaUrl: resourceSchemaUrl } = resource;
  const owner = given({ name, version, ...ownerJson(scope) });
  return given({ resource: ownerJson(resource), resourceSchemaUrl, scope: owner, scopeSchemaUrl });
}

/** A Collector does not tell a body of no value from none, so it stands for both. */
function recordJson(record: ReadableLogRecord): object {
  const { spanContext, body, severityNumber, severityText, eventName } = record;
  return given({
    timeUnixNano: nanos(record.hrTime),
    observedTimeUnixNano: nanos(record.hrTimeObserved),
    ...{ severityNumber, severityText, eventName },
    body: valueJson(body),
    ...ownerJson(record),
    flags: spanContext?.traceFlags,
    traceId: spanContext?.traceId,
    spanId: spanContext?.spanId,
  });
}

const KINDS = ['histogram', 'exponentialHistogram', 'gauge', 'sum', 'summary'] as const;

function pointsOf(metric: MetricData, owners: Omit<Content, 'item'>): Entry[] {
  const described = metricJson(metric);
  return metric.dataPoints.map((point) =>
    entryOf('metrics', { ...owners, metric: described, item: pointJson(point, metric) }),
  );
}

function metricJson({ descriptor, dataPointType, aggregationTemporality, isMonotonic, metadata }: MetricInfo): object {
  const { name, description, unit } = descriptor;
  const hasTemporality = dataPointType !== 2 && dataPointType !== 4;
  const data = given({
    aggregationTemporality: hasTemporality ? aggregationTemporality + 1 : undefined,
    isMonotonic: isMonotonic || undefined,
  });
  const { attributes } = ownerJson({ attributes: metadata });
  return given({ name, description, unit, [KINDS[dataPointType]]: data, metadata: attributes });
}

function pointJson(point: DataPoint, { dataPointType, descriptor }: MetricInfo): object {
  const { exemplars = [], noRecordedValue = false, value } = point;
  const common = given({
    startTimeUnixNano: nanos(point.startTime),
    timeUnixNano: nanos(point.endTime),
    ...ownerJson(point),
    exemplars: exemplars.map((exemplar) => exemplarJson(exemplar, descriptor.valueType)),
    flags: noRecordedValue ? 1 : 0,
  });
  // A series that has no value at this time is not one whose value is NaN.
  const hasNone = noRecordedValue && Number.isNaN(value);
  return hasNone ? common : { ...common, ...VALUES[dataPointType](value as never, descriptor.valueType) };
}

const VALUES = [histogramJson, exponentialJson, numberJson, numberJson, summaryJson] as const;

function numberJson(value: NumberValue, valueType: number): object {
  const isInt = typeof value === 'bigint' || (valueType === 0 && Number.isInteger(value));
  return isInt ? { asInt: `${BigInt(value)}` } : { asDouble: doubleJson(value) };
}

function histogramJson({ count, sum, min, max, buckets: { boundaries, counts } }: Histogram): object {
  return {
    ...given({
      count: countJson(count),
      bucketCounts: counts.map((each) => `${BigInt(each)}`),
      explicitBounds: boundaries.map(doubleJson),
    }),
    ...optionalJson({ sum, min, max }),
  };
}

function exponentialJson(value: ExponentialHistogram): object {
  const { count, sum, min, max, scale, zeroCount, zeroThreshold, positive, negative } = value;
  return {
    ...given({ count: countJson(count), scale, zeroCount: countJson(zeroCount), zeroThreshold }),
    positive: bucketsJson(positive),
    negative: bucketsJson(negative),
    ...optionalJson({ sum, min, max }),
  };
}

function summaryJson({ count, sum, quantileValues }: Summary): object {
  return given({
    count: countJson(count),
    sum: doubleJson(sum),
    quantileValues: quantileValues.map(({ quantile, value }) => given({ quantile, value: doubleJson(value) })),
  });
}

function bucketsJson({ offset, bucketCounts }: ExponentialBuckets): object {
  return given({ offset, bucketCounts: bucketCounts.map((each) => `${BigInt(each)}`) });
}

/** The wire tells 0 from nothing here. */
function optionalJson(doubles: Readonly<Record<string, number | undefined>>): object {
  const known = Object.entries(doubles).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, doubleJson(value)]));
}

function exemplarJson({ timestamp, value, filteredAttributes, spanId, traceId }: Exemplar, valueType: number): object {
  const { attributes } = ownerJson({ attributes: filteredAttributes });
  return {
    ...given({ timeUnixNano: nanos(timestamp), spanId, traceId, filteredAttributes: attributes }),
    ...numberJson(value, valueType),
  };
}

function countJson(count: number): string | undefined {
  return count === 0 ? undefined : `${BigInt(count)}`;
}

function doubleJson(value: NumberValue): number | string {
  return Number.isFinite(value) ? Number(value) : `${value}`;
}
