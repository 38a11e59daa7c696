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
  /** How many spans were lost for which reason, where somebody says so. */
  losses(): Readonly<Record<string, number>>;
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
  const losses = () => {
    const { refused, lost } = pipeline.stats();
    return { ...refused, ...lost };
  };
  return { processor: pipeline.processor, close: () => pipeline.shutdown(), losses };
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
  return { processor, close: () => processor.shutdown(), losses: () => ({}) };
}

export interface RawSettings {
  readonly spansPerRequest: number;
  readonly concurrency: number;
}

/** Posts by undici and does nothing else; of bodies encoded beforehand it is what no exporter on undici can surpass. Returns what ends it, with how many spans were posted. */
export function posting(
  url: string,
  spans: readonly ReadableSpan[],
  encoded: 'beforehand' | 'each time',
  onEnded: OnEnded,
  { spansPerRequest, concurrency }: RawSettings,
): () => Promise<number> {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections: concurrency, pipelining: 1 });
  const bodyOf = bodiesOf(spans, encoded, spansPerRequest);
  let isOpen = true;
  let requests = 0;
  const post = async (): Promise<void> => {
    while (isOpen) {
      const body = bodyOf(requests++);
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': String(body.length) };
      const answer = await pool.request({ method: 'POST', path, headers, body });
      await answer.body.dump();
      onEnded(spansPerRequest, answer.statusCode === 200 ? spansPerRequest : 0);
    }
  };
  const done = Promise.all(Array.from({ length: concurrency }, post));
  return async () => {
    isOpen = false;
    await done;
    await pool.close();
    return requests * spansPerRequest;
  };
}

function bodiesOf(spans: readonly ReadableSpan[], encoded: 'beforehand' | 'each time', spansPerRequest: number) {
  const batches: (readonly ReadableSpan[])[] = [];
  for (let at = 0; at + spansPerRequest <= spans.length; at += spansPerRequest)
    batches.push(spans.slice(at, at + spansPerRequest));
  const bodies = encoded === 'beforehand' ? batches.map((batch) => encodeTraces(batch)) : [];
  return (index: number): Uint8Array => {
    const at = index % batches.length;
    return bodies[at] ?? encodeTraces(batches[at] ?? []);
  };
}
