import { fitsInt64 } from '../../protobuf/int64.ts';
import { isBase64 } from './base64.ts';
import { JSON_KINDS, type JsonShape, type ScannedField } from './jsonShape.ts';

const { MESSAGE, ATTRIBUTE, TEXT, KEY_TEXT, ID, INT32, INT64, UINT64, DOUBLE, BOOL } = JSON_KINDS;

/** What is nested deeper is left to the strict way, which allows a hundred. */
const MAX_DEPTH = 64;

/** Returned instead of a number of bytes. */
const UNUSUAL = -1;

const HEX = /^[0-9A-Fa-f]+$/;
const SIGNED = /^-?\d{1,19}$/;
const UNSIGNED = /^\d{1,20}$/;
/** So many digits fit 64 bits, whatever they are. */
const FITTING_DIGITS = 18;

// What a field takes on the wire: a tag, and a length or a number of a fixed size. Integers are taken to be short.
const FRAME_BYTES = 2;
const FIXED64_BYTES = 9;

/** What a list of numbers takes is said for each of its bytes. */
const BYTES_PER_NUMBER = 8;
const TWO_64 = 2n ** 64n;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Looks at parsed JSON once: whether it is a message in the form that nearly all senders write, in which everything can be read without an
 * error. It makes no object of its own. What is in another form is no error: the strict way (`wireOf`) decides.
 */
export class JsonScan {
  /** How many bytes each item takes in protobuf, about, in their order. */
  readonly itemBytes: number[] = [];
  itemsLeft: number;
  heapLeft: number;
  private readonly keyBytes: (key: string) => number;
  private depth = 0;

  /**
   * @param itemsLeft how many items the message may become, at most
   * @param heapLeft how many bytes of heap, at most
   * @param keyBytes the heap that a key takes which begins with a digit
   */
  constructor(itemsLeft: number, heapLeft: number, keyBytes: (key: string) => number) {
    this.itemsLeft = itemsLeft;
    this.heapLeft = heapLeft;
    this.keyBytes = keyBytes;
  }

  /** Whether the message is in the usual form and within the limits. */
  passes(json: unknown, shape: JsonShape): boolean {
    return this.message(json, shape) !== UNUSUAL && this.itemsLeft >= 0 && this.heapLeft >= 0;
  }

  /** How many bytes it takes in protobuf, about. */
  private message(json: unknown, shape: JsonShape): number {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return UNUSUAL;
    let bytes = FRAME_BYTES;
    let hasOneof = false;
    let before: ScannedField | undefined;
    for (const name in json) {
      let field = before?.next;
      if (field === undefined || field.name !== name) {
        field = shape.get(name);
        if (field === undefined) continue;
        if (before !== undefined) before.next = field;
      }
      before = field;
      const value = (json as Record<string, unknown>)[name];
      if (value === null) continue;
      if (field.isOneof) {
        if (hasOneof) return UNUSUAL;
        hasOneof = true;
      }
      const taken = field.isRepeated ? this.list(value, field) : this.value(value, field);
      if (taken === UNUSUAL) return UNUSUAL;
      bytes += taken;
    }
    return bytes;
  }

  private list(json: unknown, field: ScannedField): number {
    if (!Array.isArray(json)) return UNUSUAL;
    let bytes = 0;
    if (field.shape.size === 0) this.heapLeft -= field.heap * BYTES_PER_NUMBER * json.length;
    for (const value of json) {
      const taken = this.value(value, field);
      if (taken === UNUSUAL) return UNUSUAL;
      if (field.isItem) this.itemBytes.push(taken);
      bytes += taken;
    }
    return bytes;
  }

  private value(value: unknown, field: ScannedField): number {
    switch (field.kind) {
      case ATTRIBUTE:
        return this.attribute(value, field);
      case MESSAGE:
        return this.inside(value, field);
      case TEXT:
        return typeof value === 'string' ? FRAME_BYTES + value.length : UNUSUAL;
      case KEY_TEXT:
        return typeof value === 'string' ? this.key(value) : UNUSUAL;
      case ID:
        return typeof value === 'string' && isId(value, field) ? FRAME_BYTES + value.length / 2 : UNUSUAL;
      case INT32:
        return isInt32(value, field) ? FRAME_BYTES : UNUSUAL;
      case INT64:
        return isInt64(value) ? FIXED64_BYTES : UNUSUAL;
      case UINT64:
        return isUint64(value) ? FIXED64_BYTES : UNUSUAL;
      case DOUBLE:
        return typeof value === 'number' || isSpecial(value) ? FIXED64_BYTES : UNUSUAL;
      case BOOL:
        return typeof value === 'boolean' ? FRAME_BYTES : UNUSUAL;
      default:
        this.heapLeft -= field.heap;
        return typeof value === 'string' && isBase64(value) ? FRAME_BYTES + value.length : UNUSUAL;
    }
  }

  private attribute(json: unknown, field: ScannedField): number {
    const bytes = shortAttributeBytes(json as ShortAttribute);
    if (bytes === UNUSUAL) return this.inside(json, field);
    this.itemsLeft -= field.items;
    this.heapLeft -= field.heap;
    return bytes + this.key((json as ShortAttribute).key as string);
  }

  private inside(value: unknown, { shape, items, heap }: ScannedField): number {
    this.itemsLeft -= items;
    this.heapLeft -= heap;
    this.depth += 1;
    const bytes = this.depth > MAX_DEPTH ? UNUSUAL : this.message(value, shape);
    this.depth -= 1;
    return bytes;
  }

  private key(key: string): number {
    const first = key.charCodeAt(0);
    if (first >= ZERO && first <= NINE) this.heapLeft -= this.keyBytes(key);
    return FRAME_BYTES + key.length;
  }
}

function isId(text: string, field: ScannedField): boolean {
  if (text === field.lastId) return true;
  if (text !== '' && (text.length !== field.digits || !HEX.test(text))) return false;
  field.lastId = text;
  return true;
}

function isInt32(value: unknown, { least, most, names }: ScannedField): boolean {
  if (typeof value === 'string') return names !== undefined && Object.hasOwn(names, value);
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function isInt64(value: unknown): boolean {
  if (typeof value !== 'string') return Number.isSafeInteger(value);
  return SIGNED.test(value) && (value.length <= FITTING_DIGITS || fitsInt64(BigInt(value)));
}

function isUint64(value: unknown): boolean {
  if (typeof value !== 'string') return Number.isSafeInteger(value) && (value as number) >= 0;
  return UNSIGNED.test(value) && (value.length <= FITTING_DIGITS + 1 || BigInt(value) < TWO_64);
}

/** The doubles that JSON has no numbers for. */
function isSpecial(value: unknown): boolean {
  return value === '-0' || value === 'NaN' || value === 'Infinity' || value === '-Infinity';
}

interface ShortAttribute {
  readonly key?: unknown;
  readonly value?: Readonly<Record<string, unknown>> | null;
  readonly keyStrindex?: unknown;
}

/**
 * What an attribute takes without its key, if it is one as nearly all are: a key, and one value that is no list, map or bytes. Most of a
 * request are attributes, and looked at this way they take half of the time.
 */
function shortAttributeBytes(json: ShortAttribute | null): number {
  if (typeof json !== 'object' || json === null) return UNUSUAL;
  const { key, value, keyStrindex } = json;
  if (typeof key !== 'string' || keyStrindex !== undefined || typeof value !== 'object') return UNUSUAL;
  let bytes = UNUSUAL;
  for (const name in value) {
    if (bytes !== UNUSUAL) return UNUSUAL;
    bytes = scalarBytes(name, value[name]);
    if (bytes === UNUSUAL) return UNUSUAL;
  }
  return bytes;
}

function scalarBytes(name: string, value: unknown): number {
  if (name === 'stringValue') return typeof value === 'string' ? 3 * FRAME_BYTES + value.length : UNUSUAL;
  if (name === 'intValue') return isInt64(value) ? 3 * FRAME_BYTES : UNUSUAL;
  if (name === 'doubleValue') return typeof value === 'number' ? 2 * FRAME_BYTES + FIXED64_BYTES : UNUSUAL;
  return name === 'boolValue' && typeof value === 'boolean' ? 3 * FRAME_BYTES : UNUSUAL;
}
