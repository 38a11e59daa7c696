import { type MonoTypeOperatorFunction, Observable, type SchedulerLike } from 'rxjs';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { debug } from '../../internal/tracingSuppression.ts';
import { messageOf } from '../../model/errors.ts';
import { failureOf } from '../../strategies/retry.ts';
import type { AttemptReport } from './attemptReport.ts';

interface ToldAttempt {
  readonly stage: string;
  /** How many attempts at the batch there were, this one included. */
  readonly attempts: number;
  readonly items: number;
  readonly report: AttemptReport;
  readonly scheduler: SchedulerLike;
}

/** Tells OpenTelemetry's `diag.debug` how one attempt ended: for those who look for spans that do not arrive. */
export function toldToDiag<T>({ stage, attempts, items, report, scheduler }: ToldAttempt): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const startedAtMillis = scheduler.now();
      let isTold = false;
      const tell = (ending: () => string) => {
        if (isTold) return;
        isTold = true;
        debug(() => {
          const millis = Math.round(scheduler.now() - startedAtMillis);
          const what = `attempt ${attempts} at a batch, with ${items} ${items === 1 ? 'item' : 'items'}`;
          return `spanflow: ${stage}: ${what}, to ${report.where}: ${ending()} after ${millis} ms`;
        });
      };
      subscriber.add(() => tell(() => 'aborted'));
      subscribeInto(
        source,
        {
          next: (value) => {
            tell(() => 'accepted');
            subscriber.next(value);
          },
          error: (thrown) => {
            tell(() => `failed (${failureOf(thrown).kind}: ${messageOf(thrown)})`);
            subscriber.error(thrown);
          },
          complete: () => subscriber.complete(),
        },
        subscriber,
      );
    });
}
