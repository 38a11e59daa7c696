import { type MonoTypeOperatorFunction, Observable, type Subscription } from 'rxjs';
import { forwardTo, subscribeInto } from '../internal/subscribeInto.ts';
import { ACCEPTED, CANCELLED, resultOfError } from './attemptEnding.ts';
import type { AttemptLine } from './attemptLine.ts';
import type { AttemptSize } from './layer.ts';

interface ThroughLayersPlan {
  readonly line: AttemptLine;
  readonly size: AttemptSize;
  /** A `Retry-After` closes the gate for up to this long. Default 0. */
  readonly maxRetryAfterMillis?: number;
  /** Keeps the process alive during the wait. */
  readonly hold: () => Subscription;
}

/** Subscribes the source, one attempt, when the layers of its line admit it, and tells them how it ended. */
export function throughLayers<T>(plan: ThroughLayersPlan): MonoTypeOperatorFunction<T> {
  const { line, size, maxRetryAfterMillis, hold } = plan;
  return (source) =>
    new Observable((subscriber) => {
      let held: Subscription | undefined; // during the wait
      let hasStarted = false;
      const leave = line.enter(size, (finish) => {
        hasStarted = true;
        held?.unsubscribe();
        let result = CANCELLED;
        const observer = forwardTo(subscriber);
        // One that is unsubscribed after a value has been answered.
        const next = (value: T) => {
          result = ACCEPTED;
          observer.next(value);
        };
        const error = (thrown: unknown) => {
          result = resultOfError(thrown, maxRetryAfterMillis);
          observer.error(thrown);
        };
        const complete = () => {
          result = ACCEPTED;
          observer.complete();
        };
        subscribeInto(source, { next, error, complete }, subscriber);
        // Added last, so that it comes last: the attempt is torn down before the next one starts.
        subscriber.add(() => finish(result));
      });
      if (hasStarted) return;
      held = hold();
      subscriber.add(held);
      subscriber.add(leave);
    });
}
