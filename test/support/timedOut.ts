// Attempts that time out when they have come so far: no clock of the machine takes part, however busy it is.

import { firstValueFrom, of } from 'rxjs';
import { type Attempt, type AttemptPhase, exportTo, type ObservableSink, type Outcome } from '../../src/index.ts';
import { SWIFT_RETRIES } from './httpExports.ts';
import { LeapingClock } from './leapingClock.ts';

/** What becomes of one batch each of whose attempts times out in this phase. The sink is opened with its `timeoutMillis`. */
export function outcomeTimedOutIn<T>(
  phase: AttemptPhase,
  sink: ObservableSink<T>,
  items: readonly T[],
  { maxAttempts }: { readonly maxAttempts: number },
): Promise<Outcome<T>> {
  const scheduler = new LeapingClock();
  const { name, attemptTimeoutMillis = Number.NaN } = sink;
  // By so much that the wait before the next attempt is over as well.
  const leap = () => scheduler.leap(attemptTimeoutMillis + 1);
  const watched: ObservableSink<T> = {
    name,
    attemptTimeoutMillis,
    export: (batch, attempt) =>
      sink.export(
        batch,
        attempt &&
          following(attempt, (entered) => {
            // What the sink reports in the same turn counts.
            if (entered === phase) setImmediate(leap);
          }),
      ),
  };
  const retry = { ...SWIFT_RETRIES, maxAttempts };
  return firstValueFrom(of(items).pipe(exportTo(watched, { retry, scheduler })));
}

function following(attempt: Attempt, told: (phase: AttemptPhase) => void): Attempt {
  return {
    ...(attempt.timeoutMillis !== undefined && { timeoutMillis: attempt.timeoutMillis }),
    enter: (phase, where) => {
      attempt.enter(phase, where);
      told(phase);
    },
    answered: (answer) => attempt.answered(answer),
    repeat: () => attempt.repeat?.(),
    status: (code) => attempt.status?.(code),
  };
}
