/** A program that sends what it has and is done: no pipeline, no shutdown, nothing awaited. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { bufferCount, from } from 'rxjs';
import {
  adaptiveBatch,
  createGate,
  createLedger,
  exponentialBackoff,
  exportTo,
  fromAsyncIterable,
  otlpHttp,
} from '../../../src/index.ts';
import { endSpans, input, report, tracerOf } from './kit.ts';

export interface OperatorsInput {
  readonly url: string;
  readonly spans: number;
  /** `array`: everything is there at once. `gate`: spans are pulled, as the backend takes them. */
  readonly source: 'array' | 'gate';
}

const { url, spans: count, source } = input<OperatorsInput>();
const spans: ReadableSpan[] = [];
const onEnd = (span: ReadableSpan) => void spans.push(span);
endSpans(tracerOf({ onStart() {}, onEnd, forceFlush: async () => {}, shutdown: async () => {} }), count);

const ledger = createLedger();
const sink = otlpHttp({ url });
const out = exportTo(sink, { concurrency: 2, retry: { backoff: exponentialBackoff({ initialMillis: 50 }) }, ledger });
let completed = false;
const complete = () => {
  completed = true;
};
if (source === 'array') {
  from(spans).pipe(bufferCount(100), out).subscribe({ complete });
} else {
  const gate = createGate();
  const batch = adaptiveBatch<ReadableSpan>({ maxQueueSize: 200, maxExportBatchSize: 100, gate, ledger });
  fromAsyncIterable(spans, { gate, ledger }).pipe(batch, out).subscribe({ complete });
}
process.on('exit', (code) => {
  const { delivered, lost, pending } = ledger.stats();
  report('exit', { code, completed, delivered, lost, pending });
});
