import { type Observable, type ObservableInput, type Subscriber, Subscription } from 'rxjs';
import { ACCEPTED, CANCELLED, resultOfError } from '../../destination/attemptEnding.ts';
import { AttemptLine, type Finish } from '../../destination/attemptLine.ts';
import { followLimit, slotsFor } from '../../destination/concurrency.ts';
import type { SlotPool } from '../../destination/slotPool.ts';
import { measure } from '../../flow/boundedQueue.ts';
import { EndOfStream } from '../../flow/endOfStream.ts';
import { QUEUE_MARKS, WaterMarks } from '../../flow/waterMarks.ts';
import { ignoreRejection } from '../../internal/runGuarded.ts';
import { tearDownInOrder } from '../../internal/subscribeInto.ts';
import { followSource } from '../../ledger/stage.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { QueueFullError } from '../../model/errors.ts';
import { BoundedLine } from './boundedLine.ts';
import { collect, type Ending } from './inner.ts';
import type { Waiting } from './line.ts';
import type { Merged } from './merged.ts';
import type { BoundedMergeMapSettings, MergeOrder } from './options.ts';
import { type Begun, Outbox } from './outbox.ts';

const ONE_ITEM = Object.freeze({ items: 1, bytes: 1 });

/** What is made of an item, and what becomes of its result. */
export interface MergePlan<T, R> {
  /** The name of the function that the user has called. */
  readonly owner: string;
  /** How many items the books count for an item. */
  readonly count: (item: T) => number;
  readonly project: (item: T, index: number) => ObservableInput<R>;
  /** Books the result, and passes it on. */
  readonly deliver: (result: Merged<T, R>) => void;
}

/** One subscription of {@link boundedMergeMap}, or of an operator that is built on it: an item waits in line for a slot, runs, and its result goes through the outbox. */
export class Merging<T, R> {
  readonly #subscriber: Subscriber<unknown>;
  readonly #plan: MergePlan<T, R>;
  readonly #settings: BoundedMergeMapSettings<T>;
  readonly #reporter: StageReporter<T>;
  readonly #upstream = new Subscription();
  readonly #limits = new Subscription(); // to `concurrency`
  readonly #slots: SlotPool;
  readonly #attempts: AttemptLine;
  readonly #line: BoundedLine<T>;
  readonly #outbox: Outbox<T, R>;
  readonly #water: WaterMarks;
  readonly #end: EndOfStream;
  readonly #start = (finish: Finish) => this.#begin(finish);
  #offered = 0; // items that have come

  constructor(
    subscriber: Subscriber<unknown>,
    plan: MergePlan<T, R>,
    settings: BoundedMergeMapSettings<T>,
    reporter: StageReporter<T>,
  ) {
    const { concurrency, gate, order, scheduler } = settings;
    this.#subscriber = subscriber;
    this.#plan = plan;
    this.#settings = settings;
    this.#reporter = reporter;
    this.#slots = slotsFor(concurrency);
    this.#attempts = new AttemptLine({
      layers: [this.#slots],
      now: () => scheduler.now(),
      onError: (thrown) => reporter.callbackFailed(thrown),
    });
    this.#outbox = new Outbox<T, R>(order, ({ item, index }, ending) => plan.deliver({ ...ending, item, index }));
    this.#line = new BoundedLine(settings, order, this.#attempts, this.#slots, this.#outbox);
    this.#water = new WaterMarks(gate && (() => gate.close()), QUEUE_MARKS);
    this.#end = new EndOfStream(subscriber as Subscriber<never>, {
      isDone: () => this.#line.length === 0 && this.#outbox.isDone,
      leaveSource: () => reporter.tearDown(this.#upstream),
      subscribe: followSource(reporter.account),
    });
  }

  follow(source: Observable<T>): void {
    const { concurrency } = this.#settings;
    const queueSize = () => this.#line.length;
    const queueCapacity = () => this.#settings.maxQueueSize;
    const queueBytes = () => this.#line.bytes;
    const running = () => this.#attempts.running;
    const limit = () => this.#slots.limit;
    tearDownInOrder(
      this.#subscriber,
      () => this.#attempts.close(),
      this.#upstream,
      () => this.#reporter.tearDown(this.#limits),
      () => this.#abort(),
      () => this.#water.end(),
      this.#reporter.account.watch({ queueSize, queueCapacity, queueBytes, running, waiting: queueSize, limit }),
    );
    const onError = (thrown: unknown) => this.#reporter.callbackFailed(thrown);
    followLimit(concurrency, { slots: this.#slots, option: `${this.#plan.owner}.concurrency` }, onError, this.#limits);
    this.#end.follow(source, (item) => this.#offer(item), this.#upstream);
  }

  #offer(item: T): void {
    const index = this.#offered++;
    const bytes = measure(item, this.#settings.sizeOf, this.#reporter);
    const waiting = waitingOf(item, index, bytes, this.#settings.order);
    // A callback may have unsubscribed meanwhile: then there is no line any more.
    if (this.#subscriber.closed) this.#reporter.refused('unsubscribed', [item]);
    else if (!this.#line.admits(bytes)) this.#reporter.refused('tooLarge', [item]);
    else if (this.#line.hasRoomFor(waiting)) this.#admit(waiting);
    else this.#overflow(waiting);
  }

  #overflow(waiting: Waiting<T>): void {
    const { maxQueueSize, maxQueueBytes, overflow } = this.#settings;
    const evicted = overflow === 'dropOldest' ? this.#line.makeRoomFor(waiting) : [];
    if (evicted.length > 0) {
      this.#admit(waiting);
      this.#reporter.lost('queueFull', evicted);
    } else this.#reporter.refused('queueFull', [waiting.item]);
    if (overflow === 'error') this.#end.error(new QueueFullError(this.#plan.owner, maxQueueSize, maxQueueBytes));
  }

  #admit(waiting: Waiting<T>): void {
    this.#reporter.account.accept(this.#plan.count(waiting.item));
    this.#line.push(waiting);
    this.#seekSlot();
    this.#updateGate();
  }

  /** As many wait for a slot as could begin. Which item begins is decided when there is a slot; an eviction leaves one wait too many, for the next item. */
  #seekSlot(): void {
    if (this.#attempts.waiting < this.#line.startable) this.#attempts.enter(ONE_ITEM, this.#start);
  }

  #begin(finish: Finish): void {
    const waiting = this.#line.take();
    if (waiting === undefined) {
      finish(CANCELLED);
      return;
    }
    const entry: Begun<T, R> = { waiting, run: new Subscription(), finish, ending: undefined };
    this.#outbox.add(entry);
    const { maxValuesPerItem: maxValues } = this.#settings;
    const onEnd = (ending: Ending<R>) => this.#ended(entry, ending);
    collect(() => this.#open(waiting), { run: entry.run, maxValues, reporter: this.#reporter, onEnd });
    this.#updateGate();
  }

  #open({ item, index, failure }: Waiting<T>): ObservableInput<R> {
    if (failure !== undefined) throw failure.error;
    const { project } = this.#plan;
    return project(item, index);
  }

  #ended(entry: Begun<T, R>, ending: Ending<R>): void {
    this.#outbox.addResult(entry, ending);
    this.#line.ended(entry.waiting.key);
    this.#seekSlot();
    entry.finish(ending.kind === 'completed' ? ACCEPTED : resultOfError(ending.error));
    this.#updateGate();
    this.#end.check();
  }

  #updateGate(): void {
    this.#water.tell(this.#line.fillRatio);
  }

  #abort(): void {
    const begun = this.#outbox.clear();
    for (const { run, finish } of begun) {
      this.#reporter.tearDown(run);
      finish(CANCELLED);
    }
    this.#reporter.lost('unsubscribed', this.#line.clear());
    const unconfirmed = begun.map(({ waiting }) => waiting.item);
    this.#reporter.lost('unconfirmed', unconfirmed);
  }
}

function waitingOf<T>(item: T, index: number, bytes: number, order: MergeOrder<T>): Waiting<T> {
  if (typeof order !== 'object') return { item, index, bytes, key: undefined, failure: undefined };
  try {
    const key = order.key(item);
    ignoreRejection(key);
    return { item, index, bytes, key, failure: undefined };
  } catch (error) {
    // A key of its own: it waits for no other item, and no other item for it.
    return { item, index, bytes, key: Symbol('no key'), failure: { error } };
  }
}
