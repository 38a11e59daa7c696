/** Where something that was received stands in the bytes of its request. */
export interface WirePlace {
  /** The bytes of the request, which are not written to any more. */
  readonly bytes: Uint8Array;
  /** Where its length begins, right behind the tag of its field. */
  readonly at: number;
  /** Where its message begins. */
  readonly start: number;
  readonly end: number;
  /** Of resources and scopes: what is equal byte for byte has an equal key. */
  readonly key?: string;
  /** Whether its bytes have more than can be read: of a key that comes twice, the value that was replaced. Known once it has been read. */
  readonly hidesSome?: boolean;
}

/** What may stand in the bytes of a request: a span, a log record, a data point, a resource, a scope. It cannot be changed. */
export class Received {
  /** Private, so that an object which inherits from this one lacks it: there something has been replaced. */
  readonly #place: WirePlace | undefined;

  constructor(place?: WirePlace) {
    this.#place = place;
  }

  /** Where the value stands; `undefined` where it was not received, or is not as it was received. */
  static placeOf(value: unknown): WirePlace | undefined {
    return typeof value === 'object' && value !== null && #place in value ? value.#place : undefined;
  }
}

/** How many bytes an item takes in the request that it came with, tag and length included; `undefined` where it was not received, or is not as it was received. */
export function receivedBytes(item: object): number | undefined {
  const place = Received.placeOf(item);
  return place === undefined ? undefined : 1 + place.end - place.at;
}
