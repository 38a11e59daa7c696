import { propertyOf } from './propertyOf.ts';

/** The bytes of an item whose size cannot be read. */
export const UNREADABLE_ITEM_BYTES = 512;

// As in OTLP's protobuf encoding: tags, lengths, and fields of a fixed number of bytes.
/** Ids, times, kind, status and flags of a span, its own frame and that of its name. */
const BARE_SPAN_BYTES = 62;
const PARENT_BYTES = 10;
const EVENT_BYTES = 13;
const LINK_BYTES = 35;
/** The frames of one attribute, of its key and of its value. */
const ATTRIBUTE_BYTES = 6;
const ELEMENT_BYTES = 2;
const TEXT_BYTES = 2;
/** Integers take one to ten bytes as varints; the numbers that programs count with take mostly two. */
const INTEGER_BYTES = 3;
const DOUBLE_BYTES = 9;
const BOOLEAN_BYTES = 2;

interface SpanLike {
  readonly name: string;
  readonly parentSpanContext?: unknown;
  /** SDK 1.x has this instead. */
  readonly parentSpanId?: string;
  readonly attributes: Record<string, unknown>;
  readonly events: readonly { readonly name: string; readonly attributes?: Record<string, unknown> }[];
  readonly links: readonly { readonly attributes?: Record<string, unknown> }[];
}

/**
 * Estimates how many bytes an item takes on the wire: spans by their strings, strings and bytes by their length, numbers as 8. Any other
 * object counts as 0 bytes, so that only the number of items limits it; give `sizeOf` for a better estimate.
 *
 * Characters count as one byte each: text outside ASCII is underestimated by up to a factor of three.
 */
export function estimateItemBytes(item: unknown): number {
  if (typeof item === 'string') return item.length;
  if (typeof item === 'number') return 8;
  if (typeof item !== 'object' || item === null) return 0;
  if (ArrayBuffer.isView(item)) return item.byteLength;
  const span = item as SpanLike;
  return Array.isArray(span.events) && Array.isArray(span.links) ? spanBytes(span) : 0;
}

/** The same, or `instead` where reading the item throws. */
export function estimateOr(item: unknown, instead: number): number {
  try {
    return estimateItemBytes(item);
  } catch {
    return instead;
  }
}

function spanBytes(span: SpanLike): number {
  let bytes = BARE_SPAN_BYTES + span.name.length + attributesBytes(span.attributes);
  if ((span.parentSpanContext ?? span.parentSpanId) !== undefined) bytes += PARENT_BYTES;
  if (span.events.length + span.links.length > 0) bytes += eventsAndLinksBytes(span);
  return bytes;
}

function eventsAndLinksBytes({ events, links }: SpanLike): number {
  let bytes = 0;
  for (const event of events) bytes += EVENT_BYTES + event.name.length + attributesBytes(event.attributes);
  for (const link of links) bytes += LINK_BYTES + attributesBytes(link.attributes);
  return bytes;
}

function attributesBytes(attributes: Record<string, unknown> | undefined): number {
  let bytes = 0;
  for (const key in attributes) bytes += ATTRIBUTE_BYTES + key.length + valueBytes(propertyOf(attributes, key));
  return bytes;
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return TEXT_BYTES + value.length;
  if (typeof value === 'number') return (value | 0) === value ? INTEGER_BYTES : DOUBLE_BYTES;
  if (typeof value === 'boolean') return BOOLEAN_BYTES;
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
