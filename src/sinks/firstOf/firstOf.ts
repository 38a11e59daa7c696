import { Observable, type SchedulerLike } from 'rxjs';
import { aSink } from '../../destination/sinkRule.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { aScheduler, millis, must, type Rule, settingsOf } from '../../internal/validation.ts';
import type { Batch } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import { type Attempt, ExportError, type ObservableSink, type Response, type Sink } from '../../model/sink.ts';
import { combinedFailure } from '../../strategies/combinedFailure.ts';
import { failureOf } from '../../strategies/retry.ts';
import { compositeOf } from '../shared/severalSinks.ts';
import { RaceReports } from './raceReports.ts';
import { Racer } from './racer.ts';

/** The options of {@link firstOf}. */
export interface FirstOfOptions {
  /** How long a backend is left alone that has asked for it (`Retry-After`), at most, in milliseconds: 0 or more, default 60,000. As in `retry` of {@link exportTo}, which limits what all of them ask for together. */
  maxRetryAfterMillis?: number;
  /** Where time comes from. Default {@link monotonicScheduler}. With another scheduler, it has to be that of `exportTo`. */
  scheduler?: SchedulerLike;
}

export const FIRST_OF_DEFAULTS: Readonly<Required<FirstOfOptions>> = Object.freeze({
  maxRetryAfterMillis: 60_000,
  scheduler: monotonicScheduler,
});

const FIRST_OF_RULES = { maxRetryAfterMillis: millis(0), scheduler: aScheduler };

/**
 * A sink that is several at once: each attempt goes to all of them, the first success wins, and the others are aborted.
 *
 * ```text
 * source      [a]----[b]------|
 * subscribed  ^---------------!
 *             firstOf: near and far, of which near fails the second time
 * near        ^-!                  [a]
 *             -------^-!           [b]
 * far         ^-!                  [a]
 *             -------^----!        [b]
 * result      --o---------o---|
 * ```
 *
 * It buys latency with requests: n backends get n times the traffic. An attempt fails when it has failed at all of them. It is tried again, at all of them, if one of them may take it later: `retryable` goes before `permanent`, and an
 * unknown outcome at one of them is never forgotten.
 *
 * **`Retry-After`** holds back only the backend that has sent it, and whatever else exports to that sink: the attempts of the time go to the others, and one goes first when it is over, as after each `Retry-After` (see {@link exportTo}). An attempt for which all of them
 * are held back fails, and the next one is made when the first of them is ready.
 *
 * **Order**: the layers of `exportTo` are around all of them at once, and each has a throttle gate of its own: `retry( gate → breaker → rate → slot( timeout( firstOf( gate → sink, gate → sink, … ) ) ) )`. It is one attempt and one slot, however many sinks: with 8 slots
 * and three sinks there are up to 24 requests in flight. The round trip that a limiter sees is that of the fastest. `maxConcurrency` is the lowest of theirs, `attemptTimeoutMillis` the longest.
 *
 * **Loss**: none of its own. **Duplicates**: at-least-once at each of several backends. A loser that is aborted may have arrived, so a batch can be at two of them; that is no `possibleDuplicates`, which counts what one attempt may have
 * repeated after another.
 *
 * Unsubscribing an export aborts all attempts. `forceFlush` and `shutdown` go to each sink once, and a sink that is given twice is there once.
 *
 * @param sinks at least one
 *
 * @throws InvalidOptionError when there is no sink, or one that is none, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const nearest = firstOf(['eu', 'us'].map((region) => otlpHttp({ url: `https://${region}.example.com/v1/traces` })));
 * spans$.pipe(adaptiveBatch(), exportTo(nearest)).subscribe();
 * ```
 *
 * @see failover, fanOut
 */
export function firstOf<T>(sinks: readonly Sink<T>[], options: FirstOfOptions = {}): ObservableSink<T> {
  const settings = settingsOf('firstOf', FIRST_OF_DEFAULTS, FIRST_OF_RULES, options, { sinks: [sinks, someSinks] });
  const distinct = [...new Set(sinks)];
  const racers = distinct.map((sink) => new Racer(sink, settings));
  return {
    name: `firstOf(${distinct.map(({ name }) => name).join(', ')})`,
    ...compositeOf('firstOf', distinct),
    export: (batch, attempt) => race(racers, batch, attempt),
  };
}

const isSome = must('an array of at least one sink', (value) => Array.isArray(value) && value.length > 0);

const someSinks: Rule = (value, option, call) => {
  isSome(value, option, call);
  if (!Array.isArray(value)) return;
  for (const [index, sink] of value.entries()) aSink(sink, `${option}[${index}]`, call);
};

/** One attempt at each of them. Unsubscribing aborts those that are in flight. */
function race<T>(racers: readonly Racer<T>[], batch: Batch<T>, attempt: Attempt | undefined): Observable<Response> {
  return new Observable((subscriber) => {
    const reports = new RaceReports(racers.length, attempt);
    const errors: unknown[] = [];
    const next = (response: Response) => {
      subscriber.next(response);
      subscriber.complete();
    };
    for (const [index, racer] of racers.entries()) {
      if (subscriber.closed) break; // one has won already
      const error = (thrown: unknown) => {
        errors.push(thrown);
        reports.failed(index, thrown);
        if (errors.length === racers.length) subscriber.error(allFailed(errors));
      };
      subscribeInto(racer.attempt(batch, reports.of(index)), { next, error }, subscriber);
    }
  });
}

function allFailed(errors: readonly unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  const message = errors.map(messageOf).join('; ');
  return new ExportError(combinedFailure(errors.map(failureOf)), message, { cause: new AggregateError(errors) });
}
