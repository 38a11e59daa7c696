import type { Attributes } from '@opentelemetry/api';
import { type Expected, ExpectedAttribute } from '../../cache/expectedAttribute.ts';
import { KnownBytes } from '../../cache/knownBytes.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { mayBeIndex, readValue, setAttribute } from './decodeValue.ts';

/** Of so many attributes of one owner something is expected at most. */
const MAX_EXPECTED = 32;
/** After so many other keys in turn, the next of them is expected instead. */
const MAX_MISSES = 8;
/** What it takes beside its text. */
const ATTRIBUTE_BYTES = 96;
/** No key is expected, and no whole `KeyValue`, that takes more. */
const MAX_BYTES = 128;

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written.
const KEY_VALUE_KEY = 0x0a;
const KEY_VALUE_VALUE = 0x12;

/**
 * Reads the `index`-th `KeyValue` of a span, an event or a resource into its attributes: of several values under one key the last
 * stays, at the place of the first.
 */
export function readNextAttribute(reader: Reader, attributes: Attributes, expected: Expected, index: number): void {
  reader.spend(1, ATTRIBUTE_BYTES);
  const known = expected[index];
  if (known?.whole !== undefined && reader.passes(known.whole)) {
    known.misses = 0;
    attributes[known.key] = known.value as Attributes[string];
  } else readOther(reader, attributes, expected, index);
}

function readOther(reader: Reader, attributes: Attributes, expected: Expected, index: number): void {
  const known = expected[index];
  const start = reader.at;
  const outer = reader.enter();
  const content = reader.at;
  const isExpected = known !== undefined && reader.passes(known.keyField);
  let key = isExpected ? known.key : '';
  let keyEnd = 0; // where the first field ends, if it is the key, and the only one
  let value: unknown = null;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === KEY_VALUE_KEY) {
      const isFirst = reader.at === content + 1;
      key = reader.text();
      keyEnd = isFirst ? reader.at : 0;
    } else if (tag === KEY_VALUE_VALUE) value = readValue(reader, value);
    else reader.skip(tag);
  }
  reader.leave(outer);
  setAttribute(reader, attributes, key, value);
  if (!isExpected) expectKey(reader, expected, index, key, content, keyEnd);
  else if (key === known.key) {
    known.misses = 0;
    if (reader.at - start <= MAX_BYTES) known.found(value, reader.view, start, reader.at);
  }
}

/** Whether to set it takes more than an assignment. */
function isSpecial(key: string): boolean {
  return key === '__proto__' || mayBeIndex(key);
}

/** A key that is not the expected one came, with where its field stands. */
function expectKey(reader: Reader, expected: Expected, index: number, key: string, start: number, end: number): void {
  const known = expected[index];
  const length = end - start;
  if (known !== undefined && known.misses < MAX_MISSES) known.misses += 1;
  else if (index < MAX_EXPECTED && length >= KnownBytes.LEAST && length <= MAX_BYTES && !isSpecial(key))
    expected[index] = new ExpectedAttribute(key, new KnownBytes(reader.view, start, end));
}
