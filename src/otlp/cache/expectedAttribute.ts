import { KnownBytes } from './knownBytes.ts';
import { Memo, ownCopyOf } from './memo.ts';

/** As many names of spans and events are remembered at most. */
const MAX_NAMES = 256;
/** A value that came again so often in turn is expected from then on. */
const SURE = 3;
const LONGEST_REST = 1024;

/**
 * What mostly stands at one place among the attributes of spans of some name: the next one probably has the same key there, and often
 * the same value. It is known by its bytes then, and not read again.
 */
export class ExpectedAttribute {
  readonly key: string;
  /** The field `KeyValue.key`. */
  readonly keyField: KnownBytes;
  /** How often another key stood here in turn. */
  misses = 0;
  /** The whole `KeyValue`, from its length on, if its value is expected. */
  whole: KnownBytes | undefined;
  /** That value: one that nobody can change. */
  value: unknown;
  #last: unknown;
  /** How often the last value came again in turn, of those that were looked at. */
  #inTurn = 0;
  /** Values that still go by unseen. */
  #resting = 0;
  #nextRest = 1;

  constructor(key: string, keyField: KnownBytes) {
    this.key = key;
    this.keyField = keyField;
  }

  /**
   * A value came that is not expected, or not yet, with where its `KeyValue` stands. Values that change are looked at ever more seldom;
   * so are objects, each of which is another.
   */
  found(value: unknown, view: DataView, start: number, end: number): void {
    if (this.#resting > 0) this.#resting -= 1;
    else if (Object.is(value, this.#last)) this.#again(view, start, end);
    else this.#changed(value);
  }

  #again(view: DataView, start: number, end: number): void {
    this.#inTurn += 1;
    if (this.#inTurn < SURE) return;
    this.whole = new KnownBytes(view, start, end);
    this.value = this.#last;
    this.#inTurn = 1;
  }

  #changed(value: unknown): void {
    if (this.#inTurn === 0) {
      this.#resting = this.#nextRest;
      this.#nextRest = Math.min(this.#nextRest * 2, LONGEST_REST);
    }
    this.#last = typeof value === 'object' ? undefined : value;
    this.#inTurn = 0;
  }
}

/** By their place; nothing where nothing is expected. */
export type Expected = (ExpectedAttribute | undefined)[];

const names = new Memo<Expected>(MAX_NAMES);
const ofNoName: Expected = [];

/** What is expected of spans or events of this name; without one, or while names seldom come again, of all together. */
export function expectedOf(name: string): Expected {
  return names.find(name) ?? firstOf(name);
}

function firstOf(name: string): Expected {
  if (name === '' || !names.wants(name)) return ofNoName;
  const expected: Expected = [];
  names.keep(ownCopyOf(name), expected);
  return expected;
}
