/** How many values one memo remembers. */
const MAX_REMEMBERED = 64;
/** Longer strings come again too seldom. */
const MAX_LENGTH = 128;
/** By the time the memo is full, each value must on average have come again this often. */
const LEAST_HITS_EACH = 2;
/** How many values go by before a memo that did not pay is tried again: at first, and at most. */
const FIRST_REST = 2048;
const LONGEST_REST = 1 << 20;

/**
 * Remembers what was made of a value, as long as values come again.
 *
 * When it is full it starts afresh. If what it held had seldom come again (urls, ids), it rests first, twice as long each time: then
 * a value costs one comparison, and none is kept.
 */
export class Memo<Made> {
  readonly #made = new Map<string | number | boolean, Made>();
  readonly #max: number;
  readonly #onAfresh: () => void;
  #hits = 0;
  /** Values that still go by unseen. */
  #resting = 0;
  #nextRest = FIRST_REST;

  /** @param onAfresh called when the memo is emptied, for what goes with its values */
  constructor(max = MAX_REMEMBERED, onAfresh = () => {}) {
    this.#max = max;
    this.#onAfresh = onAfresh;
  }

  get size(): number {
    return this.#made.size;
  }

  find(value: string | number | boolean): Made | undefined {
    if (this.#resting > 0) {
      this.#resting -= 1;
      return undefined;
    }
    if (typeof value === 'string' && value.length > MAX_LENGTH) return undefined;
    const made = this.#made.get(value);
    if (made !== undefined) this.#hits += 1;
    return made;
  }

  /** Credit for values that come again without being asked for. */
  hit(count: number): void {
    this.#hits += count;
  }

  /** Whether what is made of this value, which was not found, should be told to {@link keep}. */
  wants(value: string | number | boolean): boolean {
    return this.#resting === 0 && (typeof value !== 'string' || value.length <= MAX_LENGTH);
  }

  /** @param value a string is {@link ownCopyOf} one */
  keep(value: string | number | boolean, made: Made): void {
    if (this.#made.size >= this.#max) this.#startAfresh();
    if (this.#resting === 0) this.#made.set(value, made);
  }

  clear(): void {
    this.#made.clear();
    this.#hits = 0;
  }

  #startAfresh(): void {
    const pays = this.#hits >= this.#max * LEAST_HITS_EACH;
    this.clear();
    this.#onAfresh();
    if (pays) return;
    this.#resting = this.#nextRest;
    this.#nextRest = Math.min(this.#nextRest * 2, LONGEST_REST);
  }
}

/**
 * The same value without what it may hold in memory: a string can be a slice of a large one.
 *
 * Names of properties are strings that the engine holds once, as it does with those in a program's source: those are then
 * compared by their address.
 */
export function ownCopyOf<Value>(value: Value): Value | string {
  return typeof value === 'string' ? (Object.keys({ [value]: true })[0] ?? value) : value;
}
