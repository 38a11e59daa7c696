import { type Observable, type Observer, type Subscriber, Subscription } from 'rxjs';
import { EndOfStream } from '../../flow/endOfStream.ts';
import { HeldBatch } from '../../flow/heldBatch.ts';
import { heapBytesOf, type MemoryAccount, processMemory } from '../../flow/memory.ts';
import { placesFor } from '../../flow/priorityPlaces.ts';
import { followSettings } from '../../internal/liveSettings.ts';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import { holdProcess } from '../../internal/timers.ts';
import { Run } from '../../ledger/run.ts';
import { followSource } from '../../ledger/stage.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { type Batch, isFlushRequest } from '../../model/batch.ts';
import { QueueFullError } from '../../model/errors.ts';
import { lostTally, safeItems, type Tally } from '../../model/tally.ts';
import { type BatchSizeChange, GuardedStrategy } from '../../strategies/batchSize.ts';
import { BatchesOut } from '../shared/batchesOut.ts';
import { OpenBatch } from '../shared/openBatch.ts';
import { PendingFlushes } from '../shared/pendingFlushes.ts';
import { Batcher } from './batcher.ts';
import { Intake } from './intake.ts';
import { type AdaptiveBatchChanges, type AdaptiveBatchSettings, changedBatchSettings, STAGE } from './options.ts';
import { Saturation } from './saturation.ts';

/** One subscription of {@link adaptiveBatch}: items come through the intake into the batcher, leave it in batches, and the batches are out until they have outcomes. */
export class Batching<T> {
  readonly #subscriber: Subscriber<Batch<T>>;
  readonly #settings: AdaptiveBatchSettings<T>; // of this subscription: `settings$` changes them
  readonly #reporter: StageReporter<T>;
  readonly #sizes: Pick<Observer<BatchSizeChange>, 'next'>;
  readonly #inputs = new Subscription(); // to the source, `flushWhen` and `settings$`
  readonly #strategy: GuardedStrategy;
  readonly #batcher: Batcher<T>;
  readonly #memory: MemoryAccount;
  readonly #intake: Intake<T>;
  readonly #open: OpenBatch;
  readonly #out: BatchesOut<T>;
  readonly #flushes: PendingFlushes<T>;
  readonly #saturation: Saturation<T>;
  readonly #end: EndOfStream;
  readonly #next = (batch: Batch<T>) => this.#subscriber.next(batch);
  readonly #run = Run.present; // that it is subscribed in
  #draining = false;
  #stopped = false;

  /** @param sizes is told the size of the batches, and each change */
  constructor(
    subscriber: Subscriber<Batch<T>>,
    settings: AdaptiveBatchSettings<T>,
    reporter: StageReporter<T>,
    sizes: Pick<Observer<BatchSizeChange>, 'next'>,
  ) {
    const { scheduler, processHold } = settings;
    this.#subscriber = subscriber;
    this.#settings = settings;
    this.#reporter = reporter;
    this.#sizes = sizes;
    this.#strategy = new GuardedStrategy(settings.strategy, settings, (thrown) => reporter.callbackFailed(thrown));
    this.#batcher = new Batcher(settings, this.#strategy.size, placesFor(settings.overflow));
    this.#memory = (settings.memory ?? processMemory()).open(this.#batcher);
    this.#intake = new Intake(settings, reporter, this.#batcher, this.#memory, {
      onFull: () => this.#sendAll('bytes'),
      onEvicted: () => this.#flushes.answer(),
      onOverflow: () => this.#overflow(),
    });
    this.#open = new OpenBatch(scheduler, processHold, () => this.#sendAll('delay'));
    this.#out = new BatchesOut(settings, reporter, this.#memory, {
      onOutcome: (batch, tally) => this.#learn(batch, tally),
      onGone: () => this.#flushes.answer(),
      onRoom: () => this.#drain(),
    });
    this.#flushes = new PendingFlushes(this.#batcher, this.#out, scheduler);
    this.#saturation = new Saturation(this.#batcher, this.#memory, settings);
    this.#end = new EndOfStream(subscriber, {
      isDone: () => !this.#draining && this.#batcher.length === 0 && this.#out.size === 0,
      leaveSource: () => reporter.tearDown(this.#inputs),
      drain: (kind) => this.#sendAll(kind),
      hold: () => holdProcess(scheduler, processHold),
      subscribe: followSource(reporter.account),
    });
  }

  follow(source: Observable<T>): void {
    const { flushWhen } = this.#settings;
    const unwatch = this.#reporter.account.watch({
      queueSize: () => this.#batcher.length,
      queueCapacity: () => this.#settings.maxQueueSize,
      queueBytes: () => this.#batcher.bytes,
      batchSize: () => this.#batcher.target,
      memoryBytes: () => this.#memory.heldBytes,
    });
    tearDownInOrder(this.#subscriber, this.#inputs, () => this.#stop(), unwatch);
    const flush = {
      next: (request: unknown) => this.#flush(request),
      error: (thrown: unknown) => this.#end.error(thrown),
    };
    this.#sizes.next({ size: this.#batcher.target, because: 'initial' });
    this.#followSettings();
    if (flushWhen !== undefined) subscribeInto(flushWhen, flush, this.#inputs);
    this.#end.follow(source, (item) => this.#offer(item), this.#inputs);
  }

  #followSettings(): void {
    const check = (change: AdaptiveBatchChanges) => changedBatchSettings(this.#settings, change);
    const apply = (changed: AdaptiveBatchChanges) => {
      Object.assign(this.#settings, changed);
      this.#strategy.limitsChanged();
      this.#aim('settings');
      this.#drain();
    };
    const onError = (thrown: unknown) => this.#reporter.callbackFailed(thrown);
    followSettings(this.#settings.settings$, { check, apply, onError }, this.#inputs);
  }

  #offer(item: T): void {
    if (this.#end.hasBegun) return;
    if (this.#batcher.length === 0) this.#open.open();
    this.#intake.offer(item);
    if (this.#stopped) return;
    if (this.#batcher.due) this.#drain();
    else if (this.#batcher.length > 0) this.#open.arm(this.#strategy.delayMillis);
    this.#saturation.update();
  }

  #overflow(): void {
    const { maxQueueSize, maxQueueBytes } = this.#settings;
    this.#end.error(new QueueFullError(STAGE, maxQueueSize, maxQueueBytes));
  }

  /** Makes everything that is queued due, and sends out what the holders take. */
  #sendAll(closedBy: Batch<T>['closedBy']): void {
    this.#batcher.makeAllDue(closedBy);
    this.#drain();
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (!this.#stopped && this.#batcher.due && this.#out.hasRoom) this.#emit();
    } finally {
      this.#draining = false;
    }
    if (this.#stopped) return;
    if (this.#batcher.length === 0 || this.#batcher.due) this.#open.disarm();
    else this.#open.arm(this.#strategy.delayMillis);
    this.#saturation.update();
    this.#end.check();
  }

  #emit(): void {
    const { sequence } = this.#batcher;
    const taken = this.#batcher.takeBatch();
    if (taken === undefined) return;
    this.#open.disarm(); // the timer was that of the first item, which leaves
    const nowMillis = this.#settings.scheduler.now();
    const batch = new HeldBatch(this.#out, taken, sequence, nowMillis);
    this.#reporter.account.emit(batch.size);
    this.#out.add(batch);
    const openMillis = this.#open.leave(nowMillis);
    this.#flushes.urge(batch);
    this.#passOn(batch);
    batch.emitted();
    this.#out.watchLease();
    this.#strategy.left({ items: batch.size, openMillis });
    this.#aim();
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

  /** The batches become as large as the strategy says, for the reason that is given, or its own. */
  #aim(because?: string): void {
    const { size } = this.#strategy;
    const hasChanged = size !== this.#batcher.target;
    this.#batcher.aim(size);
    if (hasChanged) this.#sizes.next({ size, because: because ?? this.#strategy.because });
  }

  /** The outcome of a batch says how large the next ones are to be. */
  #learn(batch: HeldBatch<T>, tally: Tally): void {
    const { attemptMillis, requests = 1, timeouts = 0, lost } = tally;
    const delivered = safeItems(tally);
    const { length: items } = batch.items;
    const { length: queued } = this.#batcher;
    // One item that was too large by itself says nothing about the size of batches.
    const isOfOneItem = lost.some(({ reason }) => reason === 'tooLarge');
    if (!isOfOneItem) this.#strategy.ended({ items, delivered, requests, timeouts, attemptMillis, queued });
    this.#aim();
  }

  #flush(request: unknown): void {
    if (isFlushRequest(request)) this.#flushes.add(request);
    this.#sendAll('flush');
    this.#flushes.answer();
  }

  #stop(): void {
    this.#stopped = true;
    this.#intake.close();
    this.#open.disarm();
    const leftBytes = this.#batcher.bytes;
    const left = this.#batcher.clear();
    this.#reporter.lost('unsubscribed', left);
    this.#flushes.answer();
    this.#saturation.end();
    this.#memory.give(heapBytesOf(left.length, leftBytes));
    this.#out.stop();
  }
}
