import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { bufferCount, firstValueFrom, Subject } from 'rxjs';
import { exportTo, otlpHttp, spanPipeline } from '../../../src/index.ts';
import { endSpans, holdOpen, input, report, timers, tracerOf, turn } from './kit.ts';

const { url, as } = input<{ url: string; as: 'pipeline' | 'composition' }>();
const sink = otlpHttp({ url });
const release = holdOpen();

if (as === 'pipeline') {
  // 0: nobody shuts the connections down at the end.
  const pipeline = spanPipeline({ sink, exitDeadlineMillis: 0 });
  const tracer = tracerOf(pipeline.processor);
  for (let round = 0; round < 2; round += 1) {
    endSpans(tracer, 100);
    await pipeline.forceFlush();
    // The HTTP client takes a connection back in the turn after its answer.
    await turn();
  }
} else {
  const spans$ = new Subject<ReadableSpan>();
  const outcomes$ = new Subject<unknown>();
  spans$.pipe(bufferCount(100), exportTo(sink)).subscribe(outcomes$);
  const onEnd = (span: ReadableSpan) => spans$.next(span);
  const tracer = tracerOf({ onStart() {}, onEnd, forceFlush: async () => {}, shutdown: async () => {} });
  for (let round = 0; round < 2; round += 1) {
    const outcome = firstValueFrom(outcomes$);
    endSpans(tracer, 100);
    await outcome;
    await turn();
  }
}

report('idle', { timers: await timers() });
release();
