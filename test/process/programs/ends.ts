/** A program with a pipeline on each kind of input, all of them with items that are not sent yet, which ends in one of the ways in which a process or a worker can end. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Observable } from 'rxjs';
import {
  adaptiveBatch,
  channel,
  exportHandle,
  exportTo,
  fromAsyncIterable,
  otlpHttp,
  type PipelineState,
  runPipeline,
  type ShutdownReport,
  type ShutdownSignal,
  type Stats,
  spanPipeline,
} from '../../../src/index.ts';
import { logPipeline } from '../../../src/logs.ts';
import { metricPipeline } from '../../../src/metrics.ts';
import { endSpans, holdOpen, input, report, reportWarnings, tracerOf, turn } from './kit.ts';

export interface EndsInput {
  readonly url: string;
  /** Of each input. */
  readonly items: number;
  /** `handledException`: a handler of the program shuts down. `signal`: it waits for one, and says its id. `ownHandler`: it waits for one, which it takes itself. */
  readonly end:
    | 'natural'
    | 'shutdown'
    | 'process.exit'
    | 'exitInShutdown'
    | 'exception'
    | 'handledException'
    | 'signal'
    | 'ownHandler'
    | 'terminated';
  readonly inWorker?: boolean;
  readonly shutdownOn?: readonly ShutdownSignal[];
  readonly shutdownDeadlineMillis?: number;
}

const given = input<EndsInput>();
const { url, items, end } = given;
const { shutdownOn = [], shutdownDeadlineMillis = 10_000 } = given;
const options = { shutdownOn, shutdownDeadlineMillis };

interface Piece {
  stats(): Stats;
  readonly state$: Observable<PipelineState>;
  shutdown(): Promise<ShutdownReport>;
}

const to = (signal: 'logs' | 'metrics' | 'traces') => new URL(`/v1/${signal}`, url).href;

function spansOf(count: number): ReadableSpan[] {
  const spans: ReadableSpan[] = [];
  const onEnd = (span: ReadableSpan) => void spans.push(span);
  endSpans(tracerOf({ onStart() {}, onEnd, forceFlush: async () => {}, shutdown: async () => {} }), count);
  return spans;
}

const PIECES: Readonly<Record<string, () => Piece>> = {
  spans() {
    const pipeline = spanPipeline({ sink: otlpHttp({ url: to('traces') }), ...options });
    endSpans(tracerOf(pipeline.processor), items);
    return pipeline;
  },
  logs() {
    const pipeline = logPipeline({ sink: otlpHttp({ signal: 'logs', url: to('logs') }), ...options });
    const logger = new LoggerProvider({ processors: [pipeline.processor] }).getLogger('ends');
    for (let index = 0; index < items; index += 1) logger.emit({ body: `record ${index}` });
    return pipeline;
  },
  metrics() {
    const pipeline = metricPipeline({ sink: otlpHttp({ signal: 'metrics', url: to('metrics') }), ...options });
    const reader = new PeriodicExportingMetricReader(pipeline.readerOptions);
    const counter = new MeterProvider({ readers: [reader] }).getMeter('ends').createCounter('orders');
    for (let index = 0; index < items; index += 1) counter.add(1, { index });
    // The reader collects; nobody waits for its export.
    void reader.forceFlush();
    return pipeline;
  },
  handle() {
    const handle = exportHandle(otlpHttp({ url: to('traces') }), options);
    void handle.export(spansOf(items));
    return handle;
  },
  channel() {
    const sent = channel<ReadableSpan>();
    const pipeline = runPipeline(
      sent,
      sent.items$.pipe(adaptiveBatch(), exportTo(otlpHttp({ url: to('traces') }))),
      options,
    );
    for (const span of spansOf(items)) sent.trySend(span);
    return pipeline;
  },
  pulled() {
    const source = fromAsyncIterable(spansOf(items));
    return runPipeline(source, source.pipe(adaptiveBatch(), exportTo(otlpHttp({ url: to('traces') }))), options);
  },
};

async function inWorker(): Promise<void> {
  const argv = [JSON.stringify(given)];
  const worker = new Worker(new URL(import.meta.url), { argv });
  const ended = new Promise((resolve) => worker.on('exit', (code) => resolve(code)));
  if (end === 'terminated') worker.once('message', () => void worker.terminate());
  report('workerEnded', { code: await ended });
}

async function everything(): Promise<void> {
  reportWarnings();
  const pieces = Object.entries(PIECES).map(([name, make]) => [name, make()] as const);
  const each = <V>(of: (piece: Piece) => V) => Object.fromEntries(pieces.map(([name, piece]) => [name, of(piece)]));
  process.on('exit', (code) => {
    const books = each((piece) => {
      const { accepted, delivered, lost, pending } = piece.stats();
      return { accepted, delivered, lost, pending };
    });
    report('exit', { code, books });
  });
  // The reader has collected, and the iterable is pulled: all of them have what they are given.
  while (pieces.some(([, piece]) => piece.stats().accepted < items)) await turn();
  pieces[0]?.[1].state$.subscribe((state) => {
    if (state === 'draining') report('draining');
  });
  const shutDown = async () => {
    const reports = await Promise.all(pieces.map(async ([name, piece]) => [name, await piece.shutdown()] as const));
    report('shutdown', { reports: Object.fromEntries(reports) });
  };
  await ENDS[end](shutDown);
}

type ShutDown = () => Promise<void>;

function fail(): void {
  process.removeAllListeners('uncaughtException');
  setImmediate(() => {
    throw new Error('nobody catches this');
  });
}

function waitForSignal(): void {
  holdOpen();
  report('ready', { pid: process.pid, listeners: process.listenerCount('SIGTERM') });
}

const ENDS: Readonly<Record<EndsInput['end'], (shutDown: ShutDown) => unknown>> = {
  natural() {},
  shutdown: async (shutDown) => {
    await shutDown();
    report('listeners', { SIGTERM: process.listenerCount('SIGTERM'), exit: process.listenerCount('beforeExit') });
  },
  'process.exit': () => process.exit(3),
  exitInShutdown(shutDown) {
    void shutDown();
    process.exit(6);
  },
  exception: fail,
  handledException(shutDown) {
    fail();
    process.once('uncaughtException', () => void shutDown().then(() => process.exit(4)));
  },
  signal: waitForSignal,
  ownHandler(shutDown) {
    process.once('SIGTERM', () => void shutDown().then(() => process.exit(5)));
    waitForSignal();
  },
  terminated() {
    holdOpen();
    parentPort?.postMessage('ready');
  },
};

if (given.inWorker && isMainThread) await inWorker();
else await everything();
