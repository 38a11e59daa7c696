import { Memo } from './memo.ts';
import { Writer } from './writer.ts';

// An array of itself twice, 40 deep, is small in memory and endless on the wire; so is a list of one long string a million times.
// Without these limits one such span would stop the program, or take its whole request with it.
const MAX_VALUES_PER_SPAN = 262_144;
/** Characters and bytes, in all values and keys: the OTLP specification's limit for a whole request. */
const MAX_LENGTH_PER_SPAN = 64 * 1024 * 1024;

const MAX_KNOWN_KEYS = 512;

/** An attribute's key that came before. */
export interface KnownKey {
  readonly key: string;
  /** The field `KeyValue.key`, and the tag of `KeyValue.value`. */
  readonly start: Uint8Array;
  /** Whole messages `KeyValue`, each with its length, by their value. */
  readonly messages: Memo<Uint8Array>;
}

/** What encoding goes on with from span to span and from request to request, and where it is in the present span. */
export class Encoding {
  readonly writer = new Writer();
  readonly keys = new Memo<KnownKey>(MAX_KNOWN_KEYS);
  /** The key that was last in each place among the attributes of whatever was written. */
  readonly places: KnownKey[] = [];
  /** Names of spans and events, each with its length. */
  readonly names = new Memo<Uint8Array>();
  /** How many bytes the length of the last span took: the next one's will probably take as many. */
  spanWidth = 2;
  /** The attribute at the top, for messages. */
  attribute = '';
  /** Objects that contain the present value: one that comes again is circular. */
  readonly ancestors: object[] = [];
  /** Values, events and links that this span may still have. */
  #valuesLeft = 0;
  /** Characters and bytes that they may still have. */
  #lengthLeft = 0;

  /** Begins another span, whatever state the last one was left in. */
  restart(): void {
    if (this.ancestors.length > 0) this.ancestors.length = 0;
    this.#valuesLeft = MAX_VALUES_PER_SPAN;
    this.#lengthLeft = MAX_LENGTH_PER_SPAN;
  }

  /** @throws Error where the span has more than one span may have. */
  spend(values: number, length: number): void {
    this.#valuesLeft -= values;
    this.#lengthLeft -= length;
    if (this.#valuesLeft < 0) throw new Error(`it has more than ${MAX_VALUES_PER_SPAN} values`);
    if (this.#lengthLeft < 0) throw new Error(`its values are longer than ${MAX_LENGTH_PER_SPAN}`);
  }
}
