import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Observable, Subscriber } from 'rxjs';
import { measure } from '../../flow/boundedQueue.ts';
import { type MemoryAccount, processMemory } from '../../flow/memory.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { type OpenTrace, OpenTraces } from './openTraces.ts';
import { Outflow } from './outflow.ts';
import type { TraceHoldingSettings } from './traceOptions.ts';

/**
 * Why a trace is not waited for any longer.
 *
 * `wait`: its first span came `maxWaitMillis` ago · `idle`: its last span came `idleMillis` ago · `spans`: it has `maxSpansPerTrace` of them · `evicted`: it was the oldest one when there was no room, or there was none even for its only span ·
 * `flush`: a flush asked for it · `complete`, `error`: the source ended.
 */
export type TraceClosing = 'wait' | 'idle' | 'spans' | 'evicted' | 'flush' | 'complete' | 'error';

/** What an operator does with the traces that it gathers. It pushes what is to be emitted. */
export interface TracePlan<R> {
  /** Whether a span goes another way than into a trace that is gathered. */
  intercept?(span: ReadableSpan, traceId: string, out: Outflow<R>): boolean;
  /** A trace is not waited for any longer. Its spans are pending until they are handed on or removed. */
  close(trace: OpenTrace, because: TraceClosing, out: Outflow<R>): void;
  /** The spans in something that is emitted. */
  spansIn(emitted: R): readonly ReadableSpan[];
}

/** After so many spans, or so long, other work of the process comes between. The clock is looked at after each trace, when what is behind has had it. */
const SLICE_SPANS = 500;
const SLICE_MILLIS = 0.5;

/** One subscription of an operator that gathers the spans of each trace. */
export class TraceHolding<R> {
  readonly #settings: TraceHoldingSettings;
  readonly #reporter: StageReporter<ReadableSpan>;
  readonly #plan: TracePlan<R>;
  readonly #traces: OpenTraces;
  readonly #memory: MemoryAccount;
  readonly #out: Outflow<R>;
  /** A timer that runs may be too early when it is over, and is set anew then. */
  readonly #delayMillis = () => Math.max(0, this.#traces.dueAtMillis - this.#settings.scheduler.now());

  constructor(
    subscriber: Subscriber<R>,
    settings: TraceHoldingSettings,
    reporter: StageReporter<ReadableSpan>,
    plan: TracePlan<R>,
  ) {
    this.#settings = settings;
    this.#reporter = reporter;
    this.#plan = plan;
    this.#memory = (settings.memory ?? processMemory()).open(this);
    this.#traces = new OpenTraces(settings, this.#memory);
    this.#out = new Outflow(subscriber, settings, reporter, {
      countOf: (value) => plan.spansIn(value).length,
      isEmpty: () => this.#traces.traces === 0,
      came: () => this.#traces.opened,
      earliest: () => this.#traces.earliestSequence,
      end: (because) => this.#closeAll(because),
      flush: () => this.#flush(),
      due: () => this.#closeDue(),
      // What went on is in the books of the stages behind by now; so the next one in line for memory comes after them.
      onDrained: () => this.#memory.give(0),
    });
  }

  follow(source: Observable<ReadableSpan>): void {
    const unwatch = this.#reporter.account.watch({
      queueSize: () => this.#traces.spans,
      queueCapacity: () => this.#settings.maxSpans,
      queueBytes: () => this.#traces.bytes,
      memoryBytes: () => this.#memory.heldBytes,
    });
    this.#out.follow(
      source,
      (span) => this.#offer(span),
      () => this.#stop(),
      unwatch,
    );
  }

  #offer(span: ReadableSpan): void {
    const traceId = this.#traceIdOf(span);
    const bytes = measure(span, this.#settings.sizeOf, this.#reporter);
    // A callback may have unsubscribed meanwhile.
    if (this.#out.isClosed) this.#reporter.refused('unsubscribed', [span]);
    else if (traceId === undefined) this.#reporter.refused('unencodable', [span]);
    else if (!this.#traces.admits(bytes)) this.#reporter.refused('tooLarge', [span]);
    // Only what comes back in during an emission can pile up there.
    else if (this.#out.length >= this.#settings.maxSpans) this.#reporter.refused('queueFull', [span]);
    else this.#take(span, traceId, bytes);
  }

  #traceIdOf(span: ReadableSpan): string | undefined {
    try {
      return span.spanContext().traceId;
    } catch {
      return undefined;
    }
  }

  #take(span: ReadableSpan, traceId: string, bytes: number): void {
    this.#reporter.account.accept(1);
    if (this.#plan.intercept?.(span, traceId, this.#out) !== true) this.#hold(span, traceId, bytes);
    this.#out.drain();
  }

  #hold(span: ReadableSpan, traceId: string, bytes: number): void {
    const nowMillis = this.#settings.scheduler.now();
    while (!this.#traces.takeRoom(traceId, bytes)) {
      const { oldest } = this.#traces;
      if (oldest === undefined) {
        this.#closed(this.#traces.unheld(span, traceId, bytes, nowMillis), 'evicted');
        return;
      }
      this.#close(oldest, 'evicted');
      // It may have been the trace of this very span.
      if (oldest.traceId === traceId && this.#plan.intercept?.(span, traceId, this.#out) === true) return;
    }
    const trace = this.#traces.add(span, traceId, bytes, nowMillis);
    if (this.#traces.isFull(trace)) this.#close(trace, 'spans');
    else this.#arm();
  }

  #close(trace: OpenTrace, because: TraceClosing): void {
    this.#traces.remove(trace);
    this.#closed(trace, because);
  }

  #closed(trace: OpenTrace, because: TraceClosing): void {
    if (because === 'evicted' || because === 'spans') this.#reporter.account.figure(because, 1);
    this.#plan.close(trace, because, this.#out);
  }

  #closeDue(): void {
    const { scheduler } = this.#settings;
    const nowMillis = scheduler.now();
    let closed = 0; // spans
    for (let due = this.#traces.due(nowMillis); due !== undefined; due = this.#traces.due(nowMillis)) {
      closed += due[0].spans.length;
      this.#close(...due);
      this.#out.drain();
      if (closed >= SLICE_SPANS || scheduler.now() - nowMillis >= SLICE_MILLIS) break;
    }
    this.#out.drain();
    this.#arm();
  }

  #flush(): void {
    if (this.#settings.onFlush === 'close') this.#traces.makeAllDue();
    this.#closeDue();
  }

  #closeAll(because: 'complete' | 'error'): void {
    for (let trace = this.#traces.oldest; trace !== undefined; trace = this.#traces.oldest) this.#close(trace, because);
    this.#out.drain();
  }

  #arm(): void {
    if (this.#traces.traces > 0) this.#out.arm(this.#delayMillis);
  }

  #stop(): void {
    const held = this.#out.clear().flatMap((value) => this.#plan.spansIn(value));
    for (let trace = this.#traces.oldest; trace !== undefined; trace = this.#traces.oldest) {
      held.push(...trace.spans);
      this.#traces.remove(trace);
    }
    this.#memory.close();
    this.#reporter.lost('unsubscribed', held);
  }
}
