/** Spans end inside requests; everything of ours reports the context in which it is called. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode, isTracingSuppressed } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { EMPTY, filter, firstValueFrom, Observable, tap } from 'rxjs';
import {
  adaptiveBatch,
  type BatchSizeStrategyFactory,
  exponentialBackoff,
  exportTo,
  fixedSize,
  fromSpanProcessor,
  otlpHttp,
  type Sink,
  spanPipeline,
  toExporter,
} from '../../../src/index.ts';
import { holdOpen, input, listenToWarnings, report, tracerOf } from './kit.ts';

export interface ContextInput {
  readonly url: string;
  /** What sends the spans out. `flush` and `shutdown` are called inside the request. */
  readonly by: 'count' | 'delay' | 'flush' | 'shutdown';
  readonly through: 'operators' | 'pipeline' | 'exporter';
}

const { url, by, through } = input<ContextInput>();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const request = new AsyncLocalStorage<string>();

const see = (where: string) => {
  const suppressed = isTracingSuppressed(context.active());
  report('seen', {
    where,
    request: request.getStore() ?? 'none',
    span: trace.getActiveSpan() !== undefined,
    suppressed,
  });
};
const seeing =
  <R>(where: string, result: R) =>
  () => {
    see(where);
    return result;
  };

listenToWarnings(() => see('diag'));
subscribe('undici:request:create', () => see('our request'));
subscribe('undici:request:bodySent', () => see('our request, sent'));

const seeingStrategy: BatchSizeStrategyFactory = (limits) => {
  const fixed = fixedSize()(limits);
  return {
    get size() {
      see('strategy.size');
      return fixed.size;
    },
    get delayMillis() {
      see('strategy.delayMillis');
      return fixed.delayMillis;
    },
    left: () => see('strategy.left'),
    ended: () => see('strategy.ended'),
  };
};

const http = otlpHttp({ url, headers: { 'x-token': seeing('header function', 'token') } });
const seeingSink: Sink<ReadableSpan> = {
  ...http,
  export: (batch) => {
    see('sink.export');
    const exported = http.export(batch);
    return new Observable((subscriber) => {
      see('sink attempt');
      subscriber.add(() => see('sink teardown'));
      exported.subscribe(subscriber);
    });
  },
};
const exporter: SpanExporter = {
  export: (_spans, done) => {
    see('our call of the exporter');
    setImmediate(done, { code: ExportResultCode.SUCCESS });
  },
  forceFlush: async () => see('exporter.forceFlush'),
  shutdown: async () => see('exporter.shutdown'),
};

const retry = { backoff: exponentialBackoff({ initialMillis: 5, maxMillis: 5, jitter: 'equal' }) };
const random = seeing('random', 0.5);
const batching = {
  maxExportBatchSize: by === 'count' ? 2 : 100,
  scheduledDelayMillis: by === 'delay' ? 20 : 60_000,
  strategy: seeingStrategy,
};

const release = holdOpen();
const { processor, outcomes$ } = through === 'operators' ? operators() : pipeline();
const tracer = tracerOf(processor);
const outcome = firstValueFrom(outcomes$, { defaultValue: undefined });
await request.run('request 1', () =>
  tracer.startActiveSpan('parent', async (parent) => {
    tracer.startSpan('child').end();
    parent.end();
    if (by === 'flush') await processor.forceFlush();
    if (by === 'shutdown') await processor.shutdown();
  }),
);
await outcome;
see('the main program');
release();

function operators() {
  const spans = fromSpanProcessor({ maxQueueSize: 2, onLoss: seeing('input onLoss', undefined) });
  const outcomes$ = spans.spans$.pipe(
    filter(seeing('filter', true)),
    adaptiveBatch({
      ...batching,
      flushWhen: spans.flush$,
      sizeOf: seeing('sizeOf', 100),
    }),
    tap(seeing('batch', undefined)),
    exportTo(seeingSink, { retry, random, onRetry: seeing('onRetry', undefined) }),
    tap(seeing('outcome', undefined)),
  );
  return { processor: spans, outcomes$: new Observable((subscriber) => outcomes$.subscribe(subscriber)) };
}

function pipeline() {
  const sink = through === 'exporter' ? toExporter(exporter) : seeingSink;
  const made = spanPipeline({ sink, ...batching, retry, random });
  made.outcomes$.subscribe(seeing('outcome', undefined));
  return { processor: made.processor, outcomes$: made.outcomes$ ?? EMPTY };
}
