import { type Link, LinkedQueue } from '../../flow/linkedQueue.ts';
import { Ring } from '../../flow/ring.ts';

/** An item that waits for its turn. */
export interface Waiting<T> {
  readonly item: T;
  readonly index: number;
  readonly bytes: number;
  readonly key: unknown;
  /** Set when the key could not be told. */
  readonly failure: { readonly error: unknown } | undefined;
}

/** Who waits, and whose turn is next. It has no bound of its own. Every verb is O(1), {@link Line.clear} apart. */
export interface Line<T> {
  readonly length: number;
  /** How many of them could begin now, if only there was room. */
  readonly startable: number;
  /** Whether an item of this key would be startable. */
  isFree(key: unknown): boolean;
  push(waiting: Waiting<T>): void;
  /** The next one that may begin, who leaves. */
  take(): Waiting<T> | undefined;
  /** One of this key, who had begun, has ended. */
  ended(key: unknown): void;
  /** The one who has waited longest, who leaves. */
  evict(): Waiting<T> | undefined;
  /** Everybody leaves, in the order in which they came. */
  clear(): Waiting<T>[];
}

/** Everybody in the order in which they came. */
export class PlainLine<T> implements Line<T> {
  readonly #waiting = new Ring<Waiting<T>>();

  get length(): number {
    return this.#waiting.length;
  }

  get startable(): number {
    return this.#waiting.length;
  }

  isFree(): boolean {
    return true;
  }

  push(waiting: Waiting<T>): void {
    this.#waiting.push(waiting);
  }

  take(): Waiting<T> | undefined {
    return this.#waiting.shift();
  }

  ended(): void {}

  evict(): Waiting<T> | undefined {
    return this.#waiting.shift();
  }

  clear(): Waiting<T>[] {
    return this.#waiting.take(this.#waiting.length);
  }
}

/** Those of one key. It is there as long as one of them waits or runs. */
interface Lane<T> {
  readonly queue: LinkedQueue<Link<Waiting<T>>>; // their places among all who wait
  place: Link<Lane<T>> | undefined; // among the lanes that may begin; none while one of its items runs
}

/** One of each key at a time, those of a key in the order in which they came. The keys take turns. */
export class KeyedLine<T> implements Line<T> {
  readonly #waiting = new LinkedQueue<Waiting<T>>(); // everybody, in the order in which they came
  readonly #lanes = new Map<unknown, Lane<T>>();
  readonly #startable = new LinkedQueue<Lane<T>>(); // lanes in which somebody waits and nobody runs

  get length(): number {
    return this.#waiting.length;
  }

  get startable(): number {
    return this.#startable.length;
  }

  isFree(key: unknown): boolean {
    return !this.#lanes.has(key);
  }

  push(waiting: Waiting<T>): void {
    const link = this.#waiting.push(waiting);
    const lane = this.#lanes.get(waiting.key);
    if (lane !== undefined) lane.queue.push(link);
    else this.#open(waiting.key, link);
  }

  take(): Waiting<T> | undefined {
    const lane = this.#startable.shift();
    if (lane === undefined) return undefined;
    lane.place = undefined;
    return this.#takeFirst(lane);
  }

  ended(key: unknown): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    if (lane.queue.length === 0) this.#lanes.delete(key);
    else lane.place = this.#startable.push(lane);
  }

  evict(): Waiting<T> | undefined {
    const oldest = this.#waiting.first?.value;
    const lane = this.#lanes.get(oldest?.key);
    if (oldest === undefined || lane === undefined) return undefined;
    // The oldest of all is the oldest of its key.
    this.#takeFirst(lane);
    if (lane.queue.length === 0 && lane.place !== undefined) {
      this.#startable.remove(lane.place);
      this.#lanes.delete(oldest.key);
    }
    return oldest;
  }

  clear(): Waiting<T>[] {
    const cleared: Waiting<T>[] = [];
    for (let waiting = this.evict(); waiting !== undefined; waiting = this.evict()) cleared.push(waiting);
    return cleared;
  }

  #open(key: unknown, first: Link<Waiting<T>>): void {
    const lane: Lane<T> = { queue: new LinkedQueue(), place: undefined };
    lane.queue.push(first);
    lane.place = this.#startable.push(lane);
    this.#lanes.set(key, lane);
  }

  #takeFirst(lane: Lane<T>): Waiting<T> {
    const link = lane.queue.shift() as Link<Waiting<T>>;
    this.#waiting.remove(link);
    return link.value;
  }
}
