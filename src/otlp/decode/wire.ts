import type { WirePlace } from '../../model/received.ts';
import type { Reader } from '../protobuf/reader.ts';
import { type Fields, only } from '../protobuf/readMessage.ts';
import type { Resource, Scope } from './decodeRequest.ts';
import type { ReceivedRequest } from './receivedRequest.ts';

/** What the items of one scope have in common. */
export interface Origin {
  readonly request: ReceivedRequest;
  readonly resource: Resource;
  readonly scope: Scope;
}

/** A part of what a message holds: the fields that are read together. */
export interface Part<Message> {
  /** One bit, its own; of several parts in one, all of theirs. */
  readonly bit: number;
  readonly fields: Fields<Message>;
  /** The numbers of its fields, as bits. */
  readonly numbers: number;
  /** What is left to be done when the fields have been read. */
  readonly finish: (message: Message) => void;
}

/** The rows of a table for the fields of a part. */
export function partOf<Message>(
  bit: number,
  fields: Fields<Message>,
  tags: readonly number[],
  finish: Part<Message>['finish'] = () => {},
): Part<Message> {
  return {
    bit,
    fields: only(fields, ...tags),
    numbers: tags.reduce((bits, tag) => bits | (1 << (tag >>> 3)), 0),
    finish,
  };
}

/**
 * Parts of which each is a few bytes. Most programs ask for one of them, or for several: the first is read alone, and the second with all
 * others, since a pass over the message costs as much as they do.
 */
export class SmallParts<Message> {
  readonly #parts: readonly Part<Message>[];
  readonly #bits: number;
  /** What is read with the second, by the bits of the first. */
  readonly #others: (Part<Message> | undefined)[] = [];

  constructor(...parts: readonly Part<Message>[]) {
    this.#parts = parts;
    this.#bits = parts.reduce((bits, { bit }) => bits | bit, 0);
  }

  /** What is to be read when a part is asked for. */
  with(asked: Part<Message>, known: number): Part<Message> {
    const first = known & this.#bits;
    if (first === 0 || (asked.bit & this.#bits) === 0) return asked;
    this.#others[first] ??= joined(this.#parts.filter(({ bit }) => (bit & first) === 0));
    return this.#others[first];
  }
}

function joined<Message>(parts: readonly Part<Message>[]): Part<Message> {
  const size = Math.max(...parts.map(({ fields }) => fields.length));
  return {
    bit: parts.reduce((bits, { bit }) => bits | bit, 0),
    fields: Array.from(
      { length: size },
      (_, tag) => parts.find(({ fields }) => fields[tag] !== undefined)?.fields[tag],
    ),
    numbers: parts.reduce((bits, { numbers }) => bits | numbers, 0),
    finish: (message) => {
      for (const { finish } of parts) finish(message);
    },
  };
}

/** Where a received item stands, and what has been read of it. */
export abstract class Wire<Message> implements WirePlace {
  readonly #origin: Origin;
  readonly at: number;
  readonly start: number;
  readonly end: number;
  /** Filled part by part. */
  #message: Message | undefined;
  #parts = 0;
  /** The numbers of the fields that the message may have, as bits: all, until it has been passed over once. */
  #numbers = -1;
  #hidesSome = false;

  constructor(origin: Origin, at: number, start: number, end: number) {
    this.#origin = origin;
    this.at = at;
    this.start = start;
    this.end = end;
  }

  get origin(): Origin {
    return this.#origin;
  }

  get bytes(): Uint8Array {
    return this.#origin.request.bytes;
  }

  get hidesSome(): boolean {
    return this.#hidesSome;
  }

  /** What has been read of the item, this part included. */
  read(part: Part<Message>): Message {
    const message = this.#message;
    return message !== undefined && (this.#parts & part.bit) !== 0 ? message : this.#readPart(part);
  }

  protected abstract readonly small: SmallParts<Message>;
  protected abstract make(origin: Origin): Message;

  #readPart(asked: Part<Message>): Message {
    this.#message ??= this.make(this.#origin);
    const message = this.#message;
    const part = this.small.with(asked, this.#parts);
    this.#parts |= part.bit;
    if ((this.#numbers & part.numbers) !== 0) {
      const { request } = this.#origin;
      const reader = request.begin(this.start, this.end);
      this.#numbers = readNoting(reader, part.fields, message);
      this.#hidesSome ||= reader.hasReplaced;
      request.end();
    }
    part.finish(message);
    return message;
  }
}

/** Reads the fields of a message, and says which numbers it has, as bits. Those from 32 on fall on others, which are then looked for in vain. */
function readNoting<Message>(reader: Reader, fields: Fields<Message>, message: Message): number {
  let numbers = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    numbers |= 1 << (tag >>> 3);
    const read = fields[tag];
    if (read === undefined) reader.skip(tag);
    else read(message, reader);
  }
  return numbers;
}
