/** What adding up fractions may be wrong by. */
const ROUNDING = 1e-6;

/**
 * A token bucket: it fills with time up to its capacity, and what is taken out may leave it in debt. It reads no clock.
 *
 * Over any span of time no more is taken than `capacity + perSecond × seconds`, what was added, and the last debt.
 */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perMilli: number;
  #balance: number;
  #atMillis = Number.NEGATIVE_INFINITY; // when the balance was that

  /** It is full at first. */
  constructor(capacity: number, perSecond: number) {
    this.#capacity = capacity;
    this.#perMilli = perSecond / 1_000;
    this.#balance = capacity;
  }

  /** The tokens that are there; negative while a debt is paid back. */
  available(nowMillis: number): number {
    const elapsedMillis = Math.max(0, nowMillis - this.#atMillis);
    if (this.#balance >= this.#capacity || elapsedMillis === Number.POSITIVE_INFINITY) return this.#balance;
    return Math.min(this.#capacity, this.#balance + elapsedMillis * this.#perMilli);
  }

  /** Whether so many may be taken. More than the bucket holds may be taken when it is full. */
  has(count: number, nowMillis: number): boolean {
    return this.available(nowMillis) + ROUNDING >= Math.min(count, this.#capacity);
  }

  take(count: number, nowMillis: number): void {
    this.#set(this.available(nowMillis) - count, nowMillis);
  }

  add(count: number, nowMillis: number): void {
    this.#set(Math.min(this.#capacity, this.available(nowMillis) + count), nowMillis);
  }

  /** How long until so many are there, in whole milliseconds; 0 if they are, `Infinity` if time alone never brings them. */
  millisUntil(count: number, nowMillis: number): number {
    if (this.has(count, nowMillis)) return 0;
    const missing = Math.min(count, this.#capacity) - this.available(nowMillis);
    return Math.max(1, Math.ceil(missing / this.#perMilli - ROUNDING));
  }

  #set(balance: number, nowMillis: number): void {
    this.#balance = balance;
    this.#atMillis = Math.max(this.#atMillis, nowMillis);
  }
}
