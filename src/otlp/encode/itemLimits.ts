import { shown } from '../../model/errors.ts';

// An array that contains one array twice, and so on 40 levels deep, is small in memory and endless on the wire. So is a list of one
// long string a million times. Without these limits one such item would stop the program, or fail its whole request.
const MAX_VALUES_PER_ITEM = 262_144;
/** Characters and bytes, in all values and keys: the OTLP specification's limit for a whole request. */
const MAX_LENGTH_PER_ITEM = 64 * 1024 * 1024;

/** Messages inside messages that protobuf's own readers accept: 47 arrays or 31 objects inside one span attribute. */
const MAX_MESSAGE_DEPTH = 100;
const MESSAGES_PER_ARRAY = 2;
const MESSAGES_PER_MAP = 3;

/** Where the encoder is among the values of one item, and how much this item may still have. One serves a whole request. */
export class ItemLimits {
  /** The attribute at the top, for messages; `undefined`: the body of a log record. */
  attribute: string | undefined = '';
  /** The objects that contain the present value. One that contains itself is circular. */
  readonly ancestors: object[] = [];
  /** Values and inner messages (such as events) that this item may still have. */
  valuesLeft = 0;
  /** Characters and bytes that they may still have. */
  lengthLeft = 0;

  /** Begins another item, whatever state the last one was left in. */
  restart(): void {
    if (this.ancestors.length > 0) this.ancestors.length = 0;
    this.valuesLeft = MAX_VALUES_PER_ITEM;
    this.lengthLeft = MAX_LENGTH_PER_ITEM;
  }

  /** @throws Error where the item has more than one item may have. */
  spend(values: number, length: number): void {
    this.valuesLeft -= values;
    this.lengthLeft -= length;
    if (this.valuesLeft < 0 || this.lengthLeft < 0) this.overspent();
  }

  /**
   * Enters an array or a map, and returns how many messages contain its values. The caller takes it off the ancestors again.
   *
   * @throws Error where it is circular, or too deep.
   */
  enter(value: object, depth: number): number {
    const { ancestors } = this;
    if (ancestors.length > 0 && ancestors.includes(value)) throw new Error(`${this.#top()} is circular`);
    const inside = depth + (Array.isArray(value) ? MESSAGES_PER_ARRAY : MESSAGES_PER_MAP);
    if (inside > MAX_MESSAGE_DEPTH) throw new Error(`${this.#top()} is nested too deep`);
    ancestors.push(value);
    return inside;
  }

  #top(): string {
    return this.attribute === undefined ? 'its body' : `its attribute ${shown(this.attribute)}`;
  }

  private overspent(): never {
    if (this.valuesLeft < 0) throw new Error(`it has more than ${MAX_VALUES_PER_ITEM} values`);
    throw new Error(`its values are longer than ${MAX_LENGTH_PER_ITEM}`);
  }
}
