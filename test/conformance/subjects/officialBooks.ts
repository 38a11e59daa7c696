import { AggregationTemporality, type DataPoint, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { Books } from './subject.ts';

class Reader extends MetricReader {
  protected async onShutdown(): Promise<void> {}
  protected async onForceFlush(): Promise<void> {}
}

/** What the official packages count of themselves, by the conventions for SDK metrics: they are given a `MeterProvider`, as a user would. */
export class OfficialBooks {
  readonly #reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  readonly meterProvider = new MeterProvider({ readers: [this.#reader] });

  /** Of a counter whose points say why items failed, in `error.type`, if they did. */
  async of(counter: RegExp): Promise<Books> {
    const { resourceMetrics } = await this.#reader.collect();
    const points = resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .filter(({ descriptor }) => counter.test(descriptor.name))
      .flatMap(({ dataPoints }) => dataPoints as DataPoint<number>[]);
    const sum = (isFailed: boolean) =>
      points
        .filter(({ attributes }) => (attributes['error.type'] !== undefined) === isFailed)
        .reduce((count, { value }) => count + value, 0);
    return { delivered: sum(false), failed: sum(true) };
  }
}
