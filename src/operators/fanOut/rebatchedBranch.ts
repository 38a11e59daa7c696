import { map, type Observable, type OperatorFunction, Subject } from 'rxjs';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { watchedBatch } from '../../flow/watchedBatch.ts';
import { MAX_TIMER_MILLIS, withoutUndefined } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, CloseReason, FlushRequest, FlushUrgency } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import { endItems, type ItemsEnd, ItemTally, loseItems, type TrackedItem } from '../../strategies/itemTally.ts';
import { adaptiveBatch } from '../adaptiveBatch/adaptiveBatch.ts';
import type { BranchRun } from './branchRun.ts';
import type { BranchSettings } from './options.ts';

/** The batches of a branch that makes its own, and what flushes them. */
interface Rebatching<T> {
  readonly batches: OperatorFunction<TrackedItem<T>, Batch<T>>;
  readonly flush$: Subject<FlushRequest>;
}

/** The batcher of a branch: its queue is the queue of the branch. */
export function rebatching<T>(settings: BranchSettings<T>, ledger: Ledger): Rebatching<T> {
  const { batching = {}, maxQueueSize, maxQueueBytes, overflow, maxUnsettledBatches, memory, gate, onLoss } = settings;
  const { onCallbackError, processHold, scheduler, priorityOf, batchSettings$: settings$ } = settings;
  const { sizeOf = estimateItemBytes, ...sizes } = batching;
  const flush$ = new Subject<FlushRequest>();
  const toBatches = adaptiveBatch<TrackedItem<T>>({
    ...sizes,
    ...{ maxQueueSize, maxQueueBytes, overflow, maxUnsettledBatches },
    ...withoutUndefined({ memory, gate, onCallbackError, processHold, scheduler, settings$ }),
    sizeOf: ({ item }) => sizeOf(item),
    ...(priorityOf && { priorityOf: ({ item }) => priorityOf(item) }),
    // Only the export of the branch holds its batches, and it ends each of them, whatever its deadline becomes.
    holdLeaseMillis: MAX_TIMER_MILLIS,
    flushWhen: flush$,
    ledger,
    onLoss: (loss, tracked) => {
      try {
        onLoss?.(loss, itemsOf(tracked));
      } finally {
        loseItems(tracked, loss);
      }
    },
  });
  const untracked = (batch: Batch<TrackedItem<T>>) =>
    watchedBatch(batch, itemsOf(batch.items), (tally) => endItems(batch.items, tally));
  return { batches: (items$) => items$.pipe(toBatches, map(untracked)), flush$ };
}

function itemsOf<T>(tracked: readonly TrackedItem<T>[]): T[] {
  return tracked.map(({ item }) => item);
}

interface RebatchedPlan<T> extends Rebatching<T> {
  readonly toSink: OperatorFunction<Batch<T>, Outcome<T>>;
  /** Of the stage in front: it has booked everything that is offered as handed on. */
  readonly reporter: StageReporter<T>;
}

/** A branch that makes batches of its own, out of those of its items that its filter lets through. */
export class RebatchedBranch<T> implements BranchRun<T> {
  readonly outcomes$: Observable<Outcome<T>>;
  readonly #items = new Subject<TrackedItem<T>>();
  readonly #flush: Subject<FlushRequest>;
  readonly #reporter: StageReporter<T>;
  #urgency: FlushUrgency | undefined; // of the flush that came last: it comes once for each batch that it waits for
  #stopped = false;

  constructor({ batches, flush$, toSink, reporter }: RebatchedPlan<T>) {
    this.#flush = flush$;
    this.#reporter = reporter;
    this.outcomes$ = this.#items.pipe(batches, toSink);
  }

  offer(batch: Batch<T>, items: readonly T[], onEnd: (end: ItemsEnd) => void): (urgency: FlushUrgency) => void {
    const tally = new ItemTally(items.length, onEnd);
    const tracked = items.map((item): TrackedItem<T> => ({ item, tally }));
    let taken = 0; // before an outcome, perhaps of the first ones, has ended everything
    for (; taken < tracked.length && !this.#stopped; taken += 1) this.#items.next(tracked[taken] as TrackedItem<T>);
    if (taken < tracked.length) this.#lose(tracked.slice(taken));
    if (SENT_OUT.has(batch.closedBy)) this.#flush.next(WITHOUT_HOLD);
    return (urgency) => this.#hurry(urgency);
  }

  flush(request: FlushRequest): void {
    this.#flush.next({ ...WITHOUT_HOLD, ...(request.urgency !== undefined && { urgency: request.urgency }) });
  }

  complete(): void {
    this.#items.complete();
  }

  stop(): void {
    this.#stopped = true;
  }

  #lose(tracked: readonly TrackedItem<T>[]): void {
    const { account } = this.#reporter;
    account.takeBack(tracked.length);
    this.#reporter.lost('unsubscribed', itemsOf(tracked));
    loseItems(tracked, { count: tracked.length, reason: 'unsubscribed', stage: account.stage });
  }

  #hurry(urgency: FlushUrgency): void {
    if (urgency === this.#urgency) return;
    this.#urgency = urgency;
    this.#flush.next({ ...WITHOUT_HOLD, urgency });
  }
}

/** Batches that left before they were due, because nothing is to wait behind them: what a branch has gathered does not wait either. */
const SENT_OUT: ReadonlySet<CloseReason> = new Set(['flush', 'complete', 'error']);

/** The parts of the batches are what a flush waits for. */
const WITHOUT_HOLD: FlushRequest = Object.freeze({ hold: () => ({ settle() {} }) });
