/** A main program that awaits at its top level, while everything that could end the wait is a timer that holds nothing. */
import { Observable, throwError } from 'rxjs';
import {
  adaptiveBatch,
  ExportError,
  exponentialBackoff,
  exportTo,
  fromSpanProcessor,
  type Response,
  spanPipeline,
} from '../../../src/index.ts';
import { answering, endSpans, input, report, tracerOf } from './kit.ts';

export interface AwaitInput {
  readonly what:
    | 'forceFlush'
    | 'forceFlush without a limit'
    | 'shutdown'
    | 'dispose'
    | 'input.forceFlush'
    | 'input.shutdown'
    | 'input.shutdown without a limit';
}

const { what } = input<AwaitInput>();
/** After 100 ms, by a timer that does not hold the process. */
const late = new Observable<Response>((subscriber) => {
  const timeout = setTimeout(() => {
    subscriber.next({});
    subscriber.complete();
  }, 100);
  timeout.unref();
});
const sink = answering((attempt) =>
  attempt === 1 ? throwError(() => new ExportError({ kind: 'retryable' }, 'not now')) : late,
);
const retry = { backoff: exponentialBackoff({ initialMillis: 100, maxMillis: 100, jitter: 'none' }) };

const waits: Readonly<Record<AwaitInput['what'], () => Promise<void>>> = {
  forceFlush: () => pipeline((made) => made.forceFlush()),
  'forceFlush without a limit': () => pipeline((made) => made.forceFlush({ timeoutMillis: Number.POSITIVE_INFINITY })),
  shutdown: () => pipeline((made) => made.shutdown()),
  dispose: () => pipeline((made) => made[Symbol.asyncDispose]()),
  'input.forceFlush': () => operators((spans) => spans.forceFlush()),
  'input.shutdown': () => operators((spans) => spans.shutdown()),
  'input.shutdown without a limit': () =>
    operators((spans) => spans.shutdown({ timeoutMillis: Number.POSITIVE_INFINITY })),
};

process.on('exit', (code) => report('exit', { code, items: sink.items }));
await waits[what]();
report('done', { items: sink.items });

async function pipeline(wait: (made: ReturnType<typeof spanPipeline>) => Promise<void>): Promise<void> {
  const made = spanPipeline({ sink, retry, exitDeadlineMillis: 0 });
  endSpans(tracerOf(made.processor), 30);
  await wait(made);
}

async function operators(wait: (spans: ReturnType<typeof fromSpanProcessor>) => Promise<void>): Promise<void> {
  const spans = fromSpanProcessor();
  spans.spans$.pipe(adaptiveBatch({ flushWhen: spans.flush$ }), exportTo(sink, { retry })).subscribe();
  endSpans(tracerOf(spans), 30);
  await wait(spans);
}
