import { Observable, type OperatorFunction } from 'rxjs';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import { Run } from '../../ledger/run.ts';
import type { Batch } from '../../model/batch.ts';
import type { RoutedOutcome } from '../../model/outcome.ts';
import { type BranchPlan, branchPlan } from './branchPlan.ts';
import { Fanning } from './fanning.ts';
import type { Branches, FanOutComposition, FanOutOptions } from './options.ts';
import { fanOutSettings } from './settings.ts';

/**
 * Exports each batch to several backends at once: every branch has its own queue, batches if it wants, retries, and route in the ledger, and none of them slows another.
 *
 * ```text
 * source      -[ab]-----[c]-|
 * subscribed  ^-------------!
 *             fanOut: main answers after 2 ms, audit after 5, one outcome per batch and branch
 * main        -^-!                   [ab]
 *             ----------^-!          [c]
 * audit       -^----!                [ab]
 *             ----------^----!       [c]
 * result      ---m--a-----m--(a|)
 * ```
 *
 * A branch without `filter`, `batching` and `dropLowestPriority` gets the very items of the batches that come, in the same array. A branch with any of these makes batches of its own, by an {@link adaptiveBatch}: then they grow while
 * its backend is slow, and items wait for a batch once more.
 *
 * **Encoded once** is a batch whose attempts overlap: sinks of one encoding that are given the same array share the request that one of them has in use. So with backends that keep up a batch is encoded once, whatever their number. A request is let go with the
 * last attempt that uses it, so that batches that wait hold none: an attempt that begins later (of a batch that has waited in a queue, or a retry) encodes anew, unless another branch still sends that batch. At worst each attempt encodes, as with a pipeline
 * for each backend. Branches that make batches of their own share nothing.
 *
 * **Who holds what.** The fan-out takes each batch over from the batcher in front, at once: it is always ready for the next one, the batch does not count in `maxUnsettledBatches` there, has no lease, and takes none of the
 * batcher's memory. Instead, each branch bounds what it keeps, in items, bytes and memory of its own; what its queue has no room for is lost there, as `queueFull`. Why not let the batcher wait? Because its bounds are
 * common: 32 batches that only a dead branch holds would be 32 batches less for all others. With the defaults a branch keeps at most 32,768 items that wait and 32 batches that are out (`spanPipeline({ sinks })` gives each branch what its `concurrency`
 * needs: 256 with a limiter, so by default), and three branches of which one is dead keep no more than three pipelines would. To slow an input down for the sake of a branch, give that branch a `gate`.
 *
 * **When a batch is done**, for whoever made it (the batcher, whose books are those of the whole; a flush; a caller of a handle): when each required branch has its outcome. The one whose end is the worst speaks: one with items that another attempt might deliver, or else the one that has lost most. For a
 * branch, items that its filter leaves out count as delivered; items that no required branch wants count as removed. Branches with `required: false` count in their own books only.
 *
 * **Flush**: it reaches every branch that has the batch, and waits for the required ones. Give the input's `flush$` as `flushWhen`, and it reaches best-effort branches also with what only they still have; while the program ends, it
 * waits for them, too.
 *
 * **Emits** one outcome per batch and branch, with the branch's name as `route`; a batch that was dropped in front of a branch has one, too. With batches of its own, a branch has one for each of these. **Completes** after the source, when
 * every branch has all of its outcomes. **Errors** like the source, after the outcomes. An export that fails is an outcome and never an error.
 * **Unsubscribed**, it aborts the attempts of all branches, and settles everything: as `unsubscribed`, or as `unconfirmed` if it was sent.
 *
 * **Order**: within a branch that of {@link exportTo}; between branches there is none. Around one attempt the layers are those of `exportTo`, in each branch by itself: `queue → deadline( retry( gate → slot( timeout( sink ) ) ) )`. The
 * deadline (`retry.maxElapsedMillis`) begins when the export takes the batch; the time in the queue does not count. With the defaults and a dead backend, the batches that are out (at most `maxUnsettledBatches`) are given up every 5 minutes, and as many leave the queue.
 *
 * **Loss**, each in the books of its route: `queueFull` at the queue of a branch (what {@link rebatch} has cut out of one request enters as a whole, once its first batch has: a request of more items than a queue holds would lose its rest whenever it is sent), whole batches, the newest or the oldest by its `overflow` (single items where it makes its own, with `dropLowestPriority` the least important); then all that {@link exportTo} can lose.
 *
 * @param branches by name; at least one of them required. A sink alone is a required branch with the defaults
 * @param options defaults for each branch, `ledger` and `flushWhen`
 *
 * @throws InvalidOptionError when there is no branch, none is required, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * input.spans$
 *   .pipe(
 *     adaptiveBatch({ flushWhen: input.flush$ }),
 *     fanOut(
 *       {
 *         main: otlpHttp(),
 *         errors: { sink: otlpHttp({ url: 'http://localhost:4319/v1/traces' }), filter: (span) => span.status.code === 2, required: false },
 *       },
 *       { flushWhen: input.flush$ },
 *     ),
 *   )
 *   .subscribe(({ route, delivered, lost }) => console.log(route, delivered, lost));
 * ```
 *
 * @see exportTo, failover, firstOf
 */
export function fanOut<T>(
  branches: Branches<T>,
  options: FanOutOptions<T> = {},
): OperatorFunction<Batch<T> | readonly T[], RoutedOutcome<T>> {
  return fanOutOf(branches, options, { owner: 'fanOut' });
}

/** {@link fanOut}, for our own compositions. */
export function fanOutOf<T>(
  branches: Branches<T>,
  options: FanOutOptions<T>,
  composition: FanOutComposition<T>,
): OperatorFunction<Batch<T> | readonly T[], RoutedOutcome<T>> {
  const settings = fanOutSettings(branches, options, composition);
  const plansIn = (ledger: Ledger) =>
    [...settings.branches].map(([name, branch]) => branchPlan<T>(name, branch, ledger, composition));
  const given = settings.ledger && plansIn(settings.ledger);
  const plansOf = new WeakMap<object, readonly BranchPlan<T>[]>(); // by the run, or by the operator itself
  function fanOutOperator(source: Observable<Batch<T> | readonly T[]>): Observable<RoutedOutcome<T>> {
    return new Observable((subscriber) => {
      const run = Run.present;
      const of = run ?? fanOutOperator;
      const plans = given ?? plansOf.get(of) ?? plansIn(run?.parts.ledger ?? createLedger());
      plansOf.set(of, plans);
      new Fanning(subscriber, plans).follow(source, settings.flushWhen ?? run?.parts.flush$);
    });
  }
  return fanOutOperator;
}
