import { type Link, LinkedQueue } from '../../flow/linkedQueue.ts';
import { Ring } from '../../flow/ring.ts';

/** An item that waits for its turn. */
export interface Waiting<T> {
  readonly item: T;
  readonly index: number;
  readonly bytes: number;
  readonly key: unknown;
  /** Set when `key` threw. */
  readonly failure: { readonly error: unknown } | undefined;
}

/** The items that wait, and which of them is next. It has no bound of its own. Every verb is O(1), except {@link Line.clear}. */
export interface Line<T> {
  readonly length: number;
  /** How many of them could begin now if there were slots. */
  readonly startable: number;
  /** Whether an item of this key would be startable. */
  isFree(key: unknown): boolean;
  push(waiting: Waiting<T>): void;
  /** Removes the next item that may begin. */
  take(): Waiting<T> | undefined;
  /** An item of this key that had begun has ended. */
  ended(key: unknown): void;
  /** Removes the item that has waited longest. */
  evict(): Waiting<T> | undefined;
  /** Removes all items, in the order in which they came. */
  clear(): Waiting<T>[];
}

/** All items in the order in which they came. */
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

/** The items of one key. It exists as long as one of them waits or runs. */
interface Lane<T> {
  readonly queue: LinkedQueue<Link<Waiting<T>>>; // their places among all items that wait
  place: Link<Lane<T>> | undefined; // among the lanes that may begin; `undefined` while one of its items runs
}

/** One item of each key at a time, those of a key in the order in which they came. The keys take turns. */
export class KeyedLine<T> implements Line<T> {
  readonly #waiting = new LinkedQueue<Waiting<T>>(); // all items, in the order in which they came
  readonly #lanes = new Map<unknown, Lane<T>>();
  readonly #startable = new LinkedQueue<Lane<T>>(); // lanes with an item that waits and none that runs

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
