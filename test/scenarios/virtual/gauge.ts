/** What a gauge showed over time: each value weighs as long as it lasted. */
export class Gauge {
  readonly #now: () => number;
  readonly #millisOf = new Map<number, number>(); // how long each value lasted
  #value = 0;
  #sinceMillis: number;

  constructor(now: () => number, value = 0) {
    this.#now = now;
    this.#sinceMillis = now();
    this.#value = value;
  }

  get value(): number {
    return this.#value;
  }

  set value(value: number) {
    this.#keep();
    this.#value = value;
  }

  /** It has shown this since it was last set: for what is counted afterwards. */
  was(value: number): void {
    this.#value = value;
    this.#keep();
  }

  /** Forgets what was before. */
  restart(): void {
    this.#millisOf.clear();
    this.#sinceMillis = this.#now();
  }

  get min(): number {
    return Math.min(...this.#values());
  }

  get max(): number {
    return Math.max(...this.#values());
  }

  get mean(): number {
    return this.#weighted((value) => value) / this.#weighted(() => 1);
  }

  /** The value that lasted longest. */
  get mode(): number {
    this.#keep();
    return [...this.#millisOf].reduce((most, each) => (each[1] > most[1] ? each : most), [0, 0])[0];
  }

  get median(): number {
    const half = this.#weighted(() => 1) / 2;
    let passed = 0;
    for (const value of this.#values().sort((one, other) => one - other)) {
      passed += this.#millisOf.get(value) ?? 0;
      if (passed >= half) return value;
    }
    return this.#value;
  }

  /** The share of the time in which it was within this ratio of its median. */
  shareWithin(ratio: number): number {
    const { median } = this;
    const isWithin = (value: number) => Math.abs(value - median) <= ratio * median;
    return this.#weighted((value) => (isWithin(value) ? 1 : 0)) / this.#weighted(() => 1);
  }

  #values(): number[] {
    this.#keep();
    return [...this.#millisOf.keys()];
  }

  #weighted(of: (value: number) => number): number {
    this.#keep();
    let sum = 0;
    for (const [value, millis] of this.#millisOf) sum += of(value) * millis;
    return sum;
  }

  #keep(): void {
    const now = this.#now();
    const millis = now - this.#sinceMillis;
    this.#sinceMillis = now;
    if (millis > 0) this.#millisOf.set(this.#value, (this.#millisOf.get(this.#value) ?? 0) + millis);
  }
}
