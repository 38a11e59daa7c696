/** Three rounds of spans through something that misbehaves; the rounds that follow show whether the stream went on. */
import { ExportResultCode } from '@opentelemetry/core';
import { emptyResource, type Resource } from '@opentelemetry/resources';
import type { ReadableSpan as Span, SpanExporter } from '@opentelemetry/sdk-trace';
import { NEVER, Observable, of, throwError } from 'rxjs';
import {
  type AdaptiveBatchOptions,
  adaptiveBatch,
  type BatchSizeStrategy,
  type BatchSizeStrategyFactory,
  createLedger,
  ExportError,
  type ExportToOptions,
  exponentialBackoff,
  exportTo,
  fixedSize,
  fromSpanProcessor,
  otlpHttp,
  type Response,
  type Sink,
  type SpanPipelineOptions,
  spanPipeline,
  toExporter,
} from '../../../src/index.ts';
import { answering, endSpans, input, listenToWarnings, report, success, tracerOf, turn } from './kit.ts';

const ROUNDS = 3;
const SPANS_PER_ROUND = 20;

const { kind, url } = input<{ kind: string; url: string }>();

const oops = (): never => {
  throw new Error('oops');
};
const oopsAsync = () => Promise.reject<string>(new Error('oops'));
const retryable = throwError(() => new ExportError({ kind: 'retryable' }, 'not now'));
const permanent = throwError(() => new ExportError({ kind: 'permanent' }, 'never'));
const quick = { backoff: exponentialBackoff({ initialMillis: 1, maxMillis: 2 }) };
const first =
  <A>(bad: () => A, good: A) =>
  (attempt: number) =>
    attempt === 1 ? bad() : good;

/** A strategy that does what the fixed one does, but for one thing. */
const strategyWith =
  (bad: PropertyDescriptorMap): BatchSizeStrategyFactory =>
  (limits) =>
    Object.defineProperties({ ...fixedSize()(limits) } satisfies BatchSizeStrategy, bad);

const sinkOf = (change: (good: Sink<Span>) => Partial<Sink<Span>>): Sink<Span> => {
  const good: Sink<Span> = answering(() => success);
  return { ...good, ...change(good) };
};

/** What each kind puts into a pipeline. */
const PIPELINES: Readonly<Record<string, () => SpanPipelineOptions>> = {
  'a sink that throws': () => {
    let calls = 0;
    return {
      sink: sinkOf((good) => ({
        export: (batch) => {
          calls += 1;
          return calls === 1 ? oops() : good.export(batch);
        },
      })),
      retry: quick,
    };
  },
  'a sink that returns nothing': () => {
    let calls = 0;
    return {
      sink: sinkOf((good) => ({
        export: (batch) => {
          calls += 1;
          return calls === 1 ? (undefined as unknown as Observable<never>) : good.export(batch);
        },
      })),
      retry: quick,
    };
  },
  'a sink that errors': () => ({ sink: answering(first(() => retryable, success)), retry: quick }),
  'a sink that errors with something that is no error': () => ({
    sink: answering(first(() => throwError(() => undefined), success)),
    retry: quick,
  }),
  'a sink that ends without an answer': () => ({ sink: answering(first(() => of(), success)), retry: quick }),
  'a sink that never answers': () => ({
    sink: answering(first(() => NEVER, success)),
    attemptTimeoutMillis: 30,
    retry: quick,
  }),
  'a sink that answers nonsense': () => ({
    sink: answering(first(() => of<Response>({ rejected: Number.NaN, unencodable: -1 }), success)),
  }),
  'a sink whose abort throws': () => ({
    sink: answering(first(() => new Observable(() => oops), success)),
    attemptTimeoutMillis: 30,
    retry: quick,
  }),
  'a sink whose teardown throws': () => ({
    sink: answering((attempt) =>
      attempt > 1
        ? success
        : new Observable((subscriber) => {
            setImmediate(() => subscriber.next({}));
            return oops;
          }),
    ),
    retry: quick,
  }),
  'a sink whose shutdown throws': () => ({ sink: sinkOf(() => ({ shutdown: oops })) }),
  'a sink whose shutdown rejects': () => ({
    sink: sinkOf(() => ({ shutdown: () => Promise.reject(new Error('oops')) })),
  }),
  'a strategy factory': () => ({ sink: answering(() => success), strategy: oops }),
  'a strategy factory that returns nothing': () => ({
    sink: answering(() => success),
    strategy: () => undefined as unknown as BatchSizeStrategy,
  }),
  'the size of a strategy': () => ({
    sink: answering(() => success),
    strategy: strategyWith({ size: { get: oops } }),
  }),
  'the size of a strategy that is no number': () => ({
    sink: answering(() => success),
    strategy: strategyWith({ size: { value: Number.NaN } }),
  }),
  'the delay of a strategy': () => ({
    sink: answering(() => success),
    strategy: strategyWith({ delayMillis: { get: oops } }),
  }),
  'left of a strategy': () => ({ sink: answering(() => success), strategy: strategyWith({ left: { value: oops } }) }),
  'ended of a strategy': () => ({ sink: answering(() => success), strategy: strategyWith({ ended: { value: oops } }) }),
  random: () => ({ sink: answering(first(() => retryable, success)), retry: quick, random: oops }),
  'random that is no number': () => ({
    sink: answering(first(() => retryable, success)),
    retry: quick,
    random: () => Number.NaN,
  }),
  'a backoff': () => ({ sink: answering(first(() => retryable, success)), retry: { backoff: { first: oops } } }),
  'a header function': () => ({ sink: otlpHttp({ url, headers: { 'x-token': once(oops) } }), retry: quick }),
  'a header function that rejects': () => ({
    sink: otlpHttp({ url, headers: { 'x-token': once(oopsAsync) } }),
    retry: quick,
  }),
  'a header function that never answers': () => ({
    sink: otlpHttp({ url, timeoutMillis: 100, headers: { 'x-token': once(() => new Promise(() => {})) } }),
    retry: quick,
  }),
  'a diag logger': () => {
    listenToWarnings(oops);
    return { sink: answering(first(() => permanent, success)), warnIntervalMillis: 0 };
  },
  'a diag logger that is warned of a bad variable': () => {
    listenToWarnings(oops);
    return {
      sink: otlpHttp({ url, environment: { OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' } }),
      environment: { OTEL_BSP_MAX_QUEUE_SIZE: 'many' },
    };
  },
  'a resource that never comes, and the logger that is warned of it': () => {
    listenToWarnings(oops);
    return { sink: otlpHttp({ url, resourceTimeoutMillis: 20 }) };
  },
  'a resource that fails, and the logger that is warned of it': () => {
    listenToWarnings(oops);
    return { sink: otlpHttp({ url }) };
  },
  'a resource that throws': () => ({ sink: otlpHttp({ url }) }),
  'an exporter that throws': () => {
    let calls = 0;
    const answer: SpanExporter['export'] = (_spans, done) => {
      calls += 1;
      return calls === 1 ? oops() : done({ code: ExportResultCode.SUCCESS });
    };
    return { sink: toExporter({ export: answer, shutdown: async () => {} }), retry: quick };
  },
  'an exporter that answers and then throws': () => ({
    sink: toExporter({
      export: (_spans, done) => {
        done({ code: ExportResultCode.SUCCESS });
        done({ code: ExportResultCode.FAILED });
        oops();
      },
      shutdown: oops,
    }),
    retry: quick,
  }),
};

/** A resource that each span of a kind has, when that is what misbehaves. */
const RESOURCES: Readonly<Record<string, Resource>> = {
  'a resource that never comes, and the logger that is warned of it': pendingResource(() => new Promise(() => {})),
  'a resource that fails, and the logger that is warned of it': pendingResource(() =>
    Promise.reject(new Error('oops')),
  ),
  'a resource that throws': pendingResource(oops),
};

function pendingResource(waitForAsyncAttributes: () => Promise<void>): Resource {
  const ready = emptyResource();
  return {
    attributes: ready.attributes,
    asyncAttributesPending: true,
    waitForAsyncAttributes,
    merge: () => pendingResource(waitForAsyncAttributes),
    getRawAttributes: () => [],
  };
}

/** The first time one thing, then a good value. */
function once(bad: () => string | Promise<string>): () => string | Promise<string> {
  let calls = 0;
  return () => {
    calls += 1;
    return calls === 1 ? bad() : 'token';
  };
}

/** What each kind changes in a composition of the operators. */
const COMPOSITIONS: Readonly<
  Record<
    string,
    () => { sink?: Sink<Span>; batch?: AdaptiveBatchOptions<Span>; out?: ExportToOptions<Span>; maxQueueSize?: number }
  >
> = {
  sizeOf: () => ({ batch: { sizeOf: oops } }),
  'sizeOf that is no number': () => ({ batch: { sizeOf: () => Number.NaN } }),
  'onLoss of adaptiveBatch': () => {
    let measured = 0;
    const sizeOf = () => (++measured <= SPANS_PER_ROUND ? 5_000 : 1);
    return { batch: { sizeOf, maxQueueBytes: 1_999, onLoss: oops } };
  },
  'onLoss of exportTo': () => ({ sink: answering(first(() => permanent, success)), out: { onLoss: oops } }),
  'onLoss of fromSpanProcessor': () => ({ maxQueueSize: SPANS_PER_ROUND - 1 }),
  onRetry: () => ({
    sink: answering(first(() => retryable, success)),
    out: { retry: quick, onRetry: oops },
  }),
  'a concurrency that errors': () => ({
    out: { concurrency: throwError(() => new Error('oops')) },
  }),
  'a concurrency that is no number': () => ({ out: { concurrency: of(Number.NaN, 0, -1, 2) } }),
};

if (kind in COMPOSITIONS) await runComposition();
else await runPipeline();

async function runPipeline(): Promise<void> {
  const pipeline = spanPipeline((PIPELINES[kind] as () => SpanPipelineOptions)());
  process.on('exit', () => report('end', { stats: pipeline.stats() }));
  const tracer = tracerOf(pipeline.processor, RESOURCES[kind]);
  await rounds(
    () => endSpans(tracer, SPANS_PER_ROUND),
    () => pipeline.forceFlush(),
    () => pipeline.stats().delivered,
  );
}

async function runComposition(): Promise<void> {
  const { sink, batch, out, maxQueueSize } = (COMPOSITIONS[kind] as (typeof COMPOSITIONS)[string])();
  const ledger = createLedger();
  const spans = fromSpanProcessor({ ledger, ...(maxQueueSize !== undefined && { maxQueueSize, onLoss: oops }) });
  spans.spans$
    .pipe(
      adaptiveBatch({ flushWhen: spans.flush$, ...batch, ledger }),
      exportTo(sink ?? answering(() => success), { ...out, ledger }),
    )
    .subscribe();
  process.on('exit', () => report('end', { stats: ledger.stats() }));
  const tracer = tracerOf(spans);
  await rounds(
    () => endSpans(tracer, SPANS_PER_ROUND),
    () => spans.forceFlush(),
    () => ledger.stats().delivered,
  );
}

async function rounds(send: () => void, flush: () => Promise<void>, delivered: () => number): Promise<void> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const before = delivered();
    send();
    await flush();
    await turn();
    report('round', { round, delivered: delivered() - before });
  }
}
