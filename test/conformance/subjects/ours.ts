import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Subject as Source } from 'rxjs';
import {
  createLedger,
  exportTo,
  otlpHttp,
  type Sink,
  type SpanPipeline,
  spanPipeline,
  toExporter,
} from '../../../src/index.ts';
import { total } from '../../../src/ledger/stageStats.ts';
import type { Stats } from '../../../src/ledger/stats.ts';
import { metricPipeline } from '../../../src/metrics.ts';
import { otlpGrpc } from '../../../src/sinks/otlpGrpc/index.ts';
import { LeapingClock } from '../../support/leapingClock.ts';
import { seeded } from '../../support/spans.ts';
import { moment } from '../moment.ts';
import type {
  Books,
  Client,
  ClientSettings,
  Encoding,
  Item,
  ProcessorSettings,
  Protocol,
  Subject,
  Tracing,
  Verdict,
} from './subject.ts';
import { spanSource } from './tracer.ts';

const NAMES = { http: 'otlpHttp', grpc: 'otlpGrpc' } as const;

/** `otlpHttp` or `otlpGrpc`, behind `exportTo` where a rule is about exports, and `spanPipeline` where it is about a processor. */
export function ours(protocol: Protocol, encoding: Encoding): Subject {
  const sinkOf = (settings: ClientSettings) => openSink(protocol, encoding, settings);
  const sinkTo = (url: string) => sinkOf({ url }) as Sink<ReadableSpan>;
  return {
    name: protocol === 'grpc' ? NAMES.grpc : `${NAMES.http}, ${encoding}`,
    ...{ who: 'ours', protocol, encoding },
    signals: ['traces', 'logs', 'metrics'],
    lacks: new Set(),
    decodesAnswers: true,
    laterSeconds: 20,
    timeoutMillis: 1_000,
    open: (settings) => new OurClient(sinkOf(settings), settings),
    openTracing: (urls, settings) => {
      const sinks = Object.fromEntries(urls.map((url, index) => [`backend${index}`, { sink: sinkTo(url) }]));
      return tracingOf(spanPipeline({ ...pipelineOptions(settings), sinks }));
    },
    processorFor: (exporter: SpanExporter, settings) =>
      spanPipeline({ ...pipelineOptions(settings), sink: toExporter(exporter) }).processor,
    metricExporter: (url) => {
      const sink = openSink(protocol, encoding, { url, signal: 'metrics' }) as never;
      return metricPipeline({ sink, environment: {} }).exporter;
    },
  };
}

function openSink(protocol: Protocol, encoding: Encoding, settings: ClientSettings): Sink<Item> {
  const {
    url,
    signal,
    environment = {},
    compression,
    timeoutMillis,
    maxRequestBytes,
    maxResponseBytes,
    userAgent,
  } = settings;
  const options = {
    environment,
    ...(url !== undefined && { url }),
    ...(signal !== undefined && { signal }),
    ...(compression !== undefined && { compression }),
    ...(timeoutMillis !== undefined && { timeoutMillis }),
    ...(maxRequestBytes !== undefined && { maxRequestBytes }),
    ...(maxResponseBytes !== undefined && { maxResponseBytes }),
    ...(userAgent !== undefined && { userAgent }),
  };
  return (protocol === 'grpc' ? otlpGrpc(options) : otlpHttp({ ...options, encoding })) as Sink<Item>;
}

/** One `exportTo` for all exports of a client, in virtual time: waits between attempts are leapt over. */
class OurClient implements Client {
  readonly #clock = new LeapingClock();
  readonly #ledger = createLedger();
  readonly #source = new Source<readonly Item[]>();
  readonly #ends = new Map<unknown, (verdict: Verdict) => void>();
  readonly #sink: Sink<Item>;
  readonly #isHeld: boolean;
  #held: (() => void)[] = []; // waits that go on when they are let
  readonly #firstWait = Promise.withResolvers<void>();

  constructor(sink: Sink<Item>, { concurrency, maxElapsedMillis, seed = 1, holdsWaits = false }: ClientSettings) {
    this.#sink = sink;
    this.#isHeld = holdsWaits;
    const exported$ = this.#source.pipe(
      exportTo(sink, {
        ledger: this.#ledger,
        scheduler: this.#clock,
        random: seeded(seed),
        onRetry: ({ delayMillis }) => this.#wait(delayMillis),
        ...(concurrency !== undefined && { concurrency }),
        ...(maxElapsedMillis !== undefined && { retry: { maxElapsedMillis } }),
      }),
    );
    exported$.subscribe((outcome) => {
      const { batch, delivered, rejected, lost, error, message, elapsedMillis } = outcome;
      const said = error?.message ?? message ?? '';
      const lostCount = lost.reduce((sum, { count }) => sum + count, 0);
      this.#ends.get(batch)?.({ delivered, rejected, lost: lostCount, said, elapsedMillis });
    });
  }

  export(items: readonly Item[]): Promise<Verdict> {
    return new Promise((resolve) => {
      this.#ends.set(items, resolve);
      this.#source.next(items);
    });
  }

  async shutdown(): Promise<void> {
    await this.#sink.shutdown?.();
  }

  async books(): Promise<Books> {
    return booksOf(this.#ledger.stats());
  }

  now(): number {
    return this.#clock.now();
  }

  async pass(millis: number): Promise<void> {
    this.#clock.leap(millis);
    await moment();
  }

  waiting(): Promise<void> {
    return this.#firstWait.promise;
  }

  goOn(): void {
    for (const leap of this.#held.splice(0)) leap();
  }

  /** The wait itself begins after this call. */
  #wait(delayMillis: number): void {
    const leap = () => this.#clock.leap(delayMillis);
    if (this.#isHeld) this.#held.push(leap);
    else setImmediate(leap);
    this.#firstWait.resolve();
  }
}

function pipelineOptions({ maxQueueSize, maxExportBatchSize }: ProcessorSettings = {}) {
  return {
    environment: {},
    ...(maxQueueSize !== undefined && { maxQueueSize }),
    ...(maxExportBatchSize !== undefined && { maxExportBatchSize }),
  };
}

function tracingOf(pipeline: SpanPipeline): Tracing {
  return {
    end: spanSource([pipeline.processor]),
    forceFlush: () => pipeline.processor.forceFlush(),
    shutdown: () => pipeline.processor.shutdown(),
    shutdownWithoutWaiting: () => pipeline.shutdown({ deadlineMillis: 0 }),
    books: async () => booksOf(pipeline.stats()),
  };
}

function booksOf({ delivered, rejected, lost, refused }: Stats): Books {
  return { delivered, failed: rejected + total(lost) + total(refused) };
}
