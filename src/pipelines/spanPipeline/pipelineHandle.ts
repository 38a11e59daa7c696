import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Observable, SchedulerLike } from 'rxjs';
import type { LostSpans, SpanSource } from '../../inputs/fromSpanProcessor.ts';
import type { Stats } from '../../ledger/stats.ts';
import type { Outcome } from '../../model/outcome.ts';
import { endItems, ItemTally, loseItems, type TrackedItem } from '../../strategies/itemTally.ts';
import { CallBooks } from '../answers/callBooks.ts';
import { type ExportCall, openCall } from '../answers/exportCall.ts';
import type { ExportAnswer, ExportCallOptions, ExportHandle } from '../answers/handle.ts';

/** What the handle has from its pipeline. */
type Pipeline = Pick<ExportHandle<ReadableSpan>, 'forceFlush' | 'shutdown'> & {
  stats(): Stats;
  readonly outcomes$: Observable<Outcome<ReadableSpan>>;
};

const STAGE = 'exportHandle';

/** A handle on a pipeline: what its callers export goes the way of the spans that end in the process, and each call is answered for exactly its spans. */
export class PipelineHandle implements ExportHandle<ReadableSpan> {
  readonly #input: Pick<SpanSource, 'offer' | 'stage'>;
  readonly #scheduler: SchedulerLike;
  readonly #callBooks = new CallBooks();
  readonly #tracked = new Map<ReadableSpan, TrackedItem<ReadableSpan>[]>(); // on their way; a span that was exported twice has two
  readonly stats: ExportHandle<ReadableSpan>['stats'];
  readonly forceFlush: ExportHandle<ReadableSpan>['forceFlush'];
  readonly shutdown: ExportHandle<ReadableSpan>['shutdown'];

  /** @param lost what is lost in front of the export, and so is in no outcome */
  constructor(
    pipeline: Pipeline,
    input: Pick<SpanSource, 'offer' | 'stage'>,
    lost: Observable<LostSpans>,
    scheduler: SchedulerLike,
  ) {
    this.#input = input;
    this.#scheduler = scheduler;
    this.stats = () => this.#callBooks.with(pipeline.stats());
    this.forceFlush = pipeline.forceFlush;
    this.shutdown = pipeline.shutdown;
    lost.subscribe(({ loss, spans }) => loseItems(this.#take(spans), loss));
    pipeline.outcomes$.subscribe({
      next: (outcome) => this.#countOutcome(outcome),
      complete: () => this.#end(),
    });
  }

  export(items: readonly ReadableSpan[], options: ExportCallOptions = {}): Promise<ExportAnswer> {
    const call = openCall('spanPipeline.handle.export', items, options, this.#scheduler);
    this.#callBooks.opened(call);
    if (!call.signal?.aborted) for (const span of items) this.#enter(span, call);
    return call.answer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #enter(span: ReadableSpan, call: ExportCall): void {
    const alike = this.#tracked.get(span) ?? [];
    const tracked = { item: span, tally: call.tally };
    // First it is expected, then offered: under a scheduler that does at once what is due at once, its outcome may be here before the answer to the offer.
    alike.push(tracked);
    this.#tracked.set(span, alike);
    const refusal = this.#input.offer(span);
    if (refusal === undefined) return;
    alike.splice(alike.indexOf(tracked), 1);
    if (alike.length === 0) this.#tracked.delete(span);
    call.lose(1, refusal, this.#input.stage);
  }

  #countOutcome(outcome: Outcome<ReadableSpan>): void {
    const spans = 'items' in outcome.batch ? outcome.batch.items : outcome.batch;
    const tracked = this.#take(spans);
    // Spans that ended in the process share the batch and its outcome: they count as those of one more call.
    const length = spans.length - tracked.length;
    const tally = new ItemTally(length, () => {});
    const untracked = Array.from({ length }, () => ({ item: undefined, tally }));
    endItems([...tracked, ...untracked], outcome);
  }

  /** Removes the tracked ones among these spans. */
  #take(spans: readonly ReadableSpan[]): TrackedItem<ReadableSpan>[] {
    const taken: TrackedItem<ReadableSpan>[] = [];
    for (const span of spans) {
      const alike = this.#tracked.get(span);
      const tracked = alike?.shift();
      if (tracked !== undefined) taken.push(tracked);
      if (alike?.length === 0) this.#tracked.delete(span);
    }
    return taken;
  }

  /** Spans that are still tracked get no outcome any more: an operator has removed them from their batch, or the pipeline has failed. */
  #end(): void {
    const left = [...this.#tracked.values()].flat();
    this.#tracked.clear();
    loseItems(left, { count: left.length, reason: 'shutdown', stage: STAGE });
  }
}
