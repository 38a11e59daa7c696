import { type Observable, Subscription } from 'rxjs';
import { BoundedQueue, measure } from '../flow/boundedQueue.ts';
import { Ring } from '../flow/ring.ts';
import { QUEUE_MARKS, WaterMarks } from '../flow/waterMarks.ts';
import { subscribeInto } from '../internal/subscribeInto.ts';
import type { Account } from '../ledger/account.ts';
import { countOf, StageReporter } from '../ledger/stageReporter.ts';
import { QueueFullError, SpanflowError } from '../model/errors.ts';
import type { StreamOutputSettings } from './options.ts';

/** What a reader gets: an item, the end, an error (once), or `stopped`, if it has stopped the queue itself. */
export type Pulled<T> =
  | { readonly kind: 'item'; readonly item: T }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'end' | 'stopped' };

/** From push to pull: it subscribes to a source and keeps items in a bounded queue until they are read. */
export class PullQueue<T> {
  readonly #stage: string;
  readonly #settings: StreamOutputSettings<T>;
  readonly #account: Account;
  readonly #reporter: StageReporter<T>;
  readonly #source: Observable<T>;
  readonly #carries: (item: T) => boolean;
  readonly #queue: BoundedQueue<T>;
  readonly #readers = new Ring<(pulled: Pulled<T>) => void>(); // that wait for an item; then the queue is empty
  readonly #subscription = new Subscription();
  #subscribed = false;
  #ending: Pulled<T> | undefined; // what comes when the queue is empty
  readonly #water: WaterMarks;

  /** @param carries whether the reader's side can carry such an item */
  constructor(
    stage: string,
    source: Observable<T>,
    settings: StreamOutputSettings<T>,
    account: Account,
    carries: (item: T) => boolean = () => true,
  ) {
    this.#stage = stage;
    this.#source = source;
    this.#settings = settings;
    this.#account = account;
    this.#reporter = new StageReporter(account, settings);
    this.#carries = carries;
    this.#queue = new BoundedQueue(settings);
    const { gate } = settings;
    this.#water = new WaterMarks(gate && (() => gate.close()), QUEUE_MARKS);
    account.watch({
      queueSize: () => this.#queue.length,
      queueCapacity: () => settings.maxQueueSize,
      queueBytes: () => this.#queue.bytes,
    });
  }

  /** Subscribes to the source, the first time. */
  start(): void {
    if (this.#subscribed) return;
    this.#subscribed = true;
    const end = (ending: Pulled<T>) => this.#end(ending);
    subscribeInto(
      this.#source,
      {
        next: (item) => this.#offer(item),
        error: (error) => end({ kind: 'error', error }),
        complete: () => end({ kind: 'end' }),
      },
      this.#subscription,
    );
  }

  /** Hands the next item over, at once or when it comes. Several readers that wait are served first come, first served. */
  pull(reader: (pulled: Pulled<T>) => void): void {
    this.start();
    if (this.#queue.length > 0) {
      const item = this.#queue.shift();
      this.#account.handOn(countOf(item));
      this.#updateGate();
      reader({ kind: 'item', item });
    } else if (this.#ending !== undefined) {
      const ending = this.#ending;
      if (ending.kind === 'error') this.#ending = { kind: 'end' };
      reader(ending);
    } else if (this.#readers.length < this.#settings.maxQueueSize) {
      this.#readers.push(reader);
    } else {
      const many = `${this.#stage}: more reads than maxQueueSize ${this.#settings.maxQueueSize} wait for an item`;
      reader({ kind: 'error', error: new SpanflowError('QUEUE_FULL', many) });
    }
  }

  /** The reader wants no more: the source is unsubscribed, and what was queued is lost. */
  stop(): void {
    this.#subscribed = true;
    this.#leave();
    this.#ending = { kind: 'stopped' };
    const left = this.#queue.clear();
    this.#reporter.lost('unsubscribed', left);
    this.#updateGate();
    this.#answerReaders(this.#ending);
  }

  /** A source whose teardown throws has failed at that, and the reader is answered all the same. */
  #leave(): void {
    this.#reporter.tearDown(this.#subscription);
  }

  #offer(item: T): void {
    if (this.#ending !== undefined) return;
    if (!this.#carries(item)) this.#reporter.refused('unencodable', [item]);
    else if (this.#readers.length > 0) this.#handOver(item);
    else this.#keep(item);
  }

  #handOver(item: T): void {
    this.#account.accept(countOf(item));
    this.#account.handOn(countOf(item));
    this.#readers.shift()?.({ kind: 'item', item });
  }

  #keep(item: T): void {
    const bytes = measure(item, this.#settings.sizeOf, this.#reporter);
    if (!this.#queue.admits(bytes)) {
      this.#reporter.refused('tooLarge', [item]);
    } else if (this.#queue.fits(bytes) || this.#makeRoom(bytes)) {
      this.#account.accept(countOf(item));
      this.#queue.push(item, bytes);
      this.#updateGate();
    } else {
      this.#overflow(item);
    }
  }

  #makeRoom(bytes: number): boolean {
    if (this.#settings.overflow !== 'dropOldest') return false;
    while (!this.#queue.fits(bytes)) this.#reporter.lost('queueFull', [this.#queue.shift()]);
    return true;
  }

  #overflow(item: T): void {
    this.#reporter.refused('queueFull', [item]);
    if (this.#settings.overflow !== 'error') return;
    const { maxQueueSize, maxQueueBytes } = this.#settings;
    this.#leave();
    this.#end({ kind: 'error', error: new QueueFullError(this.#stage, maxQueueSize, maxQueueBytes) });
  }

  #end(ending: Pulled<T>): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#updateGate();
    const first = this.#readers.shift();
    if (first === undefined) return;
    // An error is for one reader; the others have nothing more to come.
    this.#ending = { kind: 'end' };
    first(ending);
    this.#answerReaders(this.#ending);
  }

  #answerReaders(pulled: Pulled<T>): void {
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) reader(pulled);
  }

  /** After the end nothing comes into the queue any more, so the gate stays open. */
  #updateGate(): void {
    if (this.#ending === undefined) this.#water.tell(this.#queue.fillRatio);
    else this.#water.end();
  }
}
