import type { Attributes, Meter, MeterProvider, ObservableCallback } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { StatsSource } from 'spanflow/terminal';

/** OpenTelemetry's own processor and exporter, with their defaults, and what they count themselves. */
export interface Official extends StatsSource {
  readonly processor: SpanProcessor;
}

export function officialProcessor(url: string): Official {
  const counted = { offered: 0, delivered: 0, lost: 0 };
  const batches = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter({ url }),
    // The metrics that the processor has about itself: spans that are done, with the type of the error if there was one.
    selfObsMeterProvider: countingMeter((spans, { 'error.type': error }) => {
      counted[error === undefined ? 'delivered' : 'lost'] += spans;
    }),
  });
  return {
    processor: {
      onStart: (span, context) => batches.onStart(span, context),
      onEnd: (span) => {
        counted.offered += 1;
        batches.onEnd(span);
      },
      forceFlush: () => batches.forceFlush(),
      // It rejects when its last export fails, which is counted.
      shutdown: () => batches.shutdown().catch(() => {}),
    },
    stats: () => {
      const { offered, delivered, lost } = counted;
      return { offered, refused: {}, delivered, lost: { permanent: lost }, pending: offered - delivered - lost };
    },
  };
}

/** As much of a meter as the processor uses: the counter of spans that are done. */
function countingMeter(count: (spans: number, attributes: Attributes) => void): MeterProvider {
  const ignored = { add() {}, addCallback(_: ObservableCallback) {}, removeCallback(_: ObservableCallback) {} };
  const meter = {
    createCounter: () => ({ add: count }),
    createUpDownCounter: () => ignored,
    createObservableUpDownCounter: () => ignored,
  };
  return { getMeter: () => meter as unknown as Meter };
}
