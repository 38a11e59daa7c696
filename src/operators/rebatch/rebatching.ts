import { type Observable, type Subscriber, Subscription } from 'rxjs';
import { EndOfStream } from '../../flow/endOfStream.ts';
import { HeldBatch } from '../../flow/heldBatch.ts';
import { heapBytesOf, type MemoryAccount, processMemory } from '../../flow/memory.ts';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import { holdProcess } from '../../internal/timers.ts';
import { Run } from '../../ledger/run.ts';
import { followSource } from '../../ledger/stage.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { type Batch, type FlushUrgency, isFlushRequest } from '../../model/batch.ts';
import { InvalidOptionError } from '../../model/errors.ts';
import { type LossReason, lostTally } from '../../model/tally.ts';
import { BatchesOut } from '../shared/batchesOut.ts';
import { batchOf } from '../shared/givenBatch.ts';
import { OpenBatch } from '../shared/openBatch.ts';
import { PendingFlushes } from '../shared/pendingFlushes.ts';
import { type RebatchSettings, STAGE } from './options.ts';
import { Origin, type Part } from './origin.ts';
import { PartsOut } from './partsOut.ts';
import { SliceQueue } from './sliceQueue.ts';

/** One subscription of {@link rebatch}: batches come into the queue, leave it cut anew, and are out until they have outcomes, which their origins share. */
export class Rebatching<T> {
  readonly #subscriber: Subscriber<Batch<T>>;
  readonly #settings: RebatchSettings<T>;
  readonly #reporter: StageReporter<T>;
  readonly #inputs = new Subscription(); // to the source and `flushWhen`
  readonly #queue: SliceQueue<T>;
  readonly #memory: MemoryAccount;
  readonly #open: OpenBatch;
  readonly #parts = new PartsOut<T>();
  readonly #out: BatchesOut<T>;
  readonly #flushes: PendingFlushes<T>;
  readonly #end: EndOfStream;
  readonly #unready = new Set<Origin<T>>(); // those whose maker waits for room
  readonly #next = (batch: Batch<T>) => this.#subscriber.next(batch);
  readonly #run = Run.present; // that it is subscribed in
  #draining = false;
  #stopped = false;

  constructor(subscriber: Subscriber<Batch<T>>, settings: RebatchSettings<T>, reporter: StageReporter<T>) {
    const { scheduler, processHold } = settings;
    this.#subscriber = subscriber;
    this.#settings = settings;
    this.#reporter = reporter;
    this.#queue = new SliceQueue(settings);
    this.#memory = (settings.memory ?? processMemory()).open(this.#queue);
    this.#open = new OpenBatch(scheduler, processHold, () => this.#sendAll('delay'));
    this.#out = new BatchesOut(settings, reporter, this.#memory, {
      onOutcome: (batch, tally) => this.#parts.end(batch, tally),
      onHandedOn: (batch) => this.#parts.handOn(batch),
      onGone: () => this.#flushes.answer(),
      onRoom: () => this.#drain(),
    });
    this.#flushes = new PendingFlushes(this.#queue, this.#out, scheduler);
    this.#end = new EndOfStream(subscriber, {
      isDone: () => !this.#draining && this.#queue.length === 0 && this.#out.size === 0,
      leaveSource: () => reporter.tearDown(this.#inputs),
      drain: (kind) => this.#sendAll(kind),
      hold: () => holdProcess(scheduler, processHold),
      subscribe: followSource(reporter.account),
    });
  }

  follow(source: Observable<Batch<T> | readonly T[]>): void {
    const { flushWhen } = this.#settings;
    const unwatch = this.#reporter.account.watch({
      queueSize: () => this.#queue.length,
      queueCapacity: () => this.#settings.maxQueueSize,
      queueBytes: () => this.#queue.bytes,
      batchSize: () => this.#settings.maxExportBatchSize,
      memoryBytes: () => this.#memory.heldBytes,
    });
    tearDownInOrder(this.#subscriber, this.#inputs, () => this.#stop(), unwatch);
    const flush = {
      next: (request: unknown) => this.#flush(request),
      error: (thrown: unknown) => this.#end.error(thrown),
    };
    if (flushWhen !== undefined) subscribeInto(flushWhen, flush, this.#inputs);
    this.#end.follow(source, (given) => this.#offer(given), this.#inputs);
  }

  #offer(given: Batch<T> | readonly T[]): void {
    const batch = batchOf(given);
    if (batch === undefined) this.#end.error(new InvalidOptionError(`${STAGE}: what it is given`, 'a batch', given));
    if (batch === undefined || batch.items.length === 0) return;
    const hold = batch.hold((urgency) => this.#urge(urgency));
    const origin = new Origin(batch, hold);
    this.#reporter.account.comesFrom(hold.maker);
    const refusal = this.#end.hasBegun || this.#stopped ? 'unsubscribed' : this.#refusalOf(origin);
    if (refusal === undefined) this.#accept(origin);
    else this.#refuse(origin, refusal);
  }

  /** Why a batch cannot enter. What is queued leaves first, if that makes room. Memory is taken for one that can. */
  #refusalOf(origin: Origin<T>): LossReason | undefined {
    const { maxQueueSize, maxQueueBytes } = this.#settings;
    const { length } = origin.items;
    const heapBytes = heapBytesOf(length, origin.bytes);
    if (length > maxQueueSize || origin.bytes > maxQueueBytes || !this.#memory.admits(heapBytes)) return 'tooLarge';
    if (this.#takeRoom(length, origin.bytes, heapBytes)) return undefined;
    this.#sendAll('bytes');
    if (this.#stopped) return 'unsubscribed';
    return this.#takeRoom(length, origin.bytes, heapBytes) ? undefined : 'queueFull';
  }

  #takeRoom(items: number, bytes: number, heapBytes: number): boolean {
    const { maxQueueSize, maxQueueBytes } = this.#settings;
    const fits = this.#queue.length + items <= maxQueueSize && this.#queue.bytes + bytes <= maxQueueBytes;
    return fits && this.#memory.take(heapBytes);
  }

  #refuse(origin: Origin<T>, reason: LossReason): void {
    const { stage } = this.#reporter.account;
    this.#reporter.refused(reason, origin.items);
    origin.tally.lose({ count: origin.items.length, reason, stage });
  }

  #accept(origin: Origin<T>): void {
    this.#reporter.account.accept(origin.items.length);
    if (this.#queue.length === 0) this.#open.open();
    this.#queue.push(origin);
    this.#unready.add(origin);
    origin.keep();
    this.#drain();
  }

  /** Makes everything that is queued due, and sends out what the holders take. */
  #sendAll(closedBy: Batch<T>['closedBy']): void {
    this.#queue.makeAllDue(closedBy);
    this.#drain();
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (!this.#stopped && this.#queue.due && this.#out.hasRoom) this.#emit();
    } finally {
      this.#draining = false;
    }
    if (this.#stopped) return;
    if (this.#queue.length === 0 || this.#queue.due) this.#open.disarm();
    else this.#open.arm(this.#settings.scheduledDelayMillis);
    this.#welcome();
    this.#end.check();
  }

  /** While half of the queue is free, the makers of the batches that came may send others. */
  #welcome(): void {
    const { maxQueueSize, maxQueueBytes } = this.#settings;
    if (this.#unready.size === 0) return;
    if (this.#queue.length > maxQueueSize / 2 || this.#queue.bytes > maxQueueBytes / 2) return;
    const origins = [...this.#unready];
    this.#unready.clear();
    for (const origin of origins) origin.ready();
  }

  #emit(): void {
    const { sequence } = this.#queue;
    const taken = this.#queue.take();
    if (taken === undefined) return;
    this.#open.disarm(); // the timer was that of the first item, which leaves
    const nowMillis = this.#settings.scheduler.now();
    const batch = new HeldBatch(this.#out, taken, sequence, nowMillis);
    this.#reporter.account.emit(batch.size);
    this.#parts.add(batch, taken.parts);
    this.#out.add(batch);
    this.#open.leave(nowMillis);
    this.#flushes.urge(batch);
    this.#passOn(batch);
    batch.emitted();
    this.#out.watchLease();
  }

  /** What an operator of the user's had in its hands when it threw is lost, and was not handed on. */
  #passOn(batch: HeldBatch<T>): void {
    const { account } = this.#reporter;
    const failures = this.#run?.failures;
    account.passOn(this.#next, batch);
    if (this.#run?.failures === failures || batch.isHeld) return;
    batch.hold().settle(lostTally(batch.size, 'operatorFailed', account.stage));
    this.#reporter.report({ count: batch.size, reason: 'operatorFailed', stage: account.stage }, batch.items);
  }

  #flush(request: unknown): void {
    if (isFlushRequest(request)) this.#flushes.add(request);
    this.#sendAll('flush');
    this.#flushes.answer();
  }

  /** A flush waits for a batch that came. The request has no answer of its own: the hold is the answer. */
  #urge(urgency: FlushUrgency): void {
    this.#flush({ urgency, hold: () => ({ settle() {} }) });
  }

  #stop(): void {
    this.#stopped = true;
    this.#open.disarm();
    const leftBytes = this.#queue.bytes;
    const left = this.#queue.clear();
    this.#memory.give(heapBytesOf(countOf(left), leftBytes));
    for (const part of left) this.#lose(part);
    this.#flushes.answer();
    this.#out.stop();
  }

  #lose({ origin, count }: Part<T>): void {
    const { stage } = this.#reporter.account;
    this.#reporter.lost('unsubscribed', origin.items.slice(origin.items.length - count));
    origin.tally.lose({ count, reason: 'unsubscribed', stage });
  }
}

function countOf(parts: readonly Part<unknown>[]): number {
  return parts.reduce((sum, { count }) => sum + count, 0);
}
