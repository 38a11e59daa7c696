import { type Observable, type Subscriber, Subscription } from 'rxjs';
import { BoundedQueue, measure, type QueueLimits } from '../../flow/boundedQueue.ts';
import { EndOfStream } from '../../flow/endOfStream.ts';
import type { Gate } from '../../flow/gate.ts';
import { evicts, type PrioritySettings, rank } from '../../flow/priority.ts';
import { placesFor } from '../../flow/priorityPlaces.ts';
import { QUEUE_MARKS, WaterMarks } from '../../flow/waterMarks.ts';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import { followSource } from '../../ledger/stage.ts';
import { countOf, type StageReporter } from '../../ledger/stageReporter.ts';
import { InvalidOptionError, QueueFullError } from '../../model/errors.ts';

export const STAGE = 'backpressure';

export interface HoldingBackSettings<T> extends QueueLimits, PrioritySettings<T> {
  readonly demand: Observable<number>;
  readonly gate: Gate | undefined;
  readonly sizeOf: (item: T) => number;
}

/** One subscription of {@link backpressure}: items wait in the queue until they are asked for. */
export class HoldingBack<T> {
  readonly #subscriber: Subscriber<T>;
  readonly #settings: HoldingBackSettings<T>;
  readonly #reporter: StageReporter<T>;
  readonly #queue: BoundedQueue<T>;
  readonly #water: WaterMarks;
  readonly #upstream = new Subscription();
  readonly #demand = new Subscription();
  readonly #end: EndOfStream;
  readonly #next = (item: T) => this.#subscriber.next(item);
  #granted = 0; // items that have been asked for and are not there yet
  #demandIsOver = false; // no more items will be asked for
  #draining = false;

  constructor(subscriber: Subscriber<T>, settings: HoldingBackSettings<T>, reporter: StageReporter<T>) {
    const { gate } = settings;
    this.#subscriber = subscriber;
    this.#settings = settings;
    this.#reporter = reporter;
    this.#queue = new BoundedQueue(settings, placesFor(settings.overflow));
    this.#water = new WaterMarks(gate && (() => gate.close()), QUEUE_MARKS);
    this.#end = new EndOfStream(subscriber, {
      isDone: () => !this.#draining && (this.#queue.length === 0 || this.#isDry),
      leaveSource: () => reporter.tearDown(this.#upstream),
      subscribe: followSource(reporter.account),
    });
  }

  follow(source: Observable<T>): void {
    const queueSize = () => this.#queue.length;
    const queueCapacity = () => this.#settings.maxQueueSize;
    const queueBytes = () => this.#queue.bytes;
    tearDownInOrder(
      this.#subscriber,
      this.#upstream,
      this.#demand,
      () => this.#reporter.lost('unsubscribed', this.#queue.clear()),
      () => this.#water.end(),
      this.#reporter.account.watch({ queueSize, queueCapacity, queueBytes }),
    );
    const next = (count: number) => this.#grant(count);
    const error = (thrown: unknown) => this.#subscriber.error(thrown);
    const complete = () => this.#endOfDemand();
    // Demand that is there already is known before the first item comes.
    subscribeInto(this.#settings.demand, { next, error, complete }, this.#demand);
    this.#end.follow(source, (item) => this.#offer(item), this.#upstream);
  }

  /** Whether nothing more can come out. */
  get #isDry(): boolean {
    return this.#demandIsOver && this.#granted === 0;
  }

  #offer(item: T): void {
    const bytes = measure(item, this.#settings.sizeOf, this.#reporter);
    const priority = rank(item, this.#settings, this.#reporter);
    // A callback may have unsubscribed meanwhile: then there is no queue any more.
    if (this.#subscriber.closed) this.#reporter.refused('unsubscribed', [item]);
    else if (!this.#queue.admits(bytes)) this.#reporter.refused('tooLarge', [item]);
    else if (this.#queue.fits(bytes)) this.#admit(item, bytes, priority);
    else this.#overflow(item, bytes, priority);
  }

  #overflow(item: T, bytes: number, priority: number): void {
    const { maxQueueSize, maxQueueBytes, overflow } = this.#settings;
    if (evicts(overflow) && this.#queue.wouldFit(bytes, this.#queue.evictable(priority))) {
      const evicted: T[] = [];
      while (!this.#queue.fits(bytes)) evicted.push(this.#queue.evict());
      this.#admit(item, bytes, priority);
      this.#reporter.lost('queueFull', evicted);
    } else this.#reporter.refused('queueFull', [item]);
    if (overflow === 'error') this.#end.error(new QueueFullError(STAGE, maxQueueSize, maxQueueBytes));
  }

  #admit(item: T, bytes: number, priority: number): void {
    this.#reporter.account.accept(countOf(item));
    this.#queue.push(item, bytes, priority);
    this.#drain();
  }

  #grant(count: number): void {
    if (isDemand(count)) {
      this.#granted += count; // beyond 2 ** 53 taking one away changes nothing, which is as good as Infinity
      this.#drain();
    } else this.#reporter.callbackFailed(badDemand(count));
  }

  #endOfDemand(): void {
    this.#demandIsOver = true;
    this.#checkEnd();
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#granted > 0 && this.#queue.length > 0) {
      this.#granted -= 1;
      const item = this.#queue.shift();
      this.#reporter.account.handOn(countOf(item));
      this.#reporter.account.passOn(this.#next, item);
    }
    this.#draining = false;
    this.#water.tell(this.#queue.fillRatio);
    this.#checkEnd();
  }

  #checkEnd(): void {
    if (this.#isDry && !this.#draining) this.#end.complete();
    this.#end.check();
  }
}

function isDemand(count: number): boolean {
  return count === Number.POSITIVE_INFINITY || (Number.isSafeInteger(count) && count >= 0);
}

function badDemand(count: unknown): InvalidOptionError {
  return new InvalidOptionError(`${STAGE}.demand`, 'a whole number from 0, or Infinity', count);
}
