import { KnownBytes } from './known-bytes.ts';
import { Memo, ownCopyOf } from './memo.ts';

/** As many names of spans and events are remembered at most. */
const MAX_NAMES = 256;
/** A value that came again so often in turn is expected from then on. */
const SURE = 3;
const LONGEST_REST = 1024;

/**
 * What stood at one place among the attributes of the last span of some name: the next one probably has the same key there, and often
 * the same value. It is known by its bytes then, and not read again.
 */
export class ExpectedAttribute {
  readonly key: string;
  /** The field `KeyValue.key`. */
  readonly keyField: KnownBytes;
  /** Another key stood here the last time. */
  isDoubted = false;
  /** The whole `KeyValue`, from its length on, if its value is expected. */
  whole: KnownBytes | undefined;
  /** That value: one that nobody can change. */
  value: unknown;
  #last: unknown;
  /** How often the last value came again in turn. */
  #inTurn = 0;
  /** Values that still go by unseen. */
  #resting = 0;
  #nextRest = 1;

  constructor(key: string, keyField: KnownBytes) {
    this.key = key;
    this.keyField = keyField;
  }

  /** Another value than the expected one, with where its `KeyValue` stands. Values that change are looked at ever more seldom; so are objects, each of which is another. */
  found(value: unknown, view: DataView, start: number, end: number): void {
    if (this.#resting > 0) this.#resting -= 1;
    else if (value === this.#last) this.#again(view, start, end);
    else this.#changed(value);
  }

  #again(view: DataView, start: number, end: number): void {
    this.#inTurn += 1;
    if (this.#inTurn < SURE) return;
    this.whole = new KnownBytes(view, start, end);
    this.value = this.#last;
  }

  #changed(value: unknown): void {
    if (this.#inTurn === 0) {
      this.#resting = this.#nextRest;
      this.#nextRest = Math.min(this.#nextRest * 2, LONGEST_REST);
    }
    this.#last = value;
    this.#inTurn = 0;
  }
}

const names = new Memo<ExpectedAttribute[]>(MAX_NAMES);
const ofNoName: ExpectedAttribute[] = [];

/** What is expected of spans or events of this name; of resources and others without one too. */
export function expectedOf(name: string): ExpectedAttribute[] {
  return names.find(name) ?? firstOf(name);
}

function firstOf(name: string): ExpectedAttribute[] {
  if (name === '' || !names.wants(name)) return ofNoName;
  const expected: ExpectedAttribute[] = [];
  names.keep(ownCopyOf(name), expected);
  return expected;
}
