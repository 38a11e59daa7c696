import type { Attributes } from '@opentelemetry/api';
import { type Histogram, MeterProvider, type MetricData, MetricReader } from '@opentelemetry/sdk-metrics';

/** A reader that collects when it is asked. */
export class MemoryReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** One series at one collection. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Attributes;
  /** The value; of a histogram, how often something was recorded. */
  readonly value: number;
  /** Of a histogram: the sum. */
  readonly sum?: number;
}

/** A real provider, read into memory. */
export function metered() {
  const reader = new MemoryReader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  return { meterProvider, reader, read: () => readFrom(reader) };
}

export async function readFrom(reader: MetricReader): Promise<Reading> {
  const { resourceMetrics } = await reader.collect();
  return new Reading(resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(seriesOf)));
}

function seriesOf({ descriptor: { name, unit }, dataPoints }: MetricData): Series[] {
  return dataPoints.map(({ attributes, value }) => {
    if (typeof value === 'number') return { name, unit, attributes, value };
    const { count, sum } = value as Histogram;
    return { name, unit, attributes, value: count, sum: sum ?? 0 };
  });
}

/** What one collection has found. */
export class Reading {
  readonly series: readonly Series[];

  constructor(series: readonly Series[]) {
    this.series = series;
  }

  /** The sum over all series of this name which have these attributes. */
  sum(name: string, attributes: Attributes = {}): number {
    return this.#of(name, attributes).reduce((sum, { value }) => sum + value, 0);
  }

  /** By `error.type`; without one under `ok`. */
  byError(name: string, attributes: Attributes = {}): Record<string, number> {
    const found: Record<string, number> = {};
    for (const { attributes: own, value } of this.#of(name, attributes)) {
      const error = String(own['error.type'] ?? 'ok');
      found[error] = (found[error] ?? 0) + value;
    }
    return found;
  }

  find(name: string): Series | undefined {
    return this.series.find((series) => series.name === name);
  }

  #of(name: string, attributes: Attributes): readonly Series[] {
    const wanted = Object.entries(attributes);
    return this.series.filter(
      (series) => series.name === name && wanted.every(([key, value]) => series.attributes[key] === value),
    );
  }
}

export const SPAN = Object.freeze({
  processed: 'otel.sdk.processor.span.processed',
  queueSize: 'otel.sdk.processor.span.queue.size',
  queueCapacity: 'otel.sdk.processor.span.queue.capacity',
  inflight: 'otel.sdk.exporter.span.inflight',
  exported: 'otel.sdk.exporter.span.exported',
});
export const DURATION = 'otel.sdk.exporter.operation.duration';
