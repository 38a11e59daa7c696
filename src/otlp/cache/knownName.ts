import type { Encoding } from '../traces/encode/encoding.ts';
import { type KnownKey, knownKey } from './knownKey.ts';
import type { KnownPart } from './knownPart.ts';

/** As many places of one kind of span are remembered at most. */
const MAX_PLACES = 32;

/**
 * What stood at one place among the attributes of the last span of some kind: the next one probably has the same key there, and often
 * the same text.
 */
export interface Place {
  readonly key: string;
  readonly known: KnownKey;
  /** The entry with the last text. */
  last: KnownPart | undefined;
  /** The same where it was the last one twice in turn: texts that change are not compared with it. */
  sure: KnownPart | undefined;
}

/** What has a key that did not stand at this place, or nothing. */
export function placeFor(encoding: Encoding, places: Place[], index: number, key: string): Place | undefined {
  const known = knownKey(encoding, key);
  if (known === undefined) return undefined;
  const place = { key: known.key, known, last: undefined, sure: undefined };
  if (index < MAX_PLACES && index <= places.length) places[index] = place;
  return place;
}

/** The whole entry with this text, if it is known. */
export function knownText(place: Place, text: string): KnownPart | undefined {
  const sure = place.sure;
  if (sure !== undefined && sure.text === text) return sure;
  const { messages } = place.known;
  const message = messages.find(text);
  if (message !== undefined && message === place.last) {
    place.sure = message;
    // From now on it comes again without being asked for.
    messages.hit(1);
  } else place.sure = undefined;
  place.last = message;
  return message;
}

/** The name of spans or events, with its length, and what their attributes had. */
export class KnownName {
  readonly part: KnownPart;
  readonly places: Place[] = [];

  constructor(part: KnownPart) {
    this.part = part;
  }
}
