import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, Subject } from 'rxjs';
import { measure } from '../../flow/boundedQueue.ts';
import { createGate, type Gate } from '../../flow/gate.ts';
import { heapBytesOf, type MemoryAccount, processMemory } from '../../flow/memory.ts';
import { BoundedChannel } from '../../inputs/channel/boundedChannel.ts';
import type { Admission } from '../../inputs/channel/entrance.ts';
import { STAGE as CHANNEL } from '../../inputs/channel/options.ts';
import { keepingAlive } from '../../internal/timers.ts';
import { warn } from '../../internal/tracingSuppression.ts';
import { requireMillis, withDefaults } from '../../internal/validation.ts';
import type { Account } from '../../ledger/account.ts';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import type { Stats } from '../../ledger/stats.ts';
import { type Batch, withItems } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Sink } from '../../model/sink.ts';
import type { Loss, LossReason } from '../../model/tally.ts';
import { adaptiveBatch } from '../../operators/adaptiveBatch/adaptiveBatch.ts';
import { exportTo } from '../../operators/exportTo/exportTo.ts';
import { closeSink, drainAtExit, flushSink, flushWithin, once, type Shutdown } from '../lifeCycle.ts';
import { ENTRANCE, type SpanPipeline } from '../spanPipeline/spanPipeline.ts';
import { Call, type ExportAnswer, settleUnits, type Unit } from './call.ts';
import {
  type ExportCallOptions,
  type ExportHandleOptions,
  type ExportHandleSettings,
  OWNER,
  settle,
  settleCall,
} from './options.ts';
import { PipelineHandle } from './pipelineHandle.ts';

/** One way out, shared by many callers. */
export interface ExportHandle<T> {
  /**
   * Resolves when each of these items has its end, whichever: a failed export is an answer, not a rejection. It waits while the queue is full.
   *
   * @param options `signal`: gives up the wait. Then it rejects with the signal's reason; items that are not in the queue yet stay out, and those that are go on (they may share a batch
   * with others) and are counted in `stats()`
   */
  export(items: readonly T[], options?: ExportCallOptions): Promise<ExportAnswer>;
  /** The books, now, over all callers. */
  stats(): Stats;
  /** Sends what is queued without delay. Resolves when everything that was queued before has its end; rejects at the timeout (default `flushTimeoutMillis`) with `FLUSH_TIMEOUT`. */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /**
   * Takes no more calls, exports what it has been given, answers everybody, and shuts the sink down. What has no end at the deadline (default `shutdownDeadlineMillis`) is lost, as
   * `shutdown` or `unconfirmed`; what had not even found room, as `alreadyShutdown`. The second call gives the promise of the first.
   */
  readonly shutdown: Shutdown;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes one handle on a sink for many callers: their items travel in common batches, and each caller is told what became of theirs.
 *
 * ```text
 * calls       -a-b|
 * subscribed  ^---!
 *             exportHandle: a delay of 4 ms, and a sink that answers after 2 ms
 * attempts    -----^-!       [ab]
 * answers     -------(ab)
 * ```
 *
 * Behind it are a {@link channel}, an {@link adaptiveBatch} and an {@link exportTo}, and their options. The handle owns the sink.
 *
 * On a {@link spanPipeline} it shares that one's queue, with the spans that end in the process: nobody waits for room there, and what finds none is answered as `queueFull`. Spans that are not
 * sampled are answered as `unsampled`. `stats`, `forceFlush`, `shutdown` and the disposal are those of the pipeline; there is one handle for each.
 *
 * **Answers** exactly the items of the call, when the last of them has its end. When a backend takes only a part of a batch it does not say which: of a batch that several calls share, each is
 * assigned a part in proportion, and told so in `estimated`. All answers together are always what `stats()` says. An empty array is answered at once.
 *
 * **Order**: items of one call keep theirs; calls that wait for room are let in by turns, item by item.
 *
 * **Loss**: that of {@link exportTo}, and `queueFull`, `tooLarge`, `alreadyShutdown` for items that did not get into the queue: each is in an answer, and in `stats()`.
 *
 * **Exit**: whenever the event loop runs empty, what was given is still exported, for at most `exitDeadlineMillis`; what has no end then is lost, as `shutdown` or `unconfirmed`, or as `queueFull` if it
 * had found no room. The handle stays open: a program that finds more work in `beforeExit` goes on.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const handle = exportHandle(otlpHttp());
 * const { delivered, lost } = await handle.export(spans, { signal: AbortSignal.timeout(5_000) });
 * await handle.shutdown();
 * ```
 *
 * @see spanPipeline
 */
export function exportHandle(pipeline: SpanPipeline): ExportHandle<ReadableSpan>;
export function exportHandle<T>(sink: Sink<T>, options?: ExportHandleOptions<T>): ExportHandle<T>;
export function exportHandle<T>(
  sink: Sink<T> | SpanPipeline,
  options: ExportHandleOptions<T> = {},
): ExportHandle<T> | ExportHandle<ReadableSpan> {
  if (!isPipeline(sink)) return new SinkHandle(sink, settle(sink, options));
  withDefaults(`${OWNER} on a pipeline`, {}, options); // the pipeline has its own
  const handle = handles.get(sink) ?? new PipelineHandle(sink);
  handles.set(sink, handle);
  return handle;
}

/** One for each pipeline: it listens for as long as that one lives. */
const handles = new WeakMap<SpanPipeline, PipelineHandle>();

function isPipeline<T>(sink: Sink<T> | SpanPipeline): sink is SpanPipeline {
  return typeof sink === 'object' && sink !== null && ENTRANCE in sink;
}

class SinkHandle<T> implements ExportHandle<T> {
  readonly #sink: Sink<T>;
  readonly #settings: ExportHandleSettings<T>;
  readonly #ledger: Ledger;
  readonly #account: Account;
  readonly #channel: BoundedChannel<Unit<T>>;
  readonly #calls = new Set<Call>(); // not yet answered
  readonly #entering = new Set<Promise<void>>(); // calls whose items are not all in
  readonly #stopWhen = new Subject<void>(); // the shutdown has reached its deadline
  readonly #giveUpWhen = new Subject<void>(); // a drain at exit has
  readonly #waitingMemory: MemoryAccount; // of calls that wait for room
  #callCount = 0;
  #givenUpCount = 0; // how often a drain at exit has given up
  readonly #drained: Promise<void>;
  #closing = false;
  readonly shutdown: Shutdown;

  constructor(sink: Sink<T>, settings: ExportHandleSettings<T>) {
    const gate = createGate();
    this.#sink = sink;
    this.#settings = settings;
    this.#ledger = createLedger({ scheduler: settings.scheduler });
    this.#account = this.#ledger.open('input', CHANNEL);
    this.#waitingMemory = (settings.channel.memory ?? processMemory()).open(this);
    this.#channel = new BoundedChannel({ ...settings.channel, gate }, this.#account);
    this.#drained = this.#run(gate);
    const leaveExit = drainAtExit(settings.exitDeadlineMillis, {
      taken: () => this.#callCount,
      // A sink that holds something itself gets to hand it on.
      isPending: () => sink.forceFlush !== undefined || this.#calls.size > 0 || this.stats().pending > 0,
      drain: () => this.#drainForExit(),
    });
    this.shutdown = once((options: { deadlineMillis?: number } = {}) => {
      const defaults = { deadlineMillis: settings.shutdownDeadlineMillis };
      const { deadlineMillis } = withDefaults(`${OWNER}.shutdown`, defaults, options);
      requireMillis(`${OWNER}.shutdown.deadlineMillis`, deadlineMillis, 0, 'finite');
      return this.#close(deadlineMillis);
    }, leaveExit);
  }

  export(items: readonly T[], options: ExportCallOptions = {}): Promise<ExportAnswer> {
    const signal = settleCall(items, options);
    const call = new Call(items.length, this.#settings.scheduler, signal);
    if (signal?.aborted) return call.answer;
    this.#callCount += 1;
    remember(this.#calls, call, call.answer);
    if (this.#closing) this.#turnAway(call, items.length, 'alreadyShutdown');
    // A copy: the caller may go on using the array while the call waits for room.
    else remember(this.#entering, this.#enter(call, items.slice(), signal));
    return call.answer;
  }

  stats(): Stats {
    return this.#ledger.stats();
  }

  forceFlush(options: { timeoutMillis?: number } = {}): Promise<void> {
    const defaults = { timeoutMillis: this.#settings.flushTimeoutMillis };
    const { timeoutMillis } = withDefaults(`${OWNER}.forceFlush`, defaults, options);
    return flushWithin(this.#settings.scheduler, timeoutMillis, this.#flush(timeoutMillis, false));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #run(gate: Gate): Promise<void> {
    const unitsOf = new WeakMap<object, readonly Unit<T>[]>(); // by the batch that the sink is given
    const unwrap = (batch: Batch<Unit<T>>) => {
      const items = batch.items.map((unit) => unit.item);
      const unwrapped = withItems(batch, items);
      unitsOf.set(unwrapped, batch.items);
      return unwrapped;
    };
    const ledger = this.#ledger;
    const onLoss = (loss: Loss, units: readonly Unit<T>[]) =>
      settleUnits(units, { delivered: 0, rejected: 0, lost: [loss] });
    const flow = this.#channel.items$.pipe(
      adaptiveBatch({ ...this.#settings.batch, gate, flushWhen: this.#channel.flush$, ledger, onLoss }),
      map(unwrap),
      exportTo(this.#sink, {
        ...this.#settings.export,
        stopWhen: this.#stopWhen,
        giveUpWhen: this.#giveUpWhen,
        ledger,
      }),
    );
    return new Promise((resolve) => {
      const next = (outcome: Outcome<T>) => settleUnits(unitsOf.get(outcome.batch) ?? [], outcome);
      const error = (thrown: unknown) => {
        warn(`${OWNER} has ended, and that is a defect of spanflow: ${messageOf(thrown)}`);
        resolve();
      };
      flow.subscribe({ next, error, complete: resolve });
    });
  }

  async #enter(call: Call, items: readonly T[], signal: AbortSignal | undefined): Promise<void> {
    const givenUpCount = this.#givenUpCount;
    let waitingBytes: number | undefined; // taken for what waits, once something does
    try {
      for (const [index, item] of items.entries()) {
        const admitted = this.#channel.admit({ item, call }, signal);
        const mustWait = typeof admitted !== 'string';
        if (mustWait) waitingBytes ??= this.#takeToWait(call, items, index);
        const rest = items.length - index - 1;
        if (mustWait && waitingBytes === 0) {
          this.#turnAway(call, rest, 'queueFull');
          // Not awaited here, where the other items would be kept until then.
          return this.#lastOne(call, admitted);
        }
        const admission = mustWait ? await admitted : admitted;
        if (admission === 'aborted') return;
        if (admission !== 'accepted') call.lose(1, admission, CHANNEL);
        // It was given up while this one waited: the rest has found no room either.
        if (givenUpCount !== this.#givenUpCount) return this.#turnAway(call, rest, 'queueFull');
      }
    } finally {
      if (waitingBytes !== undefined) this.#waitingMemory.give(waitingBytes);
    }
  }

  async #lastOne(call: Call, admitted: Promise<Admission>): Promise<void> {
    const admission = await admitted;
    if (admission !== 'accepted' && admission !== 'aborted') call.lose(1, admission, CHANNEL);
  }

  /** Takes memory for the items of a call that have to wait for room. Returns the bytes, or 0 if the budget has no room for them. */
  #takeToWait(call: Call, items: readonly T[], from: number): number {
    let bytes = 0;
    for (let index = from; index < items.length; index += 1) {
      const unit = { item: items[index] as T, call };
      bytes += heapBytesOf(1, measure(unit, this.#settings.channel.sizeOf, this.#account));
    }
    return this.#waitingMemory.take(bytes) ? bytes : 0;
  }

  #turnAway(call: Call, items: number, reason: LossReason): void {
    if (items === 0) return;
    this.#account.refuse(items, reason);
    call.lose(items, reason, CHANNEL);
  }

  async #flush(timeoutMillis: number, isEnding: boolean): Promise<void> {
    await this.#channel.forceFlush({ timeoutMillis }, isEnding);
    await flushSink(this.#sink, warnOfTrouble);
  }

  async #drainForExit(): Promise<void> {
    const { scheduler, exitDeadlineMillis } = this.#settings;
    const entered = Promise.all(this.#entering);
    const flushed = entered.then(() => this.#flush(exitDeadlineMillis, true));
    await flushWithin(scheduler, exitDeadlineMillis, flushed).catch(() => this.#giveUp());
  }

  /** The time at exit is over: everything that has no end gets one now. Calls that come later are taken again. */
  #giveUp(): void {
    this.#givenUpCount += 1;
    const queued = this.#channel.giveUp();
    const loss = { count: queued.length, reason: 'shutdown', stage: CHANNEL } as const;
    settleUnits(queued, { delivered: 0, rejected: 0, lost: [loss] });
    // What the batcher has goes the same way.
    this.#channel.forceFlush().catch(() => {});
    this.#giveUpWhen.next();
  }

  async #close(deadlineMillis: number): Promise<void> {
    const { scheduler } = this.#settings;
    const sinceMillis = scheduler.now();
    this.#closing = true;
    const deadline = keepingAlive(scheduler, deadlineMillis, () => {
      this.#stopWhen.next();
      this.#channel.close();
    });
    await Promise.all(this.#entering);
    // What it waits for is what `drained` says; this only makes it urgent.
    this.#channel.forceFlush({ timeoutMillis: deadlineMillis }, true).catch(() => {});
    this.#channel.close();
    await this.#drained;
    deadline.unsubscribe();
    for (const call of this.#calls) call.giveUp('shutdown', OWNER);
    await closeSink(this.#sink, { scheduler, deadlineMillis, sinceMillis }, warnOfTrouble);
    this.#waitingMemory.close();
    this.#ledger.close();
  }
}

function warnOfTrouble(message: string): void {
  warn(`${OWNER}: ${message}`);
}

/** Keeps something until its promise is settled. */
function remember<V>(kept: Set<V>, value: V, until: Promise<unknown> = value as Promise<unknown>): void {
  const forget = () => kept.delete(value);
  kept.add(value);
  until.then(forget, forget);
}
