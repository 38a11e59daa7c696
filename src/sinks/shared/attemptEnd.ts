import type { Subscriber } from 'rxjs';
import { bodyMemory } from '../../flow/memory.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { after } from '../../internal/timers.ts';
import { RaceTimeoutError, SpanflowError } from '../../model/errors.ts';
import type { Attempt, Response } from '../../model/sink.ts';

/** Encoded bodies lie outside of the heap, and count towards the budget of memory nevertheless. */
export function countBodyBytes(change: number): void {
  if (change > 0) bodyMemory().hold(change);
  else bodyMemory().give(-change);
}

/** `exportTo` passes an attempt and keeps its deadline. For an export without one, the sink keeps the deadline. */
export function withDeadline(sink: string, subscriber: Subscriber<Response>, timeoutMillis: number): Attempt {
  const unknown = new RaceTimeoutError(`an export to ${sink}`, timeoutMillis);
  let known: Response | SpanflowError = unknown;
  subscriber.add(after(monotonicScheduler, timeoutMillis, () => answer(subscriber, known)));
  return {
    timeoutMillis,
    enter: () => {},
    answered: (meaning) => {
      known = meaning;
    },
    repeat: () => {
      known = unknown;
    },
  };
}

export function answer(subscriber: Subscriber<Response>, meaning: Response | SpanflowError): void {
  if (meaning instanceof SpanflowError) {
    subscriber.error(meaning);
  } else {
    subscriber.next(meaning);
    subscriber.complete();
  }
}
