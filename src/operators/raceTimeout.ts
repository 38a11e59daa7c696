import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, Subscription } from 'rxjs';
import { runGuarded } from '../internal/runGuarded.ts';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { subscribeInto } from '../internal/subscribeInto.ts';
import { aProcessHold, type ProcessHold, waiting } from '../internal/timers.ts';
import { aScheduler, aString, millis as duration, oneOf, settingsOf } from '../internal/validation.ts';
import { RaceTimeoutError } from '../model/errors.ts';

/** The options of {@link raceTimeout}. */
export interface RaceTimeoutOptions {
  /** How long the source may take, in milliseconds: 0 or more, or `Infinity` for no limit. */
  millis: number;
  /** What is bounded: the time to the `first` value, or the `whole` time until the end (the default). */
  bounds?: 'first' | 'whole';
  /** Names the source in the error's message. Default `'the source'`. */
  what?: string;
  /**
   * Whether the process is kept alive until the source has ended or timed out: `whileWaiting` (the default), or `never`. With `millis: Infinity` it is never kept alive, because such a wait need not
   * end.
   */
  processHold?: ProcessHold;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export const RACE_TIMEOUT_DEFAULTS: Readonly<Required<RaceTimeoutOptions>> = Object.freeze({
  millis: Number.POSITIVE_INFINITY,
  bounds: 'whole',
  what: 'the source',
  processHold: 'whileWaiting',
  scheduler: monotonicScheduler,
});

const { millis: _, ...NEEDS_MILLIS } = RACE_TIMEOUT_DEFAULTS;

const RACE_TIMEOUT_RULES = {
  millis: duration(0, 'orInfinity'),
  bounds: oneOf('first', 'whole'),
  what: aString,
  processHold: aProcessHold,
  scheduler: aScheduler,
};

/**
 * Aborts a source that takes too long, and errors in its place.
 *
 * ```text
 * source          ----a----b-|
 * subscribed      ^----------!
 *                 ^----!
 *                 raceTimeout: millis 5
 * bounds 'first'  ----a----b-|
 * bounds 'whole'  ----a#
 * ```
 *
 * **Emits**, **completes** and **errors** like the source, while that is in time. **Errors** with a {@link RaceTimeoutError} when the time is over; the source
 * is unsubscribed first, which aborts it. **Unsubscribed**, it unsubscribes the source and clears the timer.
 *
 * **Order**: that of the source. **Loss**: what the source would have emitted later.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * defer(() => sink.export(batch)).pipe(raceTimeout({ millis: 10_000 }));
 * ```
 *
 * @see retryWithBackoff
 */
export function raceTimeout<T>(options: RaceTimeoutOptions): MonoTypeOperatorFunction<T> {
  const settings = settingsOf<Required<RaceTimeoutOptions>>('raceTimeout', NEEDS_MILLIS, RACE_TIMEOUT_RULES, options);
  const { millis, bounds, what, processHold, scheduler } = settings;

  return function raceTimeoutOperator(source) {
    return new Observable((subscriber) => {
      const racer = new Subscription();
      const timer = waiting(scheduler, millis, processHold, () => {
        runGuarded(() => racer.unsubscribe());
        subscriber.error(new RaceTimeoutError(what, millis));
      });
      subscriber.add(timer);
      subscriber.add(racer);
      subscribeInto(
        source,
        {
          next: (value) => {
            if (bounds === 'first') timer.unsubscribe();
            subscriber.next(value);
          },
          error: (thrown) => subscriber.error(thrown),
          complete: () => subscriber.complete(),
        },
        racer,
      );
    });
  };
}
