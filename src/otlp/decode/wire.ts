import { READ_ALL, ReceivedItem, type WirePlace } from '../../model/received.ts';
import type { Reader } from '../protobuf/reader.ts';
import { type Fields, only } from '../protobuf/readMessage.ts';
import type { Resource, Scope } from './decodeRequest.ts';
import { oneAttribute } from './oneAttribute.ts';
import type { ReceivedRequest } from './receivedRequest.ts';
import { ReceivedResource } from './receivedResource.ts';

// Placeholders, of which no item keeps one.
const NO_RESOURCE = new ReceivedResource();
const NO_SCOPE: Scope = { name: '' };

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

/** How the parts of a message are read. */
export interface Layout<Message> {
  readonly small: SmallParts<Message>;
  readonly make: (origin: Origin) => Message;
}

/** What has been read of an item, part by part. */
class Reading<Message> {
  readonly message: Message;
  parts = 0;
  /** The numbers of the fields that the message may have, as bits: all, until it has been passed over once. */
  numbers = -1;
  hidesSome = false;

  constructor(message: Message) {
    this.message = message;
  }
}

/** What the items of one scope have in common. */
export class Origin {
  readonly request: ReceivedRequest;
  /** Both are filled in when the frame of the request has been read. */
  resource: Resource = NO_RESOURCE;
  scope: Scope = NO_SCOPE;
  readonly #attributes: AttributesPart | undefined;

  constructor(request: ReceivedRequest, attributes: AttributesPart | undefined) {
    this.request = request;
    this.#attributes = attributes;
  }

  get bytes(): Uint8Array {
    return this.request.bytes;
  }

  /** One attribute of an item: `undefined` where it has none of this key, or `READ_ALL`. */
  attributeOf(item: View<unknown>, key: string): unknown {
    const part = this.#attributes;
    const reading = ReceivedItem.readingOf(item);
    if (part === undefined || (reading !== undefined && (reading.parts & part.bit) !== 0)) return READ_ALL;
    if (reading !== undefined && (reading.numbers & part.numbers) === 0) return undefined;
    return oneAttribute(this.request, ReceivedItem.placeOf(item) as WirePlace, part.tag, key);
  }
}

/** Where the attributes of an item are. */
export interface AttributesPart extends Pick<Part<never>, 'bit' | 'numbers'> {
  readonly tag: number;
}

/** A received item that is read part by part. */
export abstract class View<Message> extends ReceivedItem<Origin, Reading<Message>> {}

/** Reads parts of views of one kind. What is returned holds what has been read of the item, this part included. */
export function readerOf<Message>(layout: Layout<Message>): (view: View<Message>, part: Part<Message>) => Message {
  return (view, part) => {
    const reading = ReceivedItem.readingOf(view);
    return reading !== undefined && (reading.parts & part.bit) !== 0
      ? reading.message
      : readPart(layout, ReceivedItem.behind(view), part);
  };
}

function readPart<Message>({ small, make }: Layout<Message>, view: View<Message>, asked: Part<Message>): Message {
  const origin = ReceivedItem.originOf(view);
  const reading = ReceivedItem.readingOf(view) ?? begun(view, make(origin));
  const { message } = reading;
  const part = small.with(asked, reading.parts);
  reading.parts |= part.bit;
  if ((reading.numbers & part.numbers) !== 0) {
    const { request } = origin;
    const reader = request.beginMessage(ReceivedItem.rangeOf(view));
    reading.numbers = readNoting(reader, part.fields, message);
    reading.hidesSome ||= reader.hasReplaced;
    request.end();
  }
  part.finish(message);
  return message;
}

function begun<Message>(view: View<Message>, message: Message): Reading<Message> {
  const reading = new Reading(message);
  ReceivedItem.keep(view, reading);
  return reading;
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
