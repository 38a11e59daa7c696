import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import type { Stats } from '../../ledger/stats.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Shutdown } from '../lifeCycle.ts';
import { ENTRANCE, type SpanPipeline } from '../spanPipeline/spanPipeline.ts';
import { Call, type ExportAnswer, settleUnits, type Unit } from './call.ts';
import type { ExportHandle } from './exportHandle.ts';
import { type ExportCallOptions, OWNER, settleCall } from './options.ts';

/** A handle on a pipeline: what its callers export goes the way of the spans that end, and each of them is told what became of theirs. */
export class PipelineHandle implements ExportHandle<ReadableSpan> {
  readonly #pipeline: SpanPipeline;
  readonly #units = new Map<ReadableSpan, Unit<ReadableSpan>[]>(); // on their way; a span that was exported twice has two
  readonly shutdown: Shutdown;

  constructor(pipeline: SpanPipeline) {
    this.#pipeline = pipeline;
    this.shutdown = (options) => pipeline.shutdown(options);
    pipeline[ENTRANCE].lost.subscribe(({ loss, spans }) => {
      settleUnits(this.#unitsOf(spans), { delivered: 0, rejected: 0, lost: [loss] });
    });
    pipeline.outcomes$.subscribe({
      next: (outcome) => this.#settle(outcome),
      complete: () => this.#end(),
    });
  }

  export(items: readonly ReadableSpan[], options: ExportCallOptions = {}): Promise<ExportAnswer> {
    const signal = settleCall(items, options);
    const call = new Call(items.length, monotonicScheduler, signal);
    if (!signal?.aborted) for (const span of items) this.#enter(span, call);
    return call.answer;
  }

  stats(): Stats {
    return this.#pipeline.stats();
  }

  forceFlush(options?: { timeoutMillis?: number }): Promise<void> {
    return this.#pipeline.forceFlush(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #enter(span: ReadableSpan, call: Call): void {
    const units = this.#units.get(span) ?? [];
    const unit = { item: span, call };
    // First it is expected, then offered: under a scheduler that does at once what is due at once, its outcome may be here before the answer to the offer.
    units.push(unit);
    this.#units.set(span, units);
    const refusal = this.#pipeline[ENTRANCE].offer(span);
    if (refusal === undefined) return;
    units.splice(units.indexOf(unit), 1);
    if (units.length === 0) this.#units.delete(span);
    call.lose(1, refusal, OWNER);
  }

  #settle(outcome: Outcome<ReadableSpan>): void {
    const spans = 'items' in outcome.batch ? outcome.batch.items : outcome.batch;
    const units = this.#unitsOf(spans);
    // Spans that ended in the host share the batch, and its outcome: they are a caller, too, who does not listen.
    const others = new Call(spans.length - units.length, monotonicScheduler, undefined);
    const strangers = Array.from({ length: spans.length - units.length }, () => ({ item: undefined, call: others }));
    settleUnits([...units, ...strangers], outcome);
  }

  /** The callers' units among these spans. They leave. */
  #unitsOf(spans: readonly ReadableSpan[]): Unit<ReadableSpan>[] {
    const found: Unit<ReadableSpan>[] = [];
    for (const span of spans) {
      const units = this.#units.get(span);
      const unit = units?.shift();
      if (unit !== undefined) found.push(unit);
      if (units?.length === 0) this.#units.delete(span);
    }
    return found;
  }

  /** Nothing more will be heard of what is still on its way: a sink has taken it out of its batch, or the pipeline has failed. */
  #end(): void {
    const left = [...this.#units.values()].flat();
    this.#units.clear();
    const loss = { count: left.length, reason: 'shutdown', stage: OWNER } as const;
    settleUnits(left, { delivered: 0, rejected: 0, lost: [loss] });
  }
}
