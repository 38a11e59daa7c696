import type { KnownKey } from './known-key.ts';
import type { KnownPart } from './known-part.ts';

/** As many places of one kind of span are remembered at most. */
const MAX_PLACES = 32;

/** What stood at one place among the attributes of the last span of some kind: the next one probably has the same key there, and often the same text. */
export interface Place {
  known: KnownKey;
  last: KnownPart | undefined;
  /** Where it was the same twice in turn: texts that differ are not compared with it. */
  sure: KnownPart | undefined;
}

/** The places of one kind of owner, in the order of its attributes. */
export class Places {
  readonly #places: Place[] = [];

  get length(): number {
    return this.#places.length;
  }

  /** What has this key, if it was the last one there. */
  at(index: number, key: string): Place | undefined {
    if (index >= this.#places.length) return undefined;
    const place = this.#places[index] as Place;
    return place.known.key === key ? place : undefined;
  }

  /** From now on this is the last one there. */
  keep(index: number, known: KnownKey): Place {
    const place = { known, last: undefined, sure: undefined };
    if (index < MAX_PLACES && index <= this.#places.length) this.#places[index] = place;
    return place;
  }
}

/** The name of spans or events, with its length, and what their attributes had. */
export class KnownName {
  readonly part: KnownPart;
  readonly places = new Places();

  constructor(part: KnownPart) {
    this.part = part;
  }
}
