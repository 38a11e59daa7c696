import { OutputBuffer } from '../../protobuf/outputBuffer.ts';
import { ReusedBytes } from '../../protobuf/reusedBytes.ts';
import { writeLongUtf8 } from '../../protobuf/write.ts';
import type { JsonField, JsonMessage } from '../read/jsonSchema.ts';

/** How one field of a message is written. */
export interface FieldText {
  /** Everything before the value if it is the first of its message: brackets, the name, the opening quotation mark. */
  readonly first: ReusedBytes;
  /** The same if it is not the first: a comma is in the place of the bracket. */
  readonly next: ReusedBytes;
  readonly type: string;
  /** Whether its values are in quotation marks. */
  readonly isQuoted: boolean;
  readonly isRepeated: boolean;
  /** Whether its values follow each other in one field. */
  readonly isPacked: boolean;
  /** The fields of the message that it holds, if it holds one. */
  readonly message: MessageText | undefined;
}

/** The fields of a message, by number. */
export type MessageText = readonly (FieldText | undefined)[];

/** Room for the longest name. */
const MAX_PART_BYTES = 256;
const QUOTED: ReadonlySet<string> = new Set(['string', 'hex', 'bytes', 'int64', 'uint64', 'fixed64', 'sfixed64']);

const known = new Map<JsonMessage, MessageText>();

/** What the JSON writer has to know of a message, from the schema that JSON is read by. */
export function messageText(message: JsonMessage): MessageText {
  const before = known.get(message);
  if (before !== undefined) return before;
  const fields: (FieldText | undefined)[] = [];
  // Kept before its fields are made: a message can contain itself.
  known.set(message, fields);
  for (const field of message.fields.values()) fields[field.tag >> 3] = fieldText(field);
  return fields;
}

function fieldText({ name, type, repeated, packed, message }: JsonField): FieldText {
  const isQuoted = QUOTED.has(type);
  const opening = (repeated ? '[' : '') + (isQuoted ? '"' : '');
  return {
    first: partOf(`{"${name}":${opening}`),
    next: partOf(`,"${name}":${opening}`),
    type,
    isRepeated: repeated,
    isPacked: packed,
    isQuoted,
    message: message && messageText(message),
  };
}

function partOf(text: string): ReusedBytes {
  const out = new OutputBuffer(MAX_PART_BYTES);
  return new ReusedBytes(out, 0, writeLongUtf8(out.bytes, 0, text));
}
