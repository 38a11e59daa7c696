/** Where something that was received stands in the bytes of its request. */
export interface WirePlace {
  /** The bytes of the request, which are not written to any more. Of a request in JSON there are none: then the places only say how many bytes a message takes, about. */
  readonly bytes: Uint8Array;
  /** Where its length begins, right behind the tag of its field. */
  readonly at: number;
  readonly end: number;
}

/** Of a resource or a scope. */
export interface OwnerPlace extends WirePlace {
  /** Where its message begins. */
  readonly start: number;
  /** What is equal byte for byte has an equal key. */
  readonly key: string;
  /** Whether its bytes have more than can be read: of a key that comes twice, the value that was replaced. Known once it has been read. */
  readonly hidesSome?: boolean;
}

/** A resource or a scope, which may stand in the bytes of a request. It cannot be changed. */
export class ReceivedOwner {
  /** Private, so that an object which inherits from this one lacks it: there something has been replaced. */
  readonly #place: OwnerPlace | undefined;

  constructor(place?: OwnerPlace) {
    this.#place = place;
  }

  /** Where the value stands; `undefined` where it was not received, or is not as it was received. */
  static placeOf(value: unknown): OwnerPlace | undefined {
    return typeof value === 'object' && value !== null && #place in value ? value.#place : undefined;
  }
}

/** What {@link ReceivedItem.attributeOf} returns where an attribute has to be read with the others. */
export const READ_ALL: unique symbol = Symbol('all attributes have to be read');

/** What items of one request have in common. */
interface Origin {
  readonly bytes: Uint8Array;
  /** Reads one attribute of an item, and no other: `undefined` where it has none of this key, or {@link READ_ALL}. */
  attributeOf?(item: ReceivedItem, key: string): unknown;
}

/** What has been read of an item. */
interface Reading {
  /** See {@link OwnerPlace}. */
  readonly hidesSome: boolean;
}

/**
 * A span, a log record or a data point in the bytes of a request. It cannot be changed. Thousands of them wait at the same time, and V8 copies
 * each of them while they do: so it is one object of four fields, and anything else is made when somebody asks for it.
 */
export abstract class ReceivedItem<From extends Origin = Origin, Read extends Reading = Reading> {
  // Private, so that an object which inherits from this one lacks them: there something has been replaced.
  readonly #from: From;
  readonly #at: number;
  readonly #end: number;
  #read: Read | undefined;

  /**
   * @param at where its length begins
   * @param read what has been read of it
   */
  constructor(from: From, at: number, end: number, read?: Read) {
    this.#from = from;
    this.#at = at;
    this.#end = end;
    this.#read = read;
  }

  /** Whether the value stands in a request, as it was received. */
  static is(value: unknown): value is ReceivedItem {
    return typeof value === 'object' && value !== null && #from in value;
  }

  /** Where the bytes of the value stand; `undefined` where it was not received in protobuf, or is not as it was received. */
  static placeOf(value: unknown): WirePlace | undefined {
    return ReceivedItem.is(value) && value.#from.bytes.length > 0 ? ReceivedItem.rangeOf(value) : undefined;
  }

  /** Whether its bytes have more than was read of them. */
  static hidesSome(value: unknown): boolean {
    return ReceivedItem.is(value) && value.#read?.hidesSome === true;
  }

  /** How many bytes an item takes in the request that it came with, tag and length included; `undefined` where it was not received, or is not as it was received. */
  static bytesOf(value: unknown): number | undefined {
    return ReceivedItem.is(value) ? 1 + value.#end - value.#at : undefined;
  }

  /** One attribute of an item, read from its bytes: `undefined` where it has none of this key. {@link READ_ALL} where it is to be asked for its attributes. */
  static attributeOf(value: unknown, key: string): unknown {
    return ReceivedItem.is(value) && value.#from.attributeOf !== undefined
      ? value.#from.attributeOf(value, key)
      : READ_ALL;
  }

  // For those who make such items. They are functions, since an item has nothing but the properties of its type.

  /** The item itself, given it or an object that inherits from it. */
  static behind<From extends Origin, Read extends Reading>(item: ReceivedItem<From, Read>): ReceivedItem<From, Read> {
    return #from in item ? item : ReceivedItem.behind(Object.getPrototypeOf(item));
  }

  static originOf<From extends Origin>(item: ReceivedItem<From, Reading>): From {
    return ReceivedItem.behind(item).#from;
  }

  static rangeOf(item: ReceivedItem): WirePlace {
    return { bytes: item.#from.bytes, at: item.#at, end: item.#end };
  }

  static readingOf<Read extends Reading>(item: ReceivedItem<Origin, Read>): Read | undefined {
    return ReceivedItem.behind(item).#read;
  }

  static keep<Read extends Reading>(item: ReceivedItem<Origin, Read>, read: Read): void {
    item.#read = read;
  }
}

/** See {@link ReceivedItem.bytesOf}. */
export function receivedBytes(item: object): number | undefined {
  return ReceivedItem.bytesOf(item);
}
