/** Up to so many, to look at each is faster than to hash one. */
const FEW = 8;

/** What belongs to objects, found by the object itself, in the order in which it was added. */
export class ByIdentity<Key extends object, Value> {
  readonly values: Value[] = [];
  readonly #keys: Key[] = [];
  /** Where there are more than a few. */
  #many: Map<Key, Value> | undefined;

  get(key: Key): Value | undefined {
    if (this.#many !== undefined) return this.#many.get(key);
    const index = this.#keys.indexOf(key);
    return index < 0 ? undefined : this.values[index];
  }

  /** @param key one that was not added before */
  add(key: Key, value: Value): void {
    this.#keys.push(key);
    this.values.push(value);
    if (this.#many !== undefined) this.#many.set(key, value);
    else if (this.#keys.length > FEW)
      this.#many = new Map(this.#keys.map((known, at) => [known, this.values[at] as Value]));
  }
}
