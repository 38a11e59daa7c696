import { propertyOf } from '../propertyOf.ts';

// As in OTLP's protobuf encoding: tags, lengths, and fields of a fixed number of bytes.
/** The frames of one attribute, of its key and of its value. */
const ATTRIBUTE_BYTES = 6;
const ELEMENT_BYTES = 2;
/** The tag and the length of a short text. */
export const TEXT_BYTES = 2;
/** Integers take one to ten bytes as varints; the numbers that programs count with take mostly two. */
const INTEGER_BYTES = 3;
/** A number of eight bytes, with its tag. */
export const DOUBLE_BYTES = 9;
const BOOLEAN_BYTES = 2;

/** The bytes of attributes: their keys, their values and the frames of both. */
export function attributesBytes(attributes: Record<string, unknown> | undefined): number {
  let bytes = 0;
  for (const key in attributes) bytes += ATTRIBUTE_BYTES + key.length + valueBytes(propertyOf(attributes, key));
  return bytes;
}

/** The bytes of a value, without the frame around it. */
export function valueBytes(value: unknown): number {
  if (typeof value === 'string') return TEXT_BYTES + value.length;
  if (typeof value === 'number') return (value | 0) === value ? INTEGER_BYTES : DOUBLE_BYTES;
  if (typeof value === 'boolean') return BOOLEAN_BYTES;
  if (typeof value === 'bigint') return DOUBLE_BYTES;
  if (typeof value !== 'object' || value === null) return 0;
  return (
    (Array.isArray(value) ? flatBytes(value) : undefined) ??
    objectBytes(value, { elementsLeft: MAX_ELEMENTS, depth: 0 })
  );
}

/** An array of values that contain no others, as attributes have them; `undefined` for any other array. */
function flatBytes(values: readonly unknown[]): number | undefined {
  const count = values.length; // read once: it may be a getter's, and grow
  if (count > MAX_ELEMENTS) return undefined;
  let bytes = TEXT_BYTES;
  for (let index = 0; index < count; index += 1) {
    const value = values[index];
    if (typeof value === 'object' && value !== null) return undefined;
    bytes += ELEMENT_BYTES + (typeof value === 'string' ? TEXT_BYTES + value.length : valueBytes(value));
  }
  return bytes;
}

/** How much of one value is still counted. Without a limit a circular value would never end. */
interface Traversal {
  elementsLeft: number;
  depth: number;
}

/** Elements beyond these limits count as 0 bytes: OTLP does not allow such a depth, and hardly such a size. */
const MAX_ELEMENTS = 65_536;
const MAX_DEPTH = 64;

/** Bytes; arrays and maps, whose elements may be any value. */
function objectBytes(value: object, traversal: Traversal): number {
  if (ArrayBuffer.isView(value)) return TEXT_BYTES + value.byteLength;
  let bytes = TEXT_BYTES;
  if (traversal.depth === MAX_DEPTH) return bytes;
  traversal.depth += 1;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && spendElement(traversal); index += 1) {
      bytes += ELEMENT_BYTES + elementBytes(value[index], traversal);
    }
  } else {
    for (const [key, element] of Object.entries(value)) {
      if (!spendElement(traversal)) break;
      bytes += ATTRIBUTE_BYTES + key.length + elementBytes(element, traversal);
    }
  }
  traversal.depth -= 1;
  return bytes;
}

function elementBytes(value: unknown, traversal: Traversal): number {
  return typeof value === 'object' && value !== null ? objectBytes(value, traversal) : valueBytes(value);
}

function spendElement(traversal: Traversal): boolean {
  traversal.elementsLeft -= 1;
  return traversal.elementsLeft >= 0;
}
