// The ways of spans to a backend that are compared, each with the settings that suit it best.

import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { Pool } from 'undici';
import { otlpHttp, spanPipeline } from '../../../src/index.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';

/** Told how many spans have come to their end, and how many of them arrived. */
export type OnEnded = (spans: number, delivered: number) => void;

/** Spans in on one side, answers on the other. */
export interface Route {
  readonly processor: SpanProcessor;
  close(): Promise<void>;
}

export interface OfficialSettings {
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
}

export function spanflow(url: string, onEnded: OnEnded): Route {
  const pipeline = spanPipeline({ sink: otlpHttp({ url }) });
  pipeline.outcomes$.subscribe(({ batch, delivered }) => {
    onEnded('items' in batch ? batch.items.length : batch.length, delivered);
  });
  return { processor: pipeline.processor, close: () => pipeline.shutdown() };
}

export function official(url: string, onEnded: OnEnded, settings: Partial<OfficialSettings>): Route {
  const exporter = new OTLPTraceExporter({ url });
  const counting: SpanExporter = {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        onEnded(spans.length, result.code === 0 ? spans.length : 0);
        done(result);
      }),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
  const processor = new BatchSpanProcessor({ exporter: counting, ...settings });
  return { processor, close: () => processor.shutdown() };
}

const HEADERS = { 'content-type': 'application/x-protobuf' };

/** Bodies that were encoded beforehand, posted by undici: what no exporter on it can surpass. */
export function rawPosting(url: string, spans: readonly ReadableSpan[], onEnded: OnEnded, settings: RawSettings) {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections: settings.concurrency, pipelining: 1 });
  const { spansPerRequest } = settings;
  const bodies: { readonly bytes: Uint8Array; readonly spans: number }[] = [];
  for (let at = 0; at + spansPerRequest <= spans.length; at += spansPerRequest) {
    // A copy: the encoder's own buffer is another one's next time.
    const bytes = Uint8Array.from(encodeTraces(spans.slice(at, at + spansPerRequest)));
    bodies.push({ bytes, spans: spansPerRequest });
  }
  let isOpen = true;
  let posted = 0;
  const post = async (): Promise<void> => {
    while (isOpen) {
      const body = bodies[posted++ % bodies.length] as (typeof bodies)[number];
      const answer = await pool.request({ method: 'POST', path, headers: HEADERS, body: body.bytes });
      await answer.body.dump();
      onEnded(body.spans, answer.statusCode === 200 ? body.spans : 0);
    }
  };
  const posting = Promise.all(Array.from({ length: settings.concurrency }, post));
  const close = async (): Promise<number> => {
    isOpen = false;
    await posting;
    await pool.close();
    return posted * spansPerRequest;
  };
  return { close };
}

export interface RawSettings {
  readonly spansPerRequest: number;
  readonly concurrency: number;
}
