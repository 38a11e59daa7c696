import type { Observable, SchedulerLike } from 'rxjs';
import type { LostItems, RingInput } from '../../inputs/ringInput/ringInput.ts';
import type { Stats } from '../../ledger/stats.ts';
import type { Outcome } from '../../model/outcome.ts';
import { endItems, ItemTally, loseItems, type TrackedItem } from '../../strategies/itemTally.ts';
import { CallBooks } from '../answers/callBooks.ts';
import { type ExportCall, openCall } from '../answers/exportCall.ts';
import type { ExportAnswer, ExportCallOptions, ExportHandle } from '../answers/handle.ts';

/** What the handle has from its pipeline. */
type Pipeline<T> = Pick<ExportHandle<T>, 'stats$' | 'state$' | 'forceFlush' | 'shutdown'> & {
  stats(): Stats;
  readonly outcomes$: Observable<Outcome<T>>;
};

const STAGE = 'exportHandle';

/** A handle on a pipeline: what its callers export goes the way of what the SDK pushes, and each call is answered for exactly its items. */
export class PipelineHandle<T> implements ExportHandle<T> {
  readonly #owner: string;
  readonly #input: Pick<RingInput<T>, 'offer' | 'stage'>;
  readonly #scheduler: SchedulerLike;
  readonly #callBooks = new CallBooks();
  readonly #tracked = new Map<T, TrackedItem<T>[]>(); // on their way; an item that was exported twice has two
  readonly stats: ExportHandle<T>['stats'];
  readonly stats$: ExportHandle<T>['stats$'];
  readonly forceFlush: ExportHandle<T>['forceFlush'];
  readonly shutdown: ExportHandle<T>['shutdown'];
  readonly state$: ExportHandle<T>['state$'];

  /**
   * @param owner the function that made the pipeline
   * @param lost what is lost in front of the export, and so is in no outcome
   */
  constructor(
    owner: string,
    pipeline: Pipeline<T>,
    input: Pick<RingInput<T>, 'offer' | 'stage'>,
    lost: Observable<LostItems<T>>,
    scheduler: SchedulerLike,
  ) {
    this.#owner = owner;
    this.#input = input;
    this.#scheduler = scheduler;
    this.stats = () => this.#callBooks.with(pipeline.stats());
    this.stats$ = pipeline.stats$;
    this.forceFlush = pipeline.forceFlush;
    this.shutdown = pipeline.shutdown;
    this.state$ = pipeline.state$;
    lost.subscribe(({ loss, items }) => loseItems(this.#take(items), loss));
    pipeline.outcomes$.subscribe({
      next: (outcome) => this.#countOutcome(outcome),
      complete: () => this.#end(),
    });
  }

  export(items: readonly T[], options: ExportCallOptions = {}): Promise<ExportAnswer> {
    const call = openCall(`${this.#owner}.handle.export`, items, options, this.#scheduler);
    this.#callBooks.opened(call);
    if (!call.signal?.aborted) for (const item of items) this.#enter(item, call);
    return call.answer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #enter(item: T, call: ExportCall): void {
    const alike = this.#tracked.get(item) ?? [];
    const tracked = { item, tally: call.tally };
    // First it is expected, then offered: under a scheduler that does at once what is due at once, its outcome may be here before the answer to the offer.
    alike.push(tracked);
    this.#tracked.set(item, alike);
    const refusal = this.#input.offer(item);
    if (refusal === undefined) return;
    alike.splice(alike.indexOf(tracked), 1);
    if (alike.length === 0) this.#tracked.delete(item);
    call.lose(1, refusal, this.#input.stage);
  }

  #countOutcome(outcome: Outcome<T>): void {
    const items = 'items' in outcome.batch ? outcome.batch.items : outcome.batch;
    const tracked = this.#take(items);
    // Items that the SDK pushed share the batch and its outcome: they count as those of one more call.
    const length = items.length - tracked.length;
    const tally = new ItemTally(length, () => {});
    const untracked = Array.from({ length }, () => ({ item: undefined, tally }));
    endItems([...tracked, ...untracked], outcome);
  }

  /** Removes the tracked ones among these items. */
  #take(items: readonly T[]): TrackedItem<T>[] {
    const taken: TrackedItem<T>[] = [];
    for (const item of items) {
      const alike = this.#tracked.get(item);
      const tracked = alike?.shift();
      if (tracked !== undefined) taken.push(tracked);
      if (alike?.length === 0) this.#tracked.delete(item);
    }
    return taken;
  }

  /** Items that are still tracked get no outcome any more: an operator has removed them from their batch, or the pipeline has failed. */
  #end(): void {
    const left = [...this.#tracked.values()].flat();
    this.#tracked.clear();
    loseItems(left, { count: left.length, reason: 'shutdown', stage: STAGE });
  }
}
