import type { Reader } from './reader.ts';

/** Reads the value of one field into the message. The tag has been read. */
export type ReadField<Message> = (message: Message, reader: Reader) => void;

/** How the fields of a message are read, by tag. A field that is not in the table is skipped. */
export type Fields<Message> = readonly (ReadField<Message> | undefined)[];

// The tag of a field: its number and how its value is written.

export const varint = (number: number): number => number * 8;
export const fixed64 = (number: number): number => number * 8 + 1;
/** A length and its bytes: strings, bytes, messages. */
export const delimited = (number: number): number => number * 8 + 2;
export const fixed32 = (number: number): number => number * 8 + 5;

/** A table of fields: `fieldsOf<Event>({ [delimited(2)]: (event, reader) => { event.name = reader.text(); } })`. */
export function fieldsOf<Message>(byTag: Readonly<Record<number, ReadField<Message>>>): Fields<Message> {
  return Array.from({ length: Math.max(...Object.keys(byTag).map(Number)) + 1 }, (_, tag) => byTag[tag]);
}

/** The rows of a table for some fields. The others are skipped. */
export function only<Message>(fields: Fields<Message>, ...tags: readonly number[]): Fields<Message> {
  return fields.map((read, tag) => (tags.includes(tag) ? read : undefined));
}

/** A table with other rows for some fields. */
export function replaced<Message>(
  fields: Fields<Message>,
  byTag: Readonly<Record<number, ReadField<Message>>>,
): Fields<Message> {
  return fields.map((read, tag) => byTag[tag] ?? read);
}

/** Reads a message inside another one. Its fields may come in any order, and each of them more than once. */
export function readMessage<Message>(reader: Reader, fields: Fields<Message>, message: Message): void {
  const outer = reader.enter();
  readFields(reader, fields, message);
  reader.leave(outer);
}

/** Reads fields up to the end of the present message. */
export function readFields<Message>(reader: Reader, fields: Fields<Message>, message: Message): void {
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    const read = fields[tag];
    if (read === undefined) reader.skip(tag);
    else read(message, reader);
  }
}
