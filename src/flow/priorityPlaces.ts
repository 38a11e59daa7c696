import type { PriorityOverflow } from '../model/overflow.ts';
import { type Link, LinkedQueue } from './linkedQueue.ts';
import { type Evictable, type Places, RingPlaces } from './places.ts';
import { MAX_PRIORITY } from './priority.ts';
import { Ring } from './ring.ts';

interface Entry<T> {
  readonly item: T;
  readonly bytes: number;
  readonly level: Level<T>;
  /** How many items had come before it. */
  readonly sequence: number;
}

/** The items of one priority, in the order in which they came. */
interface Level<T> {
  readonly entries: Ring<Link<Entry<T>>>;
  bytes: number;
}

/** Places from which the least important item is evicted, and among those of one priority the oldest. Items leave by their age, whatever their priority. */
export class PriorityPlaces<T> implements Places<T> {
  readonly #entries = new LinkedQueue<Entry<T>>();
  readonly #levels = Array.from({ length: MAX_PRIORITY + 1 }, (): Level<T> => ({ entries: new Ring(), bytes: 0 }));
  #came = 0; // items so far

  get length(): number {
    return this.#entries.length;
  }

  get firstBytes(): number | undefined {
    return this.#entries.first?.value.bytes;
  }

  get sequence(): number {
    return this.#entries.first?.value.sequence ?? this.#came;
  }

  push(item: T, bytes: number, priority: number): void {
    const level = this.#levels[priority] as Level<T>;
    level.entries.push(this.#entries.push({ item, bytes, level, sequence: this.#came }));
    level.bytes += bytes;
    this.#came += 1;
  }

  shift(): T {
    // The oldest of all is the oldest of its priority.
    return this.#removeFirst((this.#entries.first as Link<Entry<T>>).value.level).item;
  }

  evictable(priority: number): Evictable {
    let [items, bytes] = [0, 0];
    for (const level of this.#levels.slice(0, priority + 1)) {
      items += level.entries.length;
      bytes += level.bytes;
    }
    return { items, bytes };
  }

  evict(): Entry<T> {
    return this.#removeFirst(this.#levels.find(({ entries }) => entries.length > 0) as Level<T>);
  }

  #removeFirst(level: Level<T>): Entry<T> {
    const link = level.entries.shift() as Link<Entry<T>>;
    this.#entries.remove(link);
    level.bytes = level.entries.length === 0 ? 0 : level.bytes - link.value.bytes;
    return link.value;
  }
}

/** The places of a queue with this policy. */
export function placesFor<T>(overflow: PriorityOverflow): Places<T> {
  return overflow === 'dropLowestPriority' ? new PriorityPlaces() : new RingPlaces();
}
