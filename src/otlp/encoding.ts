import { Memo } from './memo.ts';
import { Walk } from './walk.ts';
import { Writer } from './writer.ts';

const MAX_KNOWN_KEYS = 512;

/** An attribute's key that came before. */
export interface KnownKey {
  readonly key: string;
  /** The field `KeyValue.key`, and the tag of `KeyValue.value`. */
  readonly start: Uint8Array;
  /** Whole messages `KeyValue`, each with its length, by their value. */
  readonly messages: Memo<Uint8Array>;
}

/** What encoding goes on with from span to span and from request to request. */
export class Encoding extends Walk {
  readonly writer = new Writer();
  readonly keys = new Memo<KnownKey>(MAX_KNOWN_KEYS);
  /** The key that was last in each place among the attributes of whatever was written. */
  readonly places: KnownKey[] = [];
  /** Names of spans and events, each with its length. */
  readonly names = new Memo<Uint8Array>();
  /** How many bytes the length of the last span took: the next one's will probably take as many. */
  spanWidth = 2;
}
