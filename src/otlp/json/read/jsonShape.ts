import type { Cost, Costs } from '../../protobuf/scan.ts';
import type { JsonField, JsonMessage } from './jsonSchema.ts';

/** How the value of a field is looked at by `JsonScan`. */
export interface ScannedField {
  readonly name: string;
  readonly kind: number;
  readonly isRepeated: boolean;
  readonly isOneof: boolean;
  /** Whether its values are items: spans, log records, data points. */
  readonly isItem: boolean;
  /** The fields of a message. */
  readonly shape: JsonShape;
  /** Digits of an id that is not empty. */
  readonly digits: number;
  readonly least: number;
  readonly most: number;
  readonly names: JsonField['names'];
  /** What each value counts against the limits. */
  readonly items: number;
  readonly heap: number;
  /** The last id that was looked at: spans of one trace come together. */
  lastId: string;
  /** The field that stood behind it last time. Most messages of a kind have their fields in one order. */
  next: ScannedField | undefined;
}

export type JsonShape = ReadonlyMap<string, ScannedField>;

// What a value can be. Numbers, since a `switch` over them is a table.
const MESSAGE = 0;
const TEXT = 1;
const KEY_TEXT = 2;
const ID = 3;
const INT32 = 4;
const INT64 = 5;
const UINT64 = 6;
const DOUBLE = 7;
const BOOL = 8;
const BYTES = 9;
const ATTRIBUTE = 10;
export const JSON_KINDS = {
  MESSAGE,
  TEXT,
  KEY_TEXT,
  ID,
  INT32,
  INT64,
  UINT64,
  DOUBLE,
  BOOL,
  BYTES,
  ATTRIBUTE,
} as const;

const KINDS: Readonly<Record<string, number>> = {
  string: TEXT,
  hex: ID,
  int32: INT32,
  sint32: INT32,
  uint32: INT32,
  fixed32: INT32,
  int64: INT64,
  sfixed64: INT64,
  uint64: UINT64,
  fixed64: UINT64,
  double: DOUBLE,
  bool: BOOL,
  bytes: BYTES,
};
const UNSIGNED: ReadonlySet<string> = new Set(['uint32', 'fixed32']);
const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;
const ITEMS: ReadonlySet<string> = new Set(['spans', 'logRecords', 'dataPoints']);
const FREE: Cost = [0, 0];

/**
 * The shape of a message by the schema.
 *
 * @param type its name
 */
export function jsonShapeOf(
  type: string,
  message: JsonMessage,
  costs: Costs,
  known = new Map<JsonMessage, JsonShape>(),
): JsonShape {
  const before = known.get(message);
  if (before !== undefined) return before;
  const shape = new Map<string, ScannedField>();
  known.set(message, shape); // before its fields: a message can contain itself
  for (const field of message.fields.values()) shape.set(field.name, scannedOf(type, field, costs, known));
  return shape;
}

function scannedOf(type: string, field: JsonField, costs: Costs, known: Map<JsonMessage, JsonShape>): ScannedField {
  const { name, type: of, message } = field;
  const [items, heap] = costs[`${type}.${name}`] ?? costs[of] ?? FREE;
  const isUnsigned = UNSIGNED.has(of);
  return {
    name,
    kind: kindOf(field),
    isRepeated: field.repeated,
    isOneof: field.oneof !== undefined,
    isItem: ITEMS.has(name),
    shape: message === undefined ? new Map() : jsonShapeOf(of, message, costs, known),
    digits: name === 'traceId' ? TRACE_ID_DIGITS : SPAN_ID_DIGITS,
    least: isUnsigned ? 0 : -(2 ** 31),
    most: isUnsigned ? 2 ** 32 - 1 : 2 ** 31 - 1,
    names: field.names,
    items,
    heap,
    lastId: '',
    next: undefined,
  };
}

function kindOf({ name, type, message }: JsonField): number {
  if (type === 'KeyValue') return ATTRIBUTE;
  if (message !== undefined) return MESSAGE;
  return name === 'key' ? KEY_TEXT : (KINDS[type] as number);
}
