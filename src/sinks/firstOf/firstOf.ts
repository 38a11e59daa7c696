import { Observable, Subscription } from 'rxjs';
import { exported, withoutAnswer } from '../../destination/exported.ts';
import { aSink } from '../../destination/sinkRule.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { must, type Rule, settingsOf } from '../../internal/validation.ts';
import type { Batch } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import { type Attempt, ExportError, type ObservableSink, type Response, type Sink } from '../../model/sink.ts';
import { combinedFailure } from '../../strategies/combinedFailure.ts';
import { failureOf } from '../../strategies/retry.ts';
import { compositeOf } from '../shared/severalSinks.ts';
import { RaceReports } from './raceReports.ts';

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
 * It buys latency with requests: n backends get n times the traffic. An attempt fails when it has failed at all of them, as long as one may take it later in a way that is tried again: `retryable` goes before `permanent`, and an
 * unknown outcome at one of them is never forgotten. When all ask for patience, the shortest counts.
 *
 * **Order**: the layers of `exportTo` are around all of them at once: one attempt and one slot, however many sinks. `maxConcurrency` is the lowest of theirs, `attemptTimeoutMillis` the longest.
 *
 * **Loss**: none of its own. **Duplicates**: at-least-once at each of several backends. A loser that is aborted may have arrived, so a batch can be at two of them; that is no `possibleDuplicates`, which counts what one attempt may have
 * repeated after another.
 *
 * Unsubscribing an export aborts all attempts. `forceFlush` and `shutdown` go to each sink once, and a sink that is given twice is there once.
 *
 * @param sinks at least one
 *
 * @throws InvalidOptionError when there is no sink, or one that is none
 *
 * @example
 * ```ts
 * const nearest = firstOf(['eu', 'us'].map((region) => otlpHttp({ url: `https://${region}.example.com/v1/traces` })));
 * spans$.pipe(adaptiveBatch(), exportTo(nearest)).subscribe();
 * ```
 *
 * @see failover, fanOut
 */
export function firstOf<T>(sinks: readonly Sink<T>[]): ObservableSink<T> {
  settingsOf('firstOf', {}, {}, {}, { sinks: [sinks, someSinks] });
  const racers = [...new Set(sinks)];
  return {
    name: `firstOf(${racers.map(({ name }) => name).join(', ')})`,
    ...compositeOf(racers),
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
function race<T>(racers: readonly Sink<T>[], batch: Batch<T>, attempt: Attempt | undefined): Observable<Response> {
  return new Observable((subscriber) => {
    const reports = new RaceReports(racers.length, attempt);
    const errors: unknown[] = [];
    const failed = (index: number, thrown: unknown) => {
      errors.push(thrown);
      reports.failed(index, thrown);
      if (errors.length === racers.length) subscriber.error(allFailed(errors));
    };
    for (const [index, sink] of racers.entries()) {
      if (subscriber.closed) break; // one has won already
      const run = new Subscription();
      subscriber.add(run);
      let isOver = false; // it fails once
      const error = (thrown: unknown) => {
        if (isOver) return;
        isOver = true;
        failed(index, thrown);
      };
      const next = (response: Response) => {
        isOver = true;
        subscriber.next(response);
        subscriber.complete();
      };
      const complete = () => error(withoutAnswer(sink));
      subscribeInto(exported(sink, batch, reports.of(index)), { next, error, complete }, run);
    }
  });
}

function allFailed(errors: readonly unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  const message = errors.map(messageOf).join('; ');
  return new ExportError(combinedFailure(errors.map(failureOf)), message, { cause: new AggregateError(errors) });
}
