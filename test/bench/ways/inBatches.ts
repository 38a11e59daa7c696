import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Observable } from 'rxjs';
import {
  adaptiveBatch,
  exportTo,
  fromSpanProcessor,
  type Outcome,
  otlpHttp,
  spanPipeline,
} from '../../../src/index.ts';
import { Offering } from '../support/offering.ts';
import type { Setting, Way } from './way.ts';

/** Batches in the background, one request in flight: how the official processor works. */
export const oneInFlight: Way = (setting) => {
  const pipeline = spanPipeline({ sink: otlpHttp({ url: setting.url }), concurrency: 1 });
  return offered(setting, {
    onEnd: (span) => pipeline.processor.onEnd(span),
    outcomes$: pipeline.outcomes$,
    flush: () => pipeline.forceFlush(),
    close: () => pipeline.shutdown(),
  });
};

/** Operators: batches, several of them under way at once. */
export const streaming: Way = (setting) => {
  const input = fromSpanProcessor();
  const sink = otlpHttp({ url: setting.url });
  return offered(setting, {
    onEnd: (span) => input.onEnd(span),
    outcomes$: input.spans$.pipe(
      adaptiveBatch({ scheduledDelayMillis: 100, flushWhen: input.flush$ }),
      exportTo(sink, { concurrency: 8 }),
    ),
    flush: () => input.forceFlush(),
    async close() {
      await input.shutdown();
      await sink.shutdown?.();
    },
  });
};

interface Exporting {
  onEnd(span: ReadableSpan): void;
  readonly outcomes$: Observable<Outcome<ReadableSpan>>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Spans end as fast as others are acknowledged. */
function offered({ spans, window, acknowledged }: Setting, exporting: Exporting): () => Promise<number> {
  const offering = new Offering(spans, window, (span) => {
    acknowledged.ends(offering.offered);
    exporting.onEnd(span);
  });
  exporting.outcomes$.subscribe(({ batch, delivered }) => {
    const items = 'items' in batch ? batch.items : batch;
    acknowledged.take(items);
    offering.ended(items.length, delivered);
  });
  offering.start();
  return async () => {
    await offering.stop(() => exporting.flush());
    await exporting.close();
    return offering.offered;
  };
}
