// What protobufjs writes for data points and reads of them, field by field. Without limits: it is asked about points that can be encoded.

import type { Attributes } from '@opentelemetry/api';
import type {
  DataPoint,
  Exemplar,
  ExponentialHistogram,
  Histogram,
  MetricDataPoint,
  MetricInfo,
  NumberValue,
  PointValue,
  Summary,
} from '../../../src/model/metricDataPoint.ts';
import { type Bits64, integerOf, unsignedOf } from '../../../src/otlp/protobuf/int64.ts';
import type {
  BucketsMessage,
  ExemplarMessage,
  ExponentialPointMessage,
  HistogramPointMessage,
  KeyValueMessage,
  MetricMessage,
  NumberPointMessage,
  PointMessage,
  SummaryPointMessage,
} from '../../support/otlpMessages.ts';
import { metricsRequest } from '../../support/otlpSchema.ts';
import { anyValue, bits, grouped, nanos, text } from '../oracle.ts';
import { attributesOf, hrTimeOf, resourceOf, scopeOf } from '../oracleDecode.ts';

export function protobufjsMetricBytes(points: readonly MetricDataPoint[]): Uint8Array {
  const resourceMetrics = grouped(points, ({ scope }) => scope).map(({ scopes, ...owner }) => ({
    ...owner,
    scopeMetrics: scopes.map(({ items, ...group }) => ({
      ...group,
      metrics: [...Map.groupBy(items, ({ metric }) => metric)].map(([metric, inside]) =>
        metricMessage(
          metric,
          inside.map(({ point }) => point),
        ),
      ),
    })),
  }));
  return metricsRequest.encode({ resourceMetrics });
}

function metricMessage(metric: MetricInfo, points: readonly DataPoint[]): MetricMessage {
  const { name, description, unit, valueType } = metric.descriptor;
  const common = {
    name: text(name),
    description: text(description),
    unit: text(unit),
    metadata: entries(metric.metadata),
  };
  const temporality = { aggregationTemporality: Math.max(0, metric.aggregationTemporality + 1) };
  switch (metric.dataPointType) {
    case 0:
      return {
        ...common,
        histogram: { dataPoints: points.map((point) => histogram(point, valueType)), ...temporality },
      };
    case 1:
      return {
        ...common,
        exponentialHistogram: { dataPoints: points.map((point) => exponential(point, valueType)), ...temporality },
      };
    case 2:
      return { ...common, gauge: { dataPoints: points.map((point) => number(point, valueType)) } };
    case 3: {
      const dataPoints = points.map((point) => number(point, valueType));
      return { ...common, sum: { dataPoints, ...temporality, isMonotonic: metric.isMonotonic === true } };
    }
    case 4:
      return { ...common, summary: { dataPoints: points.map(summary) } };
  }
}

function pointMessage(point: DataPoint): PointMessage {
  return {
    startTimeUnixNano: nanos(point.startTime),
    timeUnixNano: nanos(point.endTime),
    attributes: entries(point.attributes),
    flags: point.noRecordedValue === true ? 1 : 0,
  };
}

function number(point: DataPoint, valueType: number): NumberPointMessage {
  const value = point.value as NumberValue;
  const isAbsent = point.noRecordedValue === true && Number.isNaN(value);
  return {
    ...pointMessage(point),
    ...(isAbsent ? {} : numberMessage(value, valueType)),
    exemplars: exemplars(point, valueType),
  };
}

function numberMessage(value: NumberValue, valueType: number): { asInt: Bits64 } | { asDouble: number } {
  const isInteger = typeof value === 'bigint' || (valueType === 0 && Number.isInteger(value));
  const fits = isInteger && BigInt.asIntN(64, BigInt(value)) === BigInt(value);
  return fits ? { asInt: bits(BigInt(value)) } : { asDouble: Number(value) };
}

function exemplars({ exemplars = [] }: DataPoint, valueType: number): ExemplarMessage[] {
  return exemplars.map(({ timestamp, value, spanId, traceId, filteredAttributes }) => ({
    timeUnixNano: nanos(timestamp),
    ...numberMessage(value, valueType),
    spanId: Buffer.from(spanId ?? '', 'hex'),
    traceId: Buffer.from(traceId ?? '', 'hex'),
    filteredAttributes: entries(filteredAttributes),
  }));
}

function histogram(point: DataPoint, valueType: number): HistogramPointMessage {
  const { count, sum, min, max, buckets } = point.value as Histogram;
  return {
    ...pointMessage(point),
    ...given({ sum, min, max }),
    count: bits(BigInt(count)),
    bucketCounts: buckets.counts.map((each) => bits(BigInt(each))),
    explicitBounds: [...buckets.boundaries],
    exemplars: exemplars(point, valueType),
  };
}

function exponential(point: DataPoint, valueType: number): ExponentialPointMessage {
  const { count, sum, min, max, scale, zeroCount, zeroThreshold, positive, negative } =
    point.value as ExponentialHistogram;
  return {
    ...pointMessage(point),
    ...given({ sum, min, max }),
    count: bits(BigInt(count)),
    scale,
    zeroCount: bits(BigInt(zeroCount)),
    positive: buckets(positive),
    negative: buckets(negative),
    exemplars: exemplars(point, valueType),
    zeroThreshold: zeroThreshold ?? 0,
  };
}

function buckets({ offset, bucketCounts }: ExponentialHistogram['positive']): BucketsMessage {
  return { offset, bucketCounts: bucketCounts.map((each) => bits(BigInt(each))) };
}

function summary(point: DataPoint): SummaryPointMessage {
  const { count, sum, quantileValues } = point.value as Summary;
  return {
    ...pointMessage(point),
    count: bits(BigInt(count)),
    sum,
    quantileValues: quantileValues.map((each) => ({ ...each })),
  };
}

/** Without those that are `undefined`. */
function given(fields: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

/** An attribute that has no form has an empty value. */
function entries(attributes: object | undefined): KeyValueMessage[] {
  return Object.entries(attributes ?? {}).map(([key, value]) => ({ key: text(key), value: anyValue(value) ?? {} }));
}

export function protobufjsPoints(bytes: Uint8Array): MetricDataPoint[] {
  return metricsRequest.decode(bytes).resourceMetrics.flatMap(({ resource, scopeMetrics, schemaUrl }) => {
    const received = resourceOf(resource, schemaUrl);
    return scopeMetrics.flatMap((group) => {
      const scope = scopeOf(group);
      return group.metrics.flatMap((message) => {
        const { metric, points } = metricOf(message);
        return points.map((point): MetricDataPoint => ({ resource: received, scope, metric, point }));
      });
    });
  });
}

const TYPES = { histogram: 0, exponentialHistogram: 1, gauge: 2, sum: 3, summary: 4 } as const;

function metricOf(message: MetricMessage): { metric: MetricInfo; points: DataPoint[] } {
  const { name, description, unit, data, metadata } = message;
  if (data === undefined) return { metric: {} as MetricInfo, points: [] };
  const { dataPoints, aggregationTemporality = 0, isMonotonic }: Data = message[data] as Data;
  const numbers = dataPoints.flatMap((point) => [point, ...(point.exemplars ?? [])]);
  const metric: MetricInfo = {
    descriptor: { name, description, unit, valueType: numbers.some(({ value }) => value === 'asInt') ? 0 : 1 },
    dataPointType: TYPES[data],
    aggregationTemporality: Math.max(aggregationTemporality - 1, -1),
    ...(data === 'sum' ? { isMonotonic: isMonotonic as boolean } : {}),
    ...(metadata.length > 0 ? { metadata: attributesOf(metadata) } : {}),
  };
  return { metric, points: dataPoints.map((point) => pointOf(point, READ[data](point as never))) };
}

interface Data {
  dataPoints: (PointMessage & { value?: string; exemplars?: ExemplarMessage[] })[];
  aggregationTemporality?: number;
  isMonotonic?: boolean;
}

function pointOf(message: Data['dataPoints'][number], value: PointValue | undefined): DataPoint {
  const isUnrecorded = (message.flags & 1) !== 0 || value === undefined;
  return {
    startTime: hrTimeOf(unsignedOf(message.startTimeUnixNano)),
    endTime: hrTimeOf(unsignedOf(message.timeUnixNano)),
    attributes: attributesOf(message.attributes),
    value: value ?? Number.NaN,
    ...((message.exemplars ?? []).length > 0 ? { exemplars: (message.exemplars ?? []).map(exemplarOf) } : {}),
    ...(isUnrecorded ? { noRecordedValue: true } : {}),
  };
}

const READ = {
  gauge: numberOf,
  sum: numberOf,
  histogram: (message: HistogramPointMessage): Histogram => ({
    buckets: { boundaries: [...message.explicitBounds], counts: message.bucketCounts.map(countOf) },
    count: countOf(message.count),
    ...present(message, 'sum', 'min', 'max'),
  }),
  exponentialHistogram: (message: ExponentialPointMessage): ExponentialHistogram => ({
    count: countOf(message.count),
    scale: message.scale,
    zeroCount: countOf(message.zeroCount),
    positive: bucketsOf(message.positive),
    negative: bucketsOf(message.negative),
    ...present(message, 'sum', 'min', 'max', 'zeroThreshold'),
  }),
  summary: ({ count, sum, quantileValues }: SummaryPointMessage): Summary => ({
    count: countOf(count),
    sum,
    quantileValues: quantileValues.map(({ quantile, value }) => ({ quantile, value })),
  }),
};

function numberOf(message: NumberPointMessage | ExemplarMessage): NumberValue | undefined {
  if (message.value === 'asInt') return integerOf(message.asInt as Bits64);
  return message.value === 'asDouble' ? message.asDouble : undefined;
}

function exemplarOf(message: ExemplarMessage): Exemplar {
  const filteredAttributes: Attributes = attributesOf(message.filteredAttributes);
  const ids = Object.entries({ spanId: message.spanId, traceId: message.traceId });
  return {
    timestamp: hrTimeOf(unsignedOf(message.timeUnixNano)),
    value: numberOf(message) ?? Number.NaN,
    filteredAttributes,
    ...Object.fromEntries(
      ids.filter(([, id]) => id.length > 0).map(([name, id]) => [name, Buffer.from(id).toString('hex')]),
    ),
  };
}

function bucketsOf(message: BucketsMessage | null): ExponentialHistogram['positive'] {
  return { offset: message?.offset ?? 0, bucketCounts: (message?.bucketCounts ?? []).map(countOf) };
}

/** The nearest number, which stays below 2^64. */
function countOf(value: Bits64): number {
  return Math.min(Number(unsignedOf(value)), 2 ** 64 - 2048);
}

/** Fields that were on the wire. */
function present(message: object, ...names: string[]): Record<string, number> {
  return Object.fromEntries(
    names
      .filter((name) => Object.hasOwn(message, name))
      .map((name) => [name, (message as Record<string, number>)[name] ?? 0]),
  );
}
