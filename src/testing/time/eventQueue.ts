/** A callback at one virtual instant. */
export interface QueuedEvent {
  /** The instant, in milliseconds since the start of the run. */
  readonly atMillis: number;
  /** Within one instant a lower rank runs first. Within one rank, events run in the order in which they were queued. */
  readonly rank: number;
  readonly run: () => void;
}

interface Entry extends QueuedEvent {
  readonly sequence: number;
  /** The position in the heap, so that removing needs no search; -1 after the event was removed. */
  index: number;
}

/**
 * Events in the order of their instants. A binary heap: adding and removing cost O(log n), and a cancelled event is freed at once, however far
 * in the future it was.
 */
export class EventQueue {
  readonly #heap: Entry[] = [];
  #sequence = 0; // events queued so far: the order within one instant and rank

  get size(): number {
    return this.#heap.length;
  }

  peek(): QueuedEvent | undefined {
    return this.#heap[0];
  }

  push(atMillis: number, rank: number, run: () => void): QueuedEvent {
    const entry: Entry = { atMillis, rank, run, sequence: this.#sequence++, index: this.#heap.length };
    this.#heap.push(entry);
    this.#rise(entry);
    return entry;
  }

  pop(): QueuedEvent | undefined {
    const first = this.#heap[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Removes an event. Does nothing if it has run or was removed before. */
  remove(event: QueuedEvent): void {
    const entry = event as Entry;
    if (this.#heap[entry.index] !== entry) return;
    const last = this.#heap.pop() as Entry;
    if (last !== entry) {
      this.#place(last, entry.index);
      this.#rise(last);
      this.#sink(last);
    }
    entry.index = -1;
  }

  #rise(entry: Entry): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1] as Entry;
      if (!isBefore(entry, parent)) return;
      this.#swap(entry, parent);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.index + 1];
      const right = this.#heap[2 * entry.index + 2];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, entry)) return;
      this.#swap(child, entry);
    }
  }

  #swap(one: Entry, other: Entry): void {
    const index = one.index;
    this.#place(one, other.index);
    this.#place(other, index);
  }

  #place(entry: Entry, index: number): void {
    this.#heap[index] = entry;
    entry.index = index;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  if (one.atMillis !== other.atMillis) return one.atMillis < other.atMillis;
  if (one.rank !== other.rank) return one.rank < other.rank;
  return one.sequence < other.sequence;
}
