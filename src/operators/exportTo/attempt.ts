import {
  catchError,
  Observable,
  type Observer,
  of,
  type SchedulerLike,
  Subscription,
  take,
  throwError,
  throwIfEmpty,
} from 'rxjs';
import { exported, withoutAnswer } from '../../destination/exported.ts';
import type { CallFrame } from '../../internal/callFrame.ts';
import { runGuarded } from '../../internal/runGuarded.ts';
import { forwardTo, subscribeInto } from '../../internal/subscribeInto.ts';
import type { ProcessHold } from '../../internal/timers.ts';
import { Run } from '../../ledger/run.ts';
import type { Batch } from '../../model/batch.ts';
import { RaceTimeoutError } from '../../model/errors.ts';
import type { Response, Sink } from '../../model/sink.ts';
import { raceTimeout } from '../raceTimeout.ts';
import type { AttemptReport } from './attemptReport.ts';

interface AttemptOptions {
  /** How long it may take. */
  readonly millis: number;
  /** Entered while the sink is called. */
  readonly calls: CallFrame;
  readonly processHold: ProcessHold;
  readonly scheduler: SchedulerLike;
  /** Called with what the sink's abort throws. */
  readonly onAbortError: (thrown: unknown) => void;
}

/** One attempt at one part of a batch: emits the sink's answer and completes, or errors with the failure. */
export function attempt<T>(
  sink: Sink<T>,
  part: Batch<T>,
  report: AttemptReport,
  { millis, calls, processHold, scheduler, onAbortError }: AttemptOptions,
): Observable<Response> {
  return withGuardedAbort(
    called(
      calls,
      calls.within(() => Run.outside(() => exported(sink, part, report))),
    ),
    onAbortError,
  ).pipe(
    take(1),
    throwIfEmpty(() => withoutAnswer(sink)),
    raceTimeout({ millis, processHold, scheduler }),
    catchError((error: unknown) =>
      error instanceof RaceTimeoutError ? cutOff(report, millis) : throwError(() => error),
    ),
  );
}

/** The attempt timed out. The message says in which phase; an answer that the sink has reported by then counts instead. */
function cutOff(report: AttemptReport, millis: number): Observable<Response> {
  const { answer } = report;
  if (answer === undefined) return throwError(() => report.timeout(millis));
  return answer instanceof Error ? throwError(() => answer) : of(answer);
}

/** A sink may do its work when it is subscribed to: that is part of the call. What it emits is not. */
function called<T>(calls: CallFrame, source: Observable<T>): Observable<T> {
  return new Observable((subscriber) => {
    const { next, error, complete } = forwardTo(subscriber);
    const observer: Observer<T> = {
      next: (value) => calls.outside(() => next(value)),
      error: (thrown) => calls.outside(() => error(thrown)),
      complete: () => calls.outside(complete),
    };
    calls.within(() => Run.outside(() => subscribeInto(source, observer, subscriber)));
  });
}

/** What the abort of a sink throws is reported, and changes nothing else. */
function withGuardedAbort<T>(source: Observable<T>, onError: (thrown: unknown) => void): Observable<T> {
  return new Observable((subscriber) => {
    const attempt = new Subscription();
    subscriber.add(() => runGuarded(() => attempt.unsubscribe(), onError));
    subscribeInto(source, forwardTo(subscriber), attempt);
  });
}
