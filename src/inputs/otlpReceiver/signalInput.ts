import { Observable, Subscription } from 'rxjs';
import { HeldBatch, type HeldBatchOwner } from '../../flow/heldBatch.ts';
import { heapBytesOf, type MemoryAccount, processMemory } from '../../flow/memory.ts';
import { Ring } from '../../flow/ring.ts';
import { outsideAnyContext } from '../../internal/timers.ts';
import type { Account } from '../../ledger/account.ts';
import { Run } from '../../ledger/run.ts';
import { openSharedInput, Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, FlushUrgency } from '../../model/batch.ts';
import { type LossReason, lostTally, type Tally } from '../../model/tally.ts';
import type { FixedDelays } from '../shared/fixedDelays.ts';
import { untilOpen } from '../shared/gateWait.ts';
import { Multicast } from '../shared/multicast.ts';
import type { ReceiverSettings } from './options.ts';

/** Why nothing can be let in now. */
export type Obstacle = 'neverSubscribed' | 'unsubscribed' | 'full' | 'closed';

/** How a batch that was let in goes. */
export interface BatchWatch {
  /** It is over: settled, or handed on to somebody who holds nothing. */
  ended(tally: Tally | 'handedOn'): void;
}

/** A batch that has no end yet. */
interface Pending {
  readonly watch: BatchWatch;
  endLease: () => void; // which begins when the batch is emitted
  isCounted: boolean; // within the bounds: not handed on, and not kept within those of its holders
}

/** The requests of one signal: a bounded queue, and the batches that are out. One request is one batch. */
export class SignalInput<T> implements HeldBatchOwner<T> {
  readonly #settings: ReceiverSettings;
  readonly #leases: FixedDelays;
  readonly #stage: () => Stage;
  readonly #batches = new Multicast<Batch<T>>();
  readonly #next = (batch: Batch<T>) => this.#batches.next(batch);
  readonly #queue = new Ring<HeldBatch<T>>();
  readonly #pending = new Map<HeldBatch<T>, Pending>();
  readonly #flushes = new Set<{ readonly waitsFor: Set<HeldBatch<T>>; readonly resolve: () => void }>();
  #account: Account | undefined; // once somebody has subscribed
  #unwatch: () => void = () => {}; // the account, which is watched while there are subscribers
  #reporter: StageReporter<never> | undefined; // likewise
  #memory: MemoryAccount | undefined; // likewise
  #runs: readonly Run[] = []; // of the subscribers
  #items = 0; // that count within the bounds
  #bytes = 0;
  #queuedItems = 0;
  #sequence = 0;
  #unready = 0; // holders that cannot take another batch
  #draining = false;
  #closed = false;
  #gateWait: Subscription | undefined;

  readonly batches$ = new Observable<Batch<T>>((subscriber) => {
    this.#open();
    subscriber.add(this.#enterRun());
    subscriber.add(this.#batches.values$.subscribe(subscriber));
    subscriber.add(() => {
      if (this.#batches.observed) return;
      this.#unwatch();
      this.#gateWait?.unsubscribe();
    });
    this.#drain();
  });

  constructor(name: string, settings: ReceiverSettings, leases: FixedDelays) {
    let stage: Stage | undefined; // opened with the first subscription, behind the stages that were made before
    this.#settings = settings;
    this.#leases = leases;
    this.#stage = () => {
      stage ??= new Stage(settings.ledger, 'input', name);
      return stage;
    };
  }

  get books(): object | undefined {
    return this.#account;
  }

  /** Items that wait in the queue, and all that have no outcome, as far as they count within the bounds. */
  get counts() {
    return { queuedItems: this.#queuedItems, pendingItems: this.#items, pendingBytes: this.#bytes };
  }

  /** Whether nothing is queued or out any more. */
  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  /** What keeps a request of so many bytes out. */
  obstacle(bytes: number): Obstacle | undefined {
    if (this.#closed) return 'closed';
    if (this.#account === undefined) return 'neverSubscribed';
    if (!this.#batches.observed) return 'unsubscribed';
    return this.#bytes + bytes > this.#settings.maxQueueBytes || this.#items >= this.#settings.maxQueueSize
      ? 'full'
      : undefined;
  }

  /** Takes the items of a request, at least one, or says why not. */
  offer(items: readonly T[], bytes: number, watch: BatchWatch): LossReason | undefined {
    const refusal = this.#refusalOf(items.length, bytes);
    if (refusal !== undefined) {
      this.#account?.refuse(items.length, refusal);
      this.#report(items.length, refusal);
      return refusal;
    }
    this.#account?.accept(items.length);
    const taken = { items, bytes, closedBy: 'count', origins: [{}] } as const;
    const batch = new HeldBatch<T>(this, taken, this.#sequence, this.#settings.scheduler.now());
    this.#sequence += items.length;
    this.#queuedItems += items.length;
    this.#count(batch, 1);
    this.#pending.set(batch, { watch, endLease: () => {}, isCounted: true });
    this.#queue.push(batch);
    this.#drain();
    return undefined;
  }

  /** A flush waits for everything that came. Resolves when each of these batches is over. */
  flush(urgency: FlushUrgency): Promise<void> {
    const waitsFor = new Set(this.#pending.keys());
    return new Promise((resolve) => {
      this.#flushes.add({ waitsFor, resolve });
      for (const batch of [...waitsFor]) batch.flush(urgency);
      this.#checkFlushes();
    });
  }

  /** Takes no more, and ends the stream when the queue is empty. */
  close(): void {
    this.#closed = true;
    this.#drain();
  }

  /** What waits in the queue is lost, and the stream ends. */
  giveUp(): void {
    for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift()) {
      this.#queuedItems -= batch.size;
      this.#account?.lose(batch.size, 'shutdown');
      this.#report(batch.size, 'shutdown');
      this.#end(batch, lostTally(batch.size, 'shutdown', this.#account?.stage ?? ''));
    }
    this.close();
  }

  onUnready(change: number): void {
    this.#unready += change;
    if (this.#unready === 0) this.#drain();
  }

  onHandedOn(batch: HeldBatch<T>): void {
    this.#end(batch, 'handedOn');
  }

  /** It counts nowhere any more, and its sender has its answer. */
  onTakenBack(): void {}

  onTakenOver(batch: HeldBatch<T>, isTakenOver: boolean): void {
    const pending = this.#pending.get(batch);
    if (pending === undefined || pending.isCounted === !isTakenOver) return;
    pending.isCounted = !isTakenOver;
    this.#count(batch, isTakenOver ? -1 : 1);
  }

  onSettled(batch: HeldBatch<T>, tally: Tally): void {
    this.#end(batch, tally);
  }

  #open(): void {
    const account = openSharedInput(this.#stage(), this.#account);
    if (account === this.#account && this.#batches.observed) return;
    if (account !== this.#account) this.#reporter = new StageReporter<never>(account, this.#settings);
    this.#account = account;
    this.#memory ??= (this.#settings.memory ?? processMemory()).open(this);
    this.#unwatch();
    this.#unwatch = account.watch({
      queueSize: () => this.#queuedItems,
      queueCapacity: () => this.#settings.maxQueueSize,
      queueBytes: () => this.#bytes,
      memoryBytes: () => this.#memory?.heldBytes ?? 0,
    });
  }

  #enterRun(): () => void {
    const run = Run.present;
    if (run === undefined) return () => {};
    this.#runs = [...this.#runs, run];
    return () => {
      const index = this.#runs.indexOf(run);
      this.#runs = this.#runs.filter((_, at) => at !== index);
    };
  }

  /** Memory is taken for what can enter. */
  #refusalOf(items: number, bytes: number): LossReason | undefined {
    const { maxQueueSize, maxQueueBytes } = this.#settings;
    const heapBytes = heapBytesOf(items, bytes);
    if (this.#closed) return 'alreadyShutdown';
    if (this.#memory === undefined || !this.#batches.observed) return 'noSubscriber';
    if (items > maxQueueSize || bytes > maxQueueBytes || !this.#memory.admits(heapBytes)) return 'tooLarge';
    if (this.#items + items > maxQueueSize || this.#bytes + bytes > maxQueueBytes) return 'queueFull';
    const hasRoom = this.#memory.take(heapBytes);
    if (hasRoom) this.#memory.swap(heapBytes); // `#count` takes it, like that of each other change
    return hasRoom ? undefined : 'queueFull';
  }

  #count({ size, bytes }: HeldBatch<T>, sign: 1 | -1): void {
    this.#items += sign * size;
    this.#bytes += sign * bytes;
    if (sign > 0) this.#memory?.hold(heapBytesOf(size, bytes));
    else this.#memory?.give(heapBytesOf(size, bytes));
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#queue.length > 0 && this.#batches.observed && this.#unready === 0 && this.#gateIsOpen()) this.#emit();
    this.#draining = false;
    if (!this.#closed || this.#queue.length > 0) return;
    this.#batches.complete();
    if (this.isIdle) this.#memory?.close();
  }

  #emit(): void {
    const batch = this.#queue.shift();
    const account = this.#account;
    if (batch === undefined || account === undefined) return;
    const pending = this.#pending.get(batch);
    if (pending !== undefined) pending.endLease = this.#leases.begin(() => this.#expire(batch));
    this.#queuedItems -= batch.size;
    account.handOn(batch.size);
    this.#reporter?.guard(() => this.#passOn(batch, account));
    batch.emitted();
  }

  /** What an operator of the user's had in its hands when it threw is lost, also where another subscriber holds it: its sender is to send it again. The stage behind has it in its books. */
  #passOn(batch: HeldBatch<T>, account: Account): void {
    const runs = this.#runs; // one whose operator fails may leave meanwhile
    const failed = () => runs.reduce((sum, run) => sum + run.failures, 0);
    const failedHere = () => runs.reduce((sum, run) => sum + run.failuresBehind(account), 0);
    const [before, beforeHere] = [failed(), failedHere()];
    account.itemsAtATime = batch.size;
    account.passOn(this.#next, batch);
    if (failed() === before || (batch.isHeld && failedHere() === beforeHere)) return;
    batch.hold().settle(lostTally(batch.size, 'operatorFailed', account.stage));
  }

  /** Where it is closed, its opening goes on. */
  #gateIsOpen(): boolean {
    const { gate } = this.#settings;
    if (gate === undefined || gate.open) return true;
    if (this.#gateWait !== undefined) return false;
    const wait = new Subscription();
    this.#gateWait = wait;
    const over = () => {
      this.#gateWait = undefined;
    };
    outsideAnyContext(() => untilOpen(gate, wait)).then(
      () => {
        over();
        this.#drain();
      },
      (thrown: unknown) => {
        over();
        this.#reporter?.callbackFailed(thrown);
      },
    );
    return false;
  }

  #expire(batch: HeldBatch<T>): void {
    const { stage } = this.#account ?? { stage: '' };
    this.#report(batch.size, 'leaseExpired');
    batch.expire(lostTally(batch.size, 'leaseExpired', stage));
  }

  #end(batch: HeldBatch<T>, tally: Tally | 'handedOn'): void {
    const pending = this.#pending.get(batch);
    if (pending === undefined) return;
    this.#pending.delete(batch);
    pending.endLease();
    if (pending.isCounted) this.#count(batch, -1);
    for (const { waitsFor } of this.#flushes) waitsFor.delete(batch);
    this.#checkFlushes();
    pending.watch.ended(tally);
    if (this.#closed && this.isIdle) this.#memory?.close();
  }

  #checkFlushes(): void {
    for (const flush of [...this.#flushes])
      if (flush.waitsFor.size === 0 && this.#flushes.delete(flush)) flush.resolve();
  }

  #report(count: number, reason: LossReason): void {
    const { stage } = this.#account ?? { stage: '' };
    this.#reporter?.report({ count, reason, stage }, []);
  }
}
