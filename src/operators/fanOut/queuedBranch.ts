import { finalize, merge, type Observable, type OperatorFunction, Subject, Subscription, tap } from 'rxjs';
import { HeldBatch, type HeldBatchOwner } from '../../flow/heldBatch.ts';
import { heapBytesOf, type MemoryAccount, processMemory } from '../../flow/memory.ts';
import { QUEUE_MARKS, WaterMarks } from '../../flow/waterMarks.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, FlushRequest, FlushUrgency } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import { type LossReason, lostTally, type Tally } from '../../model/tally.ts';
import type { ItemsEnd } from '../../strategies/itemTally.ts';
import type { AdaptiveBatchChanges } from '../adaptiveBatch/options.ts';
import { BatchQueue } from './batchQueue.ts';
import type { BranchRun, Offer } from './branchRun.ts';
import { Entrance } from './entrance.ts';
import type { BranchSettings } from './options.ts';

/** A branch that exports the batches as they come, with the same items, so that sinks of one encoding share the request. What its export cannot take yet waits in its queue. */
export class QueuedBranch<T> implements BranchRun<T>, HeldBatchOwner<T> {
  readonly outcomes$: Observable<Outcome<T>>;
  readonly #settings: BranchSettings<T>; // of this run: `batchSettings$` changes them
  readonly #reporter: StageReporter<T>;
  readonly #queue: BatchQueue<HeldBatch<T>>;
  readonly #entrance = new Entrance();
  readonly #memory: MemoryAccount;
  readonly #water: WaterMarks;
  readonly #batches = new Subject<Batch<T>>(); // to the export
  readonly #dropped = new Subject<Outcome<T>>();
  readonly #kept = new Map<HeldBatch<T>, (end: ItemsEnd) => void>(); // queued or out, and whom to tell of the end
  readonly #unwatch: () => void;
  readonly #controls = new Subscription(); // to `batchSettings$`
  #out = 0; // batches that the export has taken
  #unready = 0; // of those, the ones after which it cannot take another one
  #isComplete = false; // nothing more comes
  #stopped = false;
  #draining = false;

  constructor(settings: BranchSettings<T>, reporter: StageReporter<T>, toSink: OperatorFunction<Batch<T>, Outcome<T>>) {
    const { gate, memory = processMemory() } = settings;
    this.#settings = settings;
    this.#reporter = reporter;
    this.#queue = new BatchQueue(settings);
    this.#memory = memory.open(this.#queue);
    this.#water = new WaterMarks(gate && (() => gate.close()), QUEUE_MARKS);
    this.#unwatch = reporter.account.watch({
      queueSize: () => this.#queue.items,
      queueCapacity: () => settings.maxQueueSize,
      queueBytes: () => this.#queue.bytes,
      memoryBytes: () => this.#memory.heldBytes,
    });
    const next = (change: AdaptiveBatchChanges) => this.#change(change);
    if (settings.batchSettings$ !== undefined) subscribeInto(settings.batchSettings$, { next }, this.#controls);
    const exported$ = this.#batches.pipe(toSink, tap({ complete: () => this.#dropped.complete() }));
    this.outcomes$ = merge(this.#dropped, exported$).pipe(finalize(() => this.#end()));
  }

  get books(): object {
    return this.#reporter.account;
  }

  offer({ batch, items, origins }: Offer<T>, onEnd: (end: ItemsEnd) => void): (urgency: FlushUrgency) => void {
    const bytes = batch.bytes >= 0 ? batch.bytes : 0;
    const part = new HeldBatch<T>(this, { items, bytes, closedBy: batch.closedBy }, 0, 0);
    if (this.#stopped) this.#refuse(part, 'unsubscribed', onEnd);
    else if (this.#makeRoom(part, origins)) this.#accept(part, onEnd);
    else this.#refuse(part, 'queueFull', onEnd);
    return (urgency) => part.flush(urgency);
  }

  /** Whatever is queued leaves as soon as it can in any case. What is in backoff is to try at once. */
  flush({ urgency }: FlushRequest): void {
    if (urgency !== undefined) for (const part of [...this.#kept.keys()]) part.flush(urgency);
  }

  complete(): void {
    this.#isComplete = true;
    this.#drain();
  }

  stop(): void {
    this.#stopped = true;
    this.#water.end();
    for (let part = this.#queue.shift(); part !== undefined; part = this.#queue.shift()) {
      this.#memory.give(heapBytesOf(part.size, part.bytes));
      this.#lose(part, 'unsubscribed');
    }
  }

  onUnready(change: number): void {
    this.#unready += change;
    this.#drain();
  }

  onSettled(part: HeldBatch<T>, tally: Tally): void {
    this.#out -= 1;
    this.#memory.give(heapBytesOf(part.size, part.bytes));
    this.#reporter.account.settle(part.size, tally);
    this.#tell(part, tally);
    this.#drain();
  }

  // The export holds every batch until its end, and bounds nothing besides.
  onHandedOn(): void {}
  onTakenBack(): void {}
  onTakenOver(): void {}

  /** The batches come as they are: how many of them are out is all that may change. */
  #change({ maxUnsettledBatches = this.#settings.maxUnsettledBatches }: AdaptiveBatchChanges): void {
    this.#settings.maxUnsettledBatches = maxUnsettledBatches;
    this.#drain();
  }

  #accept(part: HeldBatch<T>, onEnd: (end: ItemsEnd) => void): void {
    this.#reporter.account.accept(part.size);
    this.#kept.set(part, onEnd);
    this.#queue.push(part);
    this.#drain();
  }

  /** Takes memory for the batch. What is the rest of a request needs no room in the queue. With `dropOldest`, batches that have waited longer make room for others. */
  #makeRoom(part: HeldBatch<T>, origins: readonly object[] | undefined): boolean {
    const heapBytes = heapBytesOf(part.size, part.bytes);
    if (!this.#queue.fits(part) && this.#entrance.continues(origins)) return this.#memory.take(heapBytes);
    const hasRoom = this.#takeRoom(part, heapBytes) || this.#evictFor(part, heapBytes);
    if (hasRoom) this.#entrance.begin(origins);
    return hasRoom;
  }

  #evictFor(part: HeldBatch<T>, heapBytes: number): boolean {
    const queued = heapBytesOf(this.#queue.items, this.#queue.bytes);
    if (this.#settings.overflow !== 'dropOldest' || !this.#memory.wouldHaveRoom(heapBytes, queued)) return false;
    let taken = false;
    while (!taken && this.#queue.length > 0) {
      this.#evict(this.#queue.shift() as HeldBatch<T>);
      taken = !this.#stopped && this.#takeRoom(part, heapBytes);
    }
    // Evicting freed more memory than this batch took: accounts that wait for memory may take the rest.
    this.#memory.give(0);
    return taken;
  }

  #evict(part: HeldBatch<T>): void {
    this.#memory.swap(heapBytesOf(part.size, part.bytes));
    this.#lose(part, 'queueFull');
  }

  #takeRoom(part: HeldBatch<T>, heapBytes: number): boolean {
    return this.#queue.fits(part) && this.#memory.take(heapBytes);
  }

  #drain(): void {
    if (this.#draining || this.#stopped) return;
    this.#draining = true;
    while (!this.#stopped && this.#queue.length > 0 && this.#hasRoom) this.#emit();
    this.#draining = false;
    if (this.#stopped) return;
    this.#water.tell(this.#queue.fillRatio);
    if (this.#isComplete && this.#queue.length === 0) this.#batches.complete();
  }

  /** Whether the export can take another batch. */
  get #hasRoom(): boolean {
    return this.#unready === 0 && this.#out < this.#settings.maxUnsettledBatches;
  }

  #emit(): void {
    const part = this.#queue.shift() as HeldBatch<T>;
    this.#out += 1;
    this.#reporter.account.emit(part.size);
    this.#reporter.account.passOn((batch) => this.#batches.next(batch), part);
    part.emitted();
  }

  #refuse(part: HeldBatch<T>, reason: LossReason, onEnd: (end: ItemsEnd) => void): void {
    this.#reporter.refused(reason, part.items);
    this.#drop(part, reason, onEnd);
  }

  #lose(part: HeldBatch<T>, reason: LossReason): void {
    this.#reporter.lost(reason, part.items);
    this.#drop(part, reason, (end) => this.#tell(part, end));
  }

  #drop(part: HeldBatch<T>, reason: LossReason, onEnd: (end: ItemsEnd) => void): void {
    const tally = lostTally(part.size, reason, this.#reporter.account.stage);
    this.#dropped.next({ batch: part, ...tally });
    onEnd(tally);
  }

  #tell(part: HeldBatch<T>, end: ItemsEnd): void {
    const onEnd = this.#kept.get(part);
    this.#kept.delete(part);
    onEnd?.(end);
  }

  #end(): void {
    this.stop();
    this.#controls.unsubscribe();
    this.#memory.close();
    this.#unwatch();
  }
}
