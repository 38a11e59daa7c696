/** A program that looks for more work whenever its event loop has run empty, as a job runner does. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER, type Observable } from 'rxjs';
import { exportHandle, type Response, type Sink, spanPipeline } from '../../../src/index.ts';
import { answering, endSpans, input, listenToWarnings, report, success, tracerOf } from './kit.ts';

export interface AgainInput {
  readonly as: 'pipeline' | 'handle';
  /** Each ends 100 spans, or exports 100 items. */
  readonly rounds: number;
  /** The first attempt is never answered. */
  readonly firstHangs?: boolean;
  readonly exitDeadlineMillis?: number;
  /** What the sink's `forceFlush` does, if it has one. */
  readonly flush?: 'resolves' | 'hangs' | 'rejects';
  /** The room of a handle. */
  readonly maxQueueSize?: number;
  /** Each warning makes a span. */
  readonly loggerMakesSpans?: boolean;
}

const given = input<AgainInput>();
const { as, rounds, firstHangs = false, flush, loggerMakesSpans = false } = given;
const answer = (attempt: number): Observable<Response> => (firstHangs && attempt === 1 ? NEVER : success);
const flushes = {
  resolves: () => Promise.resolve(),
  hangs: () => new Promise<void>(() => {}),
  rejects: () => Promise.reject(new Error('oops')),
};
const forceFlush =
  flush &&
  (() => {
    report('sink flushed');
    return flushes[flush]();
  });
const sink: Sink<ReadableSpan | number> = {
  ...answering<ReadableSpan | number>(answer),
  shutdown: async () => report('sink shut down'),
  ...(forceFlush && { forceFlush }),
};
const options = {
  ...(given.exitDeadlineMillis !== undefined && { exitDeadlineMillis: given.exitDeadlineMillis }),
  ...(given.maxQueueSize !== undefined && { maxQueueSize: given.maxQueueSize }),
  concurrency: 1,
  scheduledDelayMillis: 60_000, // nothing but a flush or a full batch sends anything
};
const work = as === 'pipeline' ? ofPipeline() : ofHandle();

let round = 0;
process.on('beforeExit', () => {
  report('beforeExit', { pending: work.stats().pending });
  if (round < rounds) setImmediate(() => work.stats().pending === 0 && nextRound());
});
process.on('exit', (code) => report('exit', { code, ...work.stats() }));
nextRound();

function nextRound(): void {
  round += 1;
  work.add();
}

function ofPipeline() {
  const pipeline = spanPipeline({ sink, ...options });
  const tracer = tracerOf(pipeline.processor);
  listenToWarnings((message) => {
    report('warning', { message });
    if (loggerMakesSpans) endSpans(tracer, 1);
  });
  return { add: () => endSpans(tracer, 100), stats: () => pipeline.stats() };
}

function ofHandle() {
  const handle = exportHandle<number>(sink, { ...options, maxExportBatchSize: options.maxQueueSize ?? 200 });
  const items = Array.from({ length: 100 }, (_, index) => index);
  const add = () => {
    handle.export(items).then(({ delivered, lost }) => report('answer', { delivered, lost }));
  };
  return { add, stats: () => handle.stats() };
}
