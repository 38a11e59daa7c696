import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, Subscription } from 'rxjs';
import { runGuarded } from '../internal/runGuarded.ts';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { subscribeInto } from '../internal/subscribeInto.ts';
import { type ProcessHold, requireProcessHold, waiting } from '../internal/timers.ts';
import { requireMillis, requireOneOf, requireShape, withDefaults } from '../internal/validation.ts';
import { InvalidOptionError, RaceTimeoutError } from '../model/errors.ts';

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
  const settings = withDefaults('raceTimeout', RACE_TIMEOUT_DEFAULTS, options);
  const { millis, bounds, what, processHold, scheduler } = settings;
  requireMillis('raceTimeout.millis', (options as Partial<RaceTimeoutOptions>).millis, 0, 'orInfinity');
  requireOneOf('raceTimeout.bounds', bounds, ['first', 'whole']);
  if (typeof what !== 'string') throw new InvalidOptionError('raceTimeout.what', 'a text', what);
  requireProcessHold('raceTimeout.processHold', processHold);
  requireShape('raceTimeout.scheduler', scheduler, 'a scheduler of RxJS', 'schedule', 'now');

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
