import { catchError, Observable, of, type SchedulerLike, Subscription, take, throwError, throwIfEmpty } from 'rxjs';
import { exported, withoutAnswer } from '../../destination/exported.ts';
import { runGuarded } from '../../internal/runGuarded.ts';
import { forwardTo, subscribeInto } from '../../internal/subscribeInto.ts';
import type { ProcessHold } from '../../internal/timers.ts';
import type { Batch } from '../../model/batch.ts';
import { RaceTimeoutError } from '../../model/errors.ts';
import type { Response, Sink } from '../../model/sink.ts';
import { raceTimeout } from '../raceTimeout.ts';
import type { AttemptReport } from './attemptReport.ts';

interface AttemptOptions {
  /** How long it may take. */
  readonly millis: number;
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
  { millis, processHold, scheduler, onAbortError }: AttemptOptions,
): Observable<Response> {
  return withGuardedAbort(exported(sink, part, report), onAbortError).pipe(
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

/** What the abort of a sink throws is reported, and changes nothing else. */
function withGuardedAbort<T>(source: Observable<T>, onError: (thrown: unknown) => void): Observable<T> {
  return new Observable((subscriber) => {
    const attempt = new Subscription();
    subscriber.add(() => runGuarded(() => attempt.unsubscribe(), onError));
    subscribeInto(source, forwardTo(subscriber), attempt);
  });
}
