import type { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { SchedulerLike } from 'rxjs';
import { keepingAlive } from '../internal/timers.ts';
import { withinTime } from '../internal/withinTime.ts';
import type { MetricPipeline } from '../pipelines/metricPipeline/metricPipeline.ts';

type Sdk = typeof import('@opentelemetry/sdk-metrics');
type Reader = PeriodicExportingMetricReader;

/** The SDK's periodic reader, made for a pipeline. */
export interface PipelineReader extends Reader {
  /** Gives the pipeline what has been measured, and does not wait for the export. */
  handOver(): Promise<void>;
}

/** A reader may be shut down by its `MeterProvider`, by its telemetry, or by both, and it may never be given to a provider. */
export function metricReaderOf(
  { PeriodicExportingMetricReader: Periodic }: Sdk,
  pipeline: MetricPipeline,
): PipelineReader {
  return new (class extends Periodic implements PipelineReader {
    #isBound = false; // to a `MeterProvider`; without one there is nothing to collect
    #ended: Promise<void> | undefined;

    override setMetricProducer(...producer: Parameters<Reader['setMetricProducer']>): void {
      super.setMetricProducer(...producer);
      this.#isBound = true;
    }

    override async forceFlush(...options: Parameters<Reader['forceFlush']>): Promise<void> {
      if (this.#ended !== undefined) return this.#ended;
      await (this.#isBound ? super.forceFlush(...options) : pipeline.forceFlush());
    }

    override shutdown(...options: Parameters<Reader['shutdown']>): Promise<void> {
      this.#ended ??= this.#isBound ? super.shutdown(...options) : pipeline.shutdown();
      return this.#ended;
    }

    async handOver(): Promise<void> {
      if (!this.#isBound || this.#ended !== undefined) return;
      const { resourceMetrics } = await this.collect();
      if (resourceMetrics.scopeMetrics.length > 0) pipeline.exporter.export(resourceMetrics, () => {});
    }
  })(pipeline.readerOptions);
}

/** Shuts a reader down, which collects once more. At the deadline its pipeline gives up what is still on its way, and so answers the reader. */
export async function endReader(
  reader: Reader,
  pipeline: MetricPipeline,
  deadlineMillis: number,
  scheduler: SchedulerLike,
): Promise<void> {
  const deadline = keepingAlive(scheduler, deadlineMillis, () => void pipeline.shutdown({ deadlineMillis: 0 }));
  await reader.shutdown().finally(() => deadline.unsubscribe());
  await pipeline.shutdown();
}

/**
 * Collects once when the event loop has run empty, and keeps the process alive for that: what was measured since the last interval would be lost. The pipeline then drains as it always does. Only once, because nobody knows whether something was measured since, and so the process would never end.
 *
 * Why not the reader's own flush? It has a timer of 30 seconds, which would hold the process for longer than its deadline.
 *
 * @returns ends that
 */
export function collectAtExit(reader: PipelineReader, deadlineMillis: number, scheduler: SchedulerLike): () => void {
  if (deadlineMillis === 0) return () => {};
  const collect = () => {
    const arm = (onLate: () => void) => keepingAlive(scheduler, deadlineMillis, onLate);
    // A callback of the program that fails is told by the SDK.
    withinTime(
      arm,
      () => reader.handOver(),
      () => {},
    ).catch(() => {});
  };
  process.once('beforeExit', collect);
  return () => void process.off('beforeExit', collect);
}
