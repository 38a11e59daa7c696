import type { AttributeValue } from '@opentelemetry/api';
import type { DataPointType, MetricDataPoint, MetricInfo, PointValue } from '../../model/metricDataPoint.ts';
import { MarbleFailure } from '../failures/failure.ts';
import { valueText } from '../failures/text.ts';
import { type ItemsByLetter, LetterTable, START_SECONDS } from './letterTable.ts';
import { makeResource } from './spans.ts';

/** The properties of a drawn data point. Each has a default. */
export interface PointShape {
  /** The name of its metric. Points of one name are points of one metric, and must have one type. Default: the letter. */
  readonly metric?: string;
  /** Default `sum`: a monotonic, cumulative one. */
  readonly type?: 'sum' | 'gauge' | 'histogram' | 'exponentialHistogram' | 'summary';
  /** Default: 1, or what a histogram or a summary is after the measurement 1. */
  readonly value?: PointValue;
  /** Default: none. */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Attributes of its resource, added to the service name `marbles`. */
  readonly resource?: Readonly<Record<string, AttributeValue>>;
}

/** Data points by letter: all default letters and the shaped ones. */
export type PointsByLetter<Shaped extends string = never> = ItemsByLetter<MetricDataPoint, Shaped>;

type TypeName = NonNullable<PointShape['type']>;

/** As the SDK numbers them. */
const TYPES: Readonly<Record<TypeName, DataPointType>> = {
  histogram: 0,
  exponentialHistogram: 1,
  gauge: 2,
  sum: 3,
  summary: 4,
};
const NAMES = Object.keys(TYPES);

const VALUES: Readonly<Record<TypeName, PointValue>> = {
  histogram: { count: 1, sum: 1, min: 1, max: 1, buckets: { boundaries: [1], counts: [1, 0] } },
  exponentialHistogram: {
    count: 1,
    sum: 1,
    min: 1,
    max: 1,
    scale: 0,
    zeroCount: 0,
    positive: { offset: -1, bucketCounts: [1] },
    negative: { offset: 0, bucketCounts: [] },
  },
  gauge: 1,
  sum: 1,
  summary: { count: 1, sum: 1, quantileValues: [{ quantile: 0.5, value: 1 }] },
};

const CUMULATIVE = 1;
const DOUBLE = 1;
const COLLECTED_AFTER_SECONDS = 60;

/** The data points of one run by letter. */
export class PointTable extends LetterTable<MetricDataPoint, PointShape> {
  protected readonly noun = 'data point';
  protected readonly caller = 'points';
  /** By name. The encoder puts points of one metric object together, if they have one resource and one scope. */
  readonly #metrics = new Map<string, MetricInfo>();
  readonly #resource = makeResource({ 'service.name': 'marbles' });
  readonly #scope = { name: 'spanflow/testing' };

  isOne(value: unknown): value is MetricDataPoint {
    const { metric, point } = (value ?? {}) as Partial<MetricDataPoint>;
    return typeof metric?.descriptor === 'object' && typeof point?.attributes === 'object';
  }

  wordsOf({ metric, point: { value, attributes } }: MetricDataPoint): string {
    return [
      `the data point of ${metric.descriptor.name}`,
      NAMES[metric.dataPointType] ?? `type ${metric.dataPointType}`,
      valueText(value),
      ...(Object.keys(attributes).length === 0 ? [] : [valueText(attributes)]),
    ].join(', ');
  }

  protected make(letter: string): MetricDataPoint {
    const { metric = letter, type = 'sum', value, attributes, resource }: PointShape = this.shapes.get(letter) ?? {};
    return {
      resource: resource === undefined ? this.#resource : makeResource({ ...this.#resource.attributes, ...resource }),
      scope: this.#scope,
      metric: this.#metric(letter, metric, TYPES[type]),
      point: {
        startTime: [START_SECONDS, 0],
        endTime: [START_SECONDS + COLLECTED_AFTER_SECONDS, 0],
        attributes: { ...attributes },
        value: value ?? VALUES[type],
      },
    };
  }

  #metric(letter: string, name: string, dataPointType: DataPointType): MetricInfo {
    const known = this.#metrics.get(name);
    if (known !== undefined && known.dataPointType !== dataPointType)
      throw new MarbleFailure(
        `the data point ${letter} is a ${NAMES[dataPointType]} of the metric ${name}, which is a ${NAMES[known.dataPointType]}: give it another metric, or the same type`,
      );
    const metric: MetricInfo = known ?? {
      descriptor: { name, description: '', unit: '', valueType: DOUBLE },
      dataPointType,
      aggregationTemporality: CUMULATIVE,
      ...(dataPointType === TYPES.sum ? { isMonotonic: true } : {}),
    };
    this.#metrics.set(name, metric);
    return metric;
  }
}
