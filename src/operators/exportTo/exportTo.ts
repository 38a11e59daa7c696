import { Observable, type OperatorFunction } from 'rxjs';
import { Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Sink } from '../../model/sink.ts';
import { Exporting } from './exporting.ts';
import { type ExportToOptions, exportToSettings, settingsInRun } from './options.ts';

/**
 * Exports batches, or plain arrays, to a sink: as many at a time as the backend bears (`concurrency`), each with its timeout, its retries and its deadline.
 *
 * ```text
 * source      --[ab]----[c]-|
 * subscribed  ^-------------!
 *             exportTo: the sink answers after 2 ms, one outcome per batch
 * attempts    --^-!              [ab]
 *             ----------^-!      [c]
 * result      ----o-------o-|
 * ```
 *
 * The layers around one attempt, from the outside: `deadline( retry( budget → pause → gate → breaker → rate → slot ( timeout ( sink ) ) ) )`, of which budget, pause, breaker and rate are those that are given. So a batch that waits for its next attempt holds no slot, and the
 * deadline covers every wait. The gate is shared by everything that exports to the same sink: one `Retry-After` closes it, for up to `retry.maxRetryAfterMillis`. When it opens, one attempt goes
 * first, and each attempt that the backend answers lets one more in flight (a refusal for good is an answer, too). So the number in flight doubles with each round trip, 2ⁿ after n: with 50 ms for a round trip, eight are reached after 150 ms.
 * After one that fails it is one at a time again, until an attempt succeeds for which nothing waits. `maxConcurrency` of the sink is for everything that exports to it, too.
 *
 * **Too large, or too slow**: a batch that is refused as `tooLarge` is sent in halves, at once, until the parts fit. An item that is too large by itself is lost alone. A batch that timed
 * out after it was sent is tried again in halves. The size that failed is remembered for the sink: later batches are sent in parts that fit, and the size is raised again carefully. The parts of a
 * batch are sent one after another.
 *
 * **Uncertain**: when an attempt was sent and no answer came, its items may have arrived, whatever later attempts say. If they are delivered later, they are counted in `possibleDuplicates`; if they are lost,
 * they are `unconfirmed`. A sink may report when an attempt begins to send ({@link Attempt}): one that was aborted before that has certainly not arrived.
 *
 * **Pause**: while `pauseWhen` says `true`, no attempt begins, not even for a flush, and those in flight go on. The pause is the outermost layer: a batch that waits for it holds no slot and is no probe of the gate, and what is learnt of the backend stays as it was. Nothing is
 * lost by it but what a deadline ends: that of the batch that waits here (`expired`), or `stopWhen`. When the source ends during a pause, the stream waits for the end of the pause.
 *
 * **Flush**: a batch that waits for its next attempt tries at once, and then at least twice a second while the flush waits, but not before the time that a `Retry-After` has set. While the program ends, an
 * address at which nothing listens is tried for two seconds in all. After an outage, each batch that is delivered ends the waits of two others that would wait for more than a second.
 *
 * **Emits** one outcome per batch, delivered or not; an empty array has none. **Completes** after the source, when every batch has its outcome.
 * **Errors** like the source, after the outcomes. An export that fails is an outcome and never an error.
 * **Unsubscribed**, it starts no further attempt, aborts those in flight and settles the batches that it held: as `unsubscribed`, or as `unconfirmed` if they were sent.
 *
 * **Order**: outcomes come in the order in which exports end. With `concurrency: 1` and no retries that is the order of the batches. Within a batch, items keep their order.
 *
 * **Loss**: `retriesExhausted`, `expired`, `permanent`, `tooLarge`, `unconfirmed`, `unencodable`, `queueFull`, `shutdown`, `unsubscribed`; each is in the outcome and in the ledger, and reported to `onLoss`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * spans$
 *   .pipe(bufferCount(500), exportTo(otlpHttp(), { concurrency: 4, retry: { maxElapsedMillis: 60_000 } }))
 *   .subscribe((outcome) => console.log(outcome.delivered, outcome.lost));
 * ```
 *
 * @see adaptiveBatch, adaptiveConcurrency, circuitBreaker, rateLimit, retryBudget
 */
export function exportTo<T>(
  sink: Sink<T>,
  options: ExportToOptions<T> = {},
): OperatorFunction<Batch<T> | readonly T[], Outcome<T>> {
  const settings = exportToSettings(sink, options);
  const stage = new Stage(settings.ledger, 'sink', settings.name ?? `exportTo(${sink.name})`);
  return function exportToOperator(source) {
    return new Observable((subscriber) => {
      const { account, run } = stage.open();
      const own = run === undefined ? { ...settings } : settingsInRun(settings, options, run.parts);
      run?.parts.addSink(sink);
      account.exportsTo(sink);
      new Exporting(subscriber, sink, own, new StageReporter<T>(account, own), run?.parts.flush$).follow(source);
    });
  };
}
