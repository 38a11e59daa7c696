import { map, type Observable, type OperatorFunction, Subject } from 'rxjs';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { watchedBatch } from '../../flow/watchedBatch.ts';
import { withoutUndefined } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Batch, FlushRequest, FlushUrgency } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Loss } from '../../model/tally.ts';
import { adaptiveBatch } from '../adaptiveBatch/adaptiveBatch.ts';
import { leaseMillis } from '../exportTo/options.ts';
import type { BranchRun } from './branchRun.ts';
import type { BranchSettings } from './options.ts';
import { endItems, loseItems, PartTally, type TrackedItem } from './partTally.ts';
import type { PartEnd } from './verdict.ts';

/** The batches of a branch that makes its own, and what flushes them. */
interface Rebatching<T> {
  readonly batches: OperatorFunction<TrackedItem<T>, Batch<T>>;
  readonly flush$: Subject<FlushRequest>;
}

/** The batcher of a branch: its queue is the queue of the branch. */
export function rebatching<T>(settings: BranchSettings<T>, ledger: Ledger): Rebatching<T> {
  const { batching = {}, maxQueueSize, maxQueueBytes, overflow, maxUnsettledBatches, memory, gate, onLoss } = settings;
  const { onCallbackError, processHold, scheduler, retry } = settings;
  const { sizeOf = estimateItemBytes, ...sizes } = batching;
  const flush$ = new Subject<FlushRequest>();
  const toBatches = adaptiveBatch<TrackedItem<T>>({
    ...sizes,
    ...{ maxQueueSize, maxQueueBytes, overflow, maxUnsettledBatches },
    ...withoutUndefined({ memory, gate, onCallbackError, processHold, scheduler }),
    sizeOf: ({ item }) => sizeOf(item),
    holdLeaseMillis: leaseMillis(retry?.maxElapsedMillis),
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

/** A branch that makes batches of its own, out of those of its items that its filter lets through. */
export class RebatchedBranch<T> implements BranchRun<T> {
  readonly outcomes$: Observable<Outcome<T>>;
  readonly #items = new Subject<TrackedItem<T>>();
  readonly #flush: Subject<FlushRequest>;
  #urgency: FlushUrgency | undefined; // of the flush that came last: it comes once for each batch that it waits for
  #stopped = false;

  constructor(
    batches: Rebatching<T>['batches'],
    flush: Rebatching<T>['flush$'],
    toSink: OperatorFunction<Batch<T>, Outcome<T>>,
  ) {
    this.#flush = flush;
    this.outcomes$ = this.#items.pipe(batches, toSink);
  }

  offer(batch: Batch<T>, items: readonly T[], onEnd: (end: PartEnd) => void): (urgency: FlushUrgency) => void {
    const part = new PartTally(items.length, onEnd);
    const tracked = items.map((item): TrackedItem<T> => ({ item, part }));
    for (const item of tracked) {
      if (this.#stopped) loseItems([item], STOPPED);
      else this.#items.next(item);
    }
    if (batch.closedBy === 'flush') this.#flush.next(WITHOUT_HOLD);
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

  #hurry(urgency: FlushUrgency): void {
    if (urgency === this.#urgency) return;
    this.#urgency = urgency;
    this.#flush.next({ ...WITHOUT_HOLD, urgency });
  }
}

/** The parts of the batches are what a flush waits for. */
const WITHOUT_HOLD: FlushRequest = Object.freeze({ hold: () => ({ settle() {} }) });

const STOPPED: Loss = Object.freeze({ count: 1, reason: 'unsubscribed', stage: 'fanOut' });
