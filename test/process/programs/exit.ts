import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { firstValueFrom, Subject } from 'rxjs';
import { otlpHttp, type Sink, spanPipeline } from '../../../src/index.ts';
import { endSpans, input, report, reportWarnings, tracerOf } from './kit.ts';

export interface ExitInput {
  readonly url: string;
  readonly spans: number;
  /** `underWay`: the main program ends when the first request is; `process.exit`: it does not end by itself; `shutdown`: it shuts the pipeline down first. */
  readonly end?: 'underWay' | 'process.exit' | 'shutdown';
  readonly exitDeadlineMillis?: number;
  readonly sinkNeverCloses?: boolean;
}

const { url, spans, end, exitDeadlineMillis, sinkNeverCloses } = input<ExitInput>();
reportWarnings();
const started$ = new Subject<void>();
const http = otlpHttp({ url });
const sink: Sink<ReadableSpan> = {
  ...http,
  export: (batch, attempt) => {
    // The request is written in the turns that follow.
    setImmediate(() => started$.next());
    return http.export(batch, attempt);
  },
  ...(sinkNeverCloses && { shutdown: () => new Promise<void>(() => {}) }),
};

process.once('beforeExit', () => {
  report('beforeExit');
});
const pipeline = spanPipeline({ sink, ...(exitDeadlineMillis !== undefined && { exitDeadlineMillis }) });
process.on('exit', (code) => {
  const { accepted, delivered, lost, pending } = pipeline.stats();
  report('exit', { code, accepted, delivered, lost, pending, listeners: process.listenerCount('beforeExit') });
});

const tracer = tracerOf(pipeline.processor);
const started = firstValueFrom(started$);
endSpans(tracer, spans);
if (end === 'underWay') await started;
if (end === 'shutdown') await pipeline.shutdown(sinkNeverCloses ? { deadlineMillis: 2_000 } : {});
if (end === 'process.exit') process.exit(3);
