import { map, type Observable, type OperatorFunction, Subject } from 'rxjs';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { watchedBatch } from '../../flow/watchedBatch.ts';
import { MAX_TIMER_MILLIS, withoutUndefined } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, CloseReason, FlushRequest, FlushUrgency } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import { endItems, type ItemsEnd, ItemTally, loseItems, type TrackedItem } from '../../strategies/itemTally.ts';
import { adaptiveBatchOf } from '../adaptiveBatch/adaptiveBatch.ts';
import type { AdaptiveBatchOptions } from '../adaptiveBatch/options.ts';
import type { BranchRun, Offer } from './branchRun.ts';
import { Entrance } from './entrance.ts';
import type { BranchSettings } from './options.ts';

/** How the items of one offer come in. */
interface Entering {
  mayExceed: boolean; // the queue: they are the rest of what has begun to enter
  hasExceeded: boolean;
  isRefused: boolean; // one of them was
}

interface OfferedItem<T> extends TrackedItem<T> {
  readonly entering: Entering;
}

/** The batches of a branch that makes its own, and what flushes them. */
interface Rebatching<T> {
  readonly batches: OperatorFunction<OfferedItem<T>, Batch<T>>;
  readonly flush$: Subject<FlushRequest>;
}

/** The batcher of a branch: its queue is the queue of the branch. */
export function rebatching<T>(settings: BranchSettings<T>, ledger: Ledger): Rebatching<T> {
  const { batching = {}, maxQueueSize, maxQueueBytes, overflow, maxUnsettledBatches, memory, gate, onLoss } = settings;
  const { onCallbackError, processHold, scheduler, priorityOf, batchSettings$: settings$ } = settings;
  const { sizeOf = estimateItemBytes, ...sizes } = batching;
  const flush$ = new Subject<FlushRequest>();
  const own: AdaptiveBatchOptions<OfferedItem<T>> = {
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
      for (const { entering } of tracked) entering.isRefused = true;
      try {
        onLoss?.(loss, itemsOf(tracked));
      } finally {
        loseItems(tracked, loss);
      }
    },
  };
  const toBatches = adaptiveBatchOf(own, ({ entering }) => {
    entering.hasExceeded ||= entering.mayExceed;
    return entering.mayExceed;
  });
  const untracked = (batch: Batch<OfferedItem<T>>) =>
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
  readonly #items = new Subject<OfferedItem<T>>();
  readonly #entrance = new Entrance();
  readonly #flush: Subject<FlushRequest>;
  readonly #reporter: StageReporter<T>;
  #urgency: FlushUrgency | undefined; // of the flush that came last: it comes once for each batch that it waits for
  #stopped = false;

  constructor({ batches, flush$, toSink, reporter }: RebatchedPlan<T>) {
    this.#flush = flush$;
    this.#reporter = reporter;
    this.outcomes$ = this.#items.pipe(batches, toSink);
  }

  offer({ batch, items, origins }: Offer<T>, onEnd: (end: ItemsEnd) => void): (urgency: FlushUrgency) => void {
    const tally = new ItemTally(items.length, onEnd);
    const entering: Entering = {
      mayExceed: this.#entrance.continues(origins),
      ...{ hasExceeded: false, isRefused: false },
    };
    const tracked = items.map((item): OfferedItem<T> => ({ item, tally, entering }));
    let taken = 0; // before an outcome, perhaps of the first ones, has ended everything
    for (; taken < tracked.length && !this.#stopped; taken += 1) {
      this.#items.next(tracked[taken] as OfferedItem<T>);
      if (taken === 0) this.#begun(entering, origins);
    }
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

  /** The first item of an offer has come in, or was refused. */
  #begun(entering: Entering, origins: Offer<T>['origins']): void {
    if (entering.hasExceeded || entering.isRefused) return;
    entering.mayExceed = origins !== undefined;
    this.#entrance.begin(origins);
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
