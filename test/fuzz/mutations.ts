// Changes of a body, each drawn from a random number generator: the same seed, the same body.

import type { Random } from '../support/spans.ts';
import type { Format } from './corpus.ts';
import { fieldsOf, type WireField, withContent } from './fields.ts';

const MAX_BYTES = 65_536;
/** How many changes, mostly one: after several, hardly any body is sound. */
const CHANGE_COUNTS = [1, 1, 1, 2, 4];

type Change = (bytes: Buffer, draw: Draw) => Buffer;

/** Random choices. */
class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** A place, and how far it reaches: mostly not far. */
  range({ length }: Uint8Array): [start: number, end: number] {
    const start = this.below(length + 1);
    return [start, Math.min(length, start + this.of([1, 2, 4, 16, this.below(length + 1)]))];
  }
}

/** Numbers at the edges of what a varint can be, lengths that reach beyond every end, tags of no field, ends of groups. */
const EDGES = [
  ...['00', '01', '7f', '80', 'ff', '0b', '0c', '07', '06', '8000', 'ff7f', 'ffffffff07', 'ffffffff0f', '8080808008'],
  ...['ffffffffffffffffff01', 'ffffffffffffffffff7f', '80808080808080808000', '80808080808080808080', '0a', '12', '1a'],
  ...['2a', '4a', '5a', '6a', 'eda080', 'c080', 'f4908080', '000000000000f87f', '000000000000f0ff'],
].map((hex) => Buffer.from(hex, 'hex'));

/** What JSON can have in the place of something else. */
const TOKENS = [
  ...['null', 'true', '{}', '[]', '""', '0', '-1', '1e400', '1e-400', '9223372036854775808', '"18446744073709551616"'],
  ...['"\\ud800"', '"\\u0000"', '{"a":{"a":{"a":[]}}}', '"NaN"', '"Infinity"', ',', ':', '"', '\\', '}', ']', '\ufeff'],
  ...['{"arrayValue":{"values":[', '"__proto__":1,', '{"__proto__":null}', '"constructor"', '1.0', '"1e3"', '/**/'],
].map((text) => Buffer.from(text));

const replaced = (bytes: Buffer, [start, end]: readonly [number, number], by: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, start), by, bytes.subarray(end)]);

const anywhere: readonly Change[] = [
  (bytes, draw) => flipped(bytes, draw.below(bytes.length), 1 << draw.below(8)),
  (bytes, draw) => replaced(bytes, draw.range(bytes), Buffer.alloc(0)),
  (bytes, draw) => bytes.subarray(0, draw.below(bytes.length + 1)),
  (bytes, draw) => bytes.subarray(draw.below(bytes.length + 1)),
  // Twice, or many times.
  (bytes, draw) => {
    const range = draw.range(bytes);
    const copies = Array.from({ length: draw.of([2, 2, 3, 100]) }, () => bytes.subarray(...range));
    return replaced(bytes, range, Buffer.concat(copies));
  },
  // One part in the place of another one.
  (bytes, draw) => replaced(bytes, draw.range(bytes), bytes.subarray(...draw.range(bytes))),
  (bytes, draw) => replaced(bytes, draw.range(bytes), randomBytes(draw)),
];

const CHANGES: Readonly<Record<Format, readonly Change[]>> = {
  protobuf: [
    ...anywhere,
    (bytes, draw) => overwritten(bytes, draw.below(bytes.length + 1), draw.of(EDGES)),
    (bytes, draw) => replaced(bytes, [draw.below(bytes.length + 1), 0], draw.of(EDGES)).subarray(0, MAX_BYTES),
    ...Array.from({ length: 8 }, () => changedWithin),
    // As deep as a message may be, and deeper.
    (bytes, draw) => nested(bytes, draw.of([1, 2, 90, 110]), draw.of([0x0a, 0x12, 0x2a, 0x32])),
  ],
  json: [
    ...anywhere,
    (bytes, draw) => {
      const at = draw.below(bytes.length + 1);
      return replaced(bytes, [at, at], draw.of(TOKENS));
    },
    (bytes, draw) => replacedToken(bytes, draw),
    (bytes, draw) => replacedToken(bytes, draw),
  ],
};

/** A body after some changes. */
export function mutated(bytes: Uint8Array, format: Format, random: Random): Buffer {
  const draw = new Draw(random);
  let changed: Buffer = Buffer.from(bytes);
  for (let left = draw.of(CHANGE_COUNTS); left > 0 && changed.length > 0; left -= 1)
    changed = draw.of(CHANGES[format])(changed, draw).subarray(0, MAX_BYTES);
  return changed;
}

function flipped(bytes: Buffer, at: number, bits: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ bits;
  return copy;
}

function overwritten(bytes: Buffer, at: number, by: Buffer): Buffer {
  return replaced(bytes, [at, Math.min(bytes.length, at + by.length)], by);
}

function randomBytes(draw: Draw): Buffer {
  return Buffer.from(Array.from({ length: 1 + draw.below(8) }, () => draw.below(256)));
}

function nested(bytes: Buffer, levels: number, tag: number): Buffer {
  let inner = bytes;
  for (let level = 0; level < levels; level += 1) inner = Buffer.concat([Buffer.of(tag), varint(inner.length), inner]);
  return inner;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Changes one field, at any depth, and leaves the lengths around it right. */
function changedWithin(bytes: Buffer, draw: Draw): Buffer {
  const fields = fieldsOf(bytes);
  if (fields === undefined || fields.length === 0) return bytes;
  const at = draw.below(fields.length);
  const field = fields[at] as WireField;
  const others = fields.map((other) => other.bytes);
  const isMessage = field.content !== undefined && field.content.length > 0 && fieldsOf(field.content) !== undefined;
  if (isMessage && draw.below(8) > 0) others[at] = withContent(field, changedWithin(field.content as Buffer, draw));
  else others.splice(at, 1, ...instead(field, others, draw));
  return Buffer.concat(others);
}

/** What can stand in the place of a field: nothing, itself several times, another one, one of another kind, one with other bytes. */
function instead(field: WireField, others: readonly Buffer[], draw: Draw): Buffer[] {
  const { tag, bytes, content } = field;
  const choices = [
    () => [],
    () => [bytes, bytes],
    () => Array.from({ length: 400 }, () => bytes),
    () => [bytes, draw.of(others)],
    () => [Buffer.of(tag ^ (1 << draw.below(7))), bytes.subarray(1)] as Buffer[],
    () => [withContent(field, draw.of(EDGES))],
    () => [Buffer.of(tag), draw.of(EDGES)],
    () => [withContent(field, flipped(content ?? bytes, draw.below(bytes.length), 1 << draw.below(8)))],
    () => [withContent(field, Buffer.concat([content ?? bytes, bytes]))],
  ];
  return draw.of(choices)();
}

/** A text, number or word of the JSON becomes another one. */
function replacedToken(bytes: Buffer, draw: Draw): Buffer {
  const text = bytes.toString('latin1');
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/g)];
  if (tokens.length === 0) return bytes;
  const { 0: token, index } = draw.of(tokens);
  return replaced(bytes, [index, index + token.length], draw.of(TOKENS));
}
