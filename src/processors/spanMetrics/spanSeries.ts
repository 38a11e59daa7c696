import type { Attributes, HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { VERSION } from '../../internal/version.ts';
import type { MetricDataPoint, MetricInfo } from '../../model/metricDataPoint.ts';
import { ExponentialBucketCounts } from '../../strategies/exponentialHistogram.ts';
import { millisOf } from '../../strategies/spanFacts.ts';
import { dimensionOf } from '../shared/dimensions.ts';
import type { Fold } from '../shared/folding.ts';
import type { SpanMetricsSettings } from './options.ts';

/** As the SDK numbers them. */
const EXPONENTIAL_HISTOGRAM = 1;
const SUM = 3;
const TEMPORALITIES = { delta: 0, cumulative: 1 } as const;
const VALUE_TYPES = { integer: 0, double: 1 } as const;

const SCOPE = Object.freeze({ name: 'spanflow.spanMetrics', version: VERSION });

/** OpenTelemetry's SDK specification, "Cardinality limits": the overflow attribute set. */
const OVERFLOW = Object.freeze({ 'otel.metric.overflow': true });

interface Series {
  readonly attributes: Attributes;
  calls: number;
  readonly durations: ExponentialBucketCounts;
}

/** Counts spans by their dimensions, within a limit of cardinality. */
export class SpanSeries implements Fold<MetricDataPoint> {
  readonly #settings: SpanMetricsSettings;
  readonly #dimensions: readonly (readonly [name: string, read: (span: ReadableSpan) => unknown])[];
  readonly #calls: MetricInfo;
  readonly #duration: MetricInfo;
  readonly #series = new Map<string, Series>();
  #overflow: Series | undefined;
  #startMillis: number; // of the points that come next

  constructor(settings: SpanMetricsSettings) {
    this.#settings = settings;
    this.#dimensions = settings.dimensions.map((name) => [name, dimensionOf(name)]);
    const aggregationTemporality = TEMPORALITIES[settings.temporality];
    this.#calls = callsMetric(aggregationTemporality);
    this.#duration = durationMetric(aggregationTemporality);
    this.#startMillis = settings.epochMillis();
  }

  begin(): void {}

  add(span: ReadableSpan): void {
    const millis = millisOf(span.duration);
    const series = this.#seriesOf(span);
    series.calls += 1;
    series.durations.add(millis);
  }

  harvest(): readonly MetricDataPoint[] {
    const endMillis = this.#settings.epochMillis();
    const times = { startTime: hrTimeOf(this.#startMillis), endTime: hrTimeOf(endMillis) };
    const all = [...this.#series.values(), ...(this.#overflow === undefined ? [] : [this.#overflow])];
    const points = all.flatMap((series) => this.#pointsOf(series, times));
    if (this.#settings.temporality === 'delta') {
      this.#series.clear();
      this.#overflow = undefined;
      this.#startMillis = endMillis;
    }
    return points;
  }

  #pointsOf(
    { attributes, calls, durations }: Series,
    times: { startTime: HrTime; endTime: HrTime },
  ): MetricDataPoint[] {
    const { resource } = this.#settings;
    return [
      { resource, scope: SCOPE, metric: this.#calls, point: { ...times, attributes, value: calls } },
      { resource, scope: SCOPE, metric: this.#duration, point: { ...times, attributes, value: durations.snapshot() } },
    ];
  }

  #seriesOf(span: ReadableSpan): Series {
    const attributes: Attributes = {};
    for (const [name, read] of this.#dimensions) {
      const value = read(span);
      if (value !== undefined && value !== null) attributes[name] = value as string;
    }
    const key = JSON.stringify(attributes, withBigInts);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#settings.cardinalityLimit - 1) {
      this.#overflow ??= this.#newSeries(OVERFLOW);
      return this.#overflow;
    }
    const series = this.#newSeries(attributes);
    this.#series.set(key, series);
    return series;
  }

  #newSeries(attributes: Attributes): Series {
    return { attributes, calls: 0, durations: new ExponentialBucketCounts(this.#settings.maxBuckets) };
  }
}

/** Whole numbers beyond 2^53 are received as bigints, which JSON refuses. */
function withBigInts(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

// The names are those of the Collector's span metrics connector.

function callsMetric(aggregationTemporality: number): MetricInfo {
  const name = 'traces.span.metrics.calls';
  const description = 'Spans that have ended.';
  const descriptor = { name, description, unit: '{call}', valueType: VALUE_TYPES.integer };
  return { descriptor, dataPointType: SUM, aggregationTemporality, isMonotonic: true };
}

function durationMetric(aggregationTemporality: number): MetricInfo {
  const name = 'traces.span.metrics.duration';
  const description = 'How long spans took.';
  const descriptor = { name, description, unit: 'ms', valueType: VALUE_TYPES.double };
  return { descriptor, dataPointType: EXPONENTIAL_HISTOGRAM, aggregationTemporality };
}

function hrTimeOf(epochMillis: number): HrTime {
  const seconds = Math.floor(epochMillis / 1e3);
  return [seconds, Math.round((epochMillis - seconds * 1e3) * 1e6)];
}
