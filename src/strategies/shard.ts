/** Keys whose places are remembered, at most. */
export const MAX_KNOWN_KEYS = 4_096;

/**
 * Which of `size` places has a key: the same key always the same place. Keys are compared by their text, so `1` and `'1'` are one key.
 *
 * A key that comes for the first time gets a place that has the fewest of the keys so far, the first one of them from its hash on. A hash alone would not do: of 8 keys it gives 2 places 4 each in one case out of four, and the keys of a program are often few.
 * So that keys without end, ids of traces for example, need no memory without end, the places of the first 4,096 are remembered, by a hash of 32 bits; of the others the hash decides, which spreads many evenly enough.
 */
export class ShardPlaces {
  readonly #places = new Map<number, number>(); // by the hash of the key
  readonly #keys: number[]; // that are remembered, for each place

  constructor(size: number) {
    this.#keys = Array.from({ length: size }, () => 0);
  }

  /** How many keys are remembered. */
  get known(): number {
    return this.#places.size;
  }

  placeOf(key: string): number {
    const hash = hashOf(key);
    const known = this.#places.get(hash);
    if (known !== undefined) return known;
    const first = hash % this.#keys.length;
    if (this.known >= MAX_KNOWN_KEYS) return first;
    const place = this.#emptiestFrom(first);
    this.#keys[place] = this.#keysAt(place) + 1;
    this.#places.set(hash, place);
    return place;
  }

  #emptiestFrom(first: number): number {
    const size = this.#keys.length;
    let emptiest = first;
    for (let step = 1; step < size; step += 1) {
      const place = (first + step) % size;
      if (this.#keysAt(place) < this.#keysAt(emptiest)) emptiest = place;
    }
    return emptiest;
  }

  #keysAt(place: number): number {
    return this.#keys[place] as number;
  }
}

/** 32-bit FNV-1a with MurmurHash3's finalizer, because the low bits of FNV alone are uneven. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
