import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Observable } from 'rxjs';
import type { FlushRequest } from '../model/batch.ts';
import type { RingInputOptions, RingKind } from './ringInput/options.ts';
import { RingInput } from './ringInput/ringInput.ts';

/** A trace flag of W3C Trace Context. OpenTelemetry's enum would load its whole API. */
const SAMPLED = 1;

/** An item is a span that has ended, the SDK's call is `onEnd`, and the stream is `spans$`. */
export interface FromSpanProcessorOptions extends RingInputOptions {}

/** A `SpanProcessor` for OpenTelemetry's SDK, and the stream of the spans that it was given. */
export interface SpanInput extends SpanProcessor {
  /** Sampled spans, in the order in which they ended. It completes at `shutdown`. */
  readonly spans$: Observable<ReadableSpan>;
  /** A request for each `forceFlush` and for the `shutdown`: for `adaptiveBatch({ flushWhen })`. */
  readonly flush$: Observable<FlushRequest>;
  /**
   * Resolves when everything that ended before has an outcome, delivered or lost. Rejects at the timeout with `FLUSH_TIMEOUT`; the exports go on.
   *
   * @param options `timeoutMillis` instead of `flushTimeoutMillis`, for this call
   */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /** The same, and ends the stream: a span that ends later is refused as `alreadyShutdown`. The second call gives the promise of the first. */
  shutdown(options?: { timeoutMillis?: number }): Promise<void>;
}

/** Spans come from `onEnd`, and only sampled ones are taken. */
export const ENDED_SPANS: RingKind<ReadableSpan> = {
  signal: 'traces',
  owner: 'fromSpanProcessor',
  event: 'spans have ended',
  stream: 'spans$',
  leftOut: (span) => ((span.spanContext().traceFlags & SAMPLED) === 0 ? 'unsampled' : undefined),
};

/**
 * Lets spans in: a real `SpanProcessor` (SDK 3 and 2) on one side, an Observable on the other.
 *
 * ```text
 * onEnd       -a-b----c-d-|
 * subscriber  ----(s|)
 * subscribed  ^-----------!
 *             fromSpanProcessor: subscribed at s
 * spans$      ----(ab)c-d-|
 * ```
 *
 * `onEnd` pushes the span into a bounded ring and does nothing more: no operator, no encoding, no export runs inside `span.end()`. One immediate drains the ring
 * into the stream, outside the asynchronous context of the code that ended a span. Spans that are not sampled are skipped.
 *
 * **Emits** nothing before the first subscription; the spans wait in the ring. **Completes** at `shutdown`. It never **errors**. Without subscribers it keeps spans in the ring again.
 *
 * `forceFlush` resolves when everything that ended before it has an outcome, delivered or lost, and rejects at its timeout. `shutdown` does the same, and ends the stream.
 *
 * **Order**: that of `onEnd`. **Loss**: `queueFull`, `alreadyShutdown`, and `noSubscriber` for what still waits at the shutdown.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const input = fromSpanProcessor();
 * const provider = new TracerProvider({ spanProcessors: [input] });
 * input.spans$.pipe(adaptiveBatch({ flushWhen: input.flush$ }), exportTo(otlpHttp())).subscribe();
 * ```
 *
 * @see spanPipeline
 */
export function fromSpanProcessor(options: FromSpanProcessorOptions = {}): SpanInput {
  const ring = new RingInput(ENDED_SPANS, options);
  const input: SpanInput = {
    spans$: ring.items$,
    flush$: ring.flush$,
    onStart() {},
    onEnd: (span) => void ring.offer(span),
    forceFlush: (given) => ring.forceFlush(given),
    shutdown: (given) => ring.shutdown(given),
  };
  ring.registerAs(input);
  return input;
}
