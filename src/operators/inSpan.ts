import type { Span, SpanOptions, SpanStatusCode, Tracer } from '@opentelemetry/api';
import { type MonoTypeOperatorFunction, Observable, Subscription } from 'rxjs';
import { runGuarded } from '../internal/runGuarded.ts';
import { activeContext, contextWith, within } from '../internal/spanContext.ts';
import { subscribeInto, tearDownInOrder } from '../internal/subscribeInto.ts';
import { warn } from '../internal/tracingSuppression.ts';
import { anArray, anObject, aString, optional, settingsOf, shape, whole } from '../internal/validation.ts';
import { messageOf } from '../model/errors.ts';

/** What each span is started with, as in OpenTelemetry's `tracer.startSpan`. */
export interface InSpanOptions extends Pick<SpanOptions, 'kind' | 'attributes' | 'links'> {}

const IN_SPAN_RULES = { kind: optional(whole(0, 4)), attributes: optional(anObject), links: optional(anArray) };

const aTracer = shape("a tracer of OpenTelemetry: trace.getTracer('my-service') for example", 'startSpan');

/** The value of `SpanStatusCode.ERROR`: to import the API costs as much time as all operators together. */
const ERROR: SpanStatusCode.ERROR = 2;

/**
 * Makes a span for each subscription: it begins before the source is subscribed, and ends when the source has ended or is unsubscribed.
 *
 * ```text
 * source      -a-b-|
 * subscribed  ^----!
 *             inSpan: s starts the span, and e ends it
 * result      -a-b-|
 * span        s----e
 * ```
 *
 * **Emits**, **completes** and **errors** like the source. An error is recorded in the span and is its status. **Unsubscribed**, it unsubscribes the source and ends the span, whose status stays unset: `take(1)` is no failure.
 *
 * **Context**: the operator wraps what stands above it, as `raceTimeout` does. The source is subscribed, and unsubscribed, with the span as the active one, so what it starts (requests, promises, timers) makes children of the span. What stands
 * below runs outside: values, error and end are delivered in the context in which the result was subscribed, so nothing of the span leaks there. Two limits: a hot source emits in the context of whoever emits, so an
 * operator between it and `inSpan` runs there; and `asapScheduler` runs what is queued in the context of the first that queued something. Without a context manager the spans are made, and have no children.
 *
 * **Order**: that of the source. **Loss**: none. A tracer that throws is told by OpenTelemetry's `diag.warn`, and the source goes on without a span.
 *
 * @throws InvalidOptionError when `tracer` is no tracer, `name` is no string, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const tracer = trace.getTracer('shop');
 * const orders$ = of({ id: 1 }, { id: 2 });
 * const charge = async (order: { id: number }) => tracer.startActiveSpan('POST /charge', (span) => span.end());
 * orders$
 *   .pipe(boundedMergeMap((order) => defer(() => charge(order)).pipe(inSpan(tracer, 'charge', { attributes: { 'order.id': order.id } }))))
 *   .subscribe();
 * ```
 *
 * @see raceTimeout
 */
export function inSpan<T>(tracer: Tracer, name: string, options: InSpanOptions = {}): MonoTypeOperatorFunction<T> {
  const args = { tracer: [tracer, aTracer], name: [name, aString] } as const;
  const settings = settingsOf<InSpanOptions>('inSpan', {}, IN_SPAN_RULES, options, args);
  return function inSpanOperator(source) {
    return new Observable((subscriber) => {
      const outside = activeContext();
      const span = new GuardedSpan(() => tracer.startSpan(name, settings, outside));
      const inside = outside && span.contextIn(outside);
      const upstream = new Subscription();
      const leaveSource = () => within(inside, () => upstream.unsubscribe());
      tearDownInOrder(subscriber, leaveSource, () => span.end());
      const observer = {
        next: (value: T) => within(outside, () => subscriber.next(value)),
        error: (thrown: unknown) => {
          span.fail(thrown);
          within(outside, () => subscriber.error(thrown));
        },
        complete: () => {
          span.end();
          within(outside, () => subscriber.complete());
        },
      };
      within(inside, () => subscribeInto(source, observer, upstream));
    });
  };
}

/** One span, whose tracer may throw: the stream goes on. */
class GuardedSpan {
  #span: Span | undefined;

  constructor(start: () => Span) {
    this.#attempt(() => {
      this.#span = start();
    });
  }

  contextIn(outside: NonNullable<ReturnType<typeof activeContext>>) {
    return this.#span === undefined ? outside : contextWith(this.#span, outside);
  }

  /** Ends it. Idempotent. */
  end(): void {
    const span = this.#span;
    this.#span = undefined;
    this.#attempt(() => span?.end());
  }

  /** Ends it with this error. */
  fail(thrown: unknown): void {
    const span = this.#span;
    this.#attempt(() => {
      span?.recordException(thrown instanceof Error ? thrown : messageOf(thrown));
      span?.setStatus({ code: ERROR, message: messageOf(thrown) });
    });
    this.end();
  }

  #attempt(work: () => void): void {
    runGuarded(work, (thrown) => warn(`spanflow: inSpan: the tracer threw: ${messageOf(thrown)}`));
  }
}
