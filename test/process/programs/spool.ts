/** A program with pipelines of spans and log records that have a spool. Some items are in flight, some wait in the queue and some in the ring when it ends in one of the ways in which a process or a worker can end. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { filter } from 'rxjs';
import { otlpHttp, type ShutdownSignal, type SpoolOptions, spanPipeline } from '../../../src/index.ts';
import { logPipeline } from '../../../src/logs.ts';
import { endSpans, holdOpen, input, report, reportWarnings, tracerOf, turn } from './kit.ts';

export interface SpoolInput {
  readonly url: string;
  readonly spool: string | SpoolOptions;
  /** Of each signal, three times: in flight, in the queue, and in the ring. */
  readonly items: number;
  readonly end: 'natural' | 'shutdown' | 'process.exit' | 'exitInShutdown' | 'exception' | 'signal' | 'terminated';
  readonly inWorker?: boolean;
  readonly shutdownOn?: readonly ShutdownSignal[];
  readonly shutdownDeadlineMillis?: number;
  readonly exitDeadlineMillis?: number;
  /** A second backend, on a route of its own. */
  readonly otherUrl?: string;
  /** All of them wait in the ring. */
  readonly inRing?: boolean;
  /** An operator takes out spans of this name. */
  readonly without?: string;
}

const given = input<SpoolInput>();
const { end, inRing = false, inWorker, items, otherUrl, spool, url, without, ...limits } = given;

const to = (signal: 'logs' | 'traces', base = url) => new URL(`/v1/${signal}`, base).href;

/** Some batches go out, and wait for an answer; the next ones wait for their delay. */
const options = {
  ...limits,
  spool,
  maxExportBatchSize: Math.max(1, items),
  scheduledDelayMillis: 600_000,
  environment: {},
};

async function run(): Promise<void> {
  reportWarnings();
  const main = otlpHttp({ url: to('traces') });
  const operators = without === undefined ? [] : [filter<ReadableSpan>(({ name }) => name !== without)];
  const spans = spanPipeline(
    otherUrl === undefined
      ? { ...options, operators, sink: main }
      : { ...options, operators, sinks: { main, other: otlpHttp({ url: to('traces', otherUrl) }) } },
  );
  const logs = logPipeline({ ...options, sink: otlpHttp({ signal: 'logs', url: to('logs') }) });
  const logger = new LoggerProvider({ processors: [logs.processor] }).getLogger('spool');
  const tracer = tracerOf(spans.processor);
  const emit = (count: number) => {
    endSpans(tracer, count);
    for (let index = 0; index < count; index += 1) logger.emit({ body: `record ${index}` });
  };
  const pipelines = { spans, logs };
  process.on('exit', (code) => {
    const books = Object.entries(pipelines).map(([name, pipeline]) => {
      const { accepted, delivered, handedOn, lost, pending } = pipeline.stats();
      return [name, { accepted, delivered, handedOn, lost, pending }];
    });
    report('exit', { code, books: Object.fromEntries(books) });
  });
  if (inRing) emit(items);
  else if (items > 0) {
    emit(items);
    while (Object.values(pipelines).some((pipeline) => pipeline.stats().inFlight === 0)) await turn();
    emit(items - 1);
    while (spans.stats().queueSize < items - 1) await turn();
    await turn();
    emit(1);
  }
  const shutDown = async () => {
    const reports = await Promise.all(
      Object.entries(pipelines).map(async ([name, pipeline]) => [name, await pipeline.shutdown()] as const),
    );
    report('shutdown', { reports: Object.fromEntries(reports) });
  };
  await ENDS[end](shutDown);
}

const ENDS: Readonly<Record<SpoolInput['end'], (shutDown: () => Promise<void>) => unknown>> = {
  natural() {},
  shutdown: (shutDown) => shutDown(),
  'process.exit': () => process.exit(3),
  exitInShutdown(shutDown) {
    void shutDown();
    process.exit(6);
  },
  exception() {
    process.removeAllListeners('uncaughtException');
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
  },
  signal() {
    holdOpen();
    report('ready', { pid: process.pid });
  },
  terminated() {
    holdOpen();
    parentPort?.postMessage('ready');
  },
};

async function runInWorker(): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { argv: [JSON.stringify(given)] });
  const ended = new Promise((resolve) => worker.on('exit', (code) => resolve(code)));
  if (end === 'terminated') worker.once('message', () => void worker.terminate());
  report('workerEnded', { code: await ended });
}

if (inWorker && isMainThread) await runInWorker();
else await run();
