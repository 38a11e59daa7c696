/** What an item is taken for when its size cannot be read. */
export const UNREADABLE_ITEM_BYTES = 512;

/** Ids, times, kind, status and the framing of a span with no text at all. */
const BARE_SPAN_BYTES = 96;
/** Tag, length and type of one attribute. */
const ATTRIBUTE_BYTES = 8;

interface SpanLike {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  readonly events: readonly { readonly name: string; readonly attributes?: Record<string, unknown> }[];
  readonly links: readonly { readonly attributes?: Record<string, unknown> }[];
}

/**
 * Estimates how many bytes an item takes on the wire: spans by their text, strings and bytes by their length, numbers as 8. Any other
 * object counts as 0 bytes, so that only the number of items limits it; `sizeOf` is where a better answer goes.
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

function spanBytes(span: SpanLike): number {
  let bytes = BARE_SPAN_BYTES + span.name.length + attributesBytes(span.attributes);
  for (const event of span.events) bytes += 16 + event.name.length + attributesBytes(event.attributes);
  for (const link of span.links) bytes += 40 + attributesBytes(link.attributes);
  return bytes;
}

function attributesBytes(attributes: Record<string, unknown> | undefined): number {
  if (attributes === undefined) return 0;
  let bytes = 0;
  for (const key in attributes) bytes += ATTRIBUTE_BYTES + key.length + valueBytes(attributes[key]);
  return bytes;
}

function valueBytes(value: unknown, walk?: Walk): number {
  if (typeof value === 'string') return value.length;
  if (typeof value === 'boolean') return 1;
  if (typeof value !== 'object' || value === null) return 5;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  return nestedBytes(value, walk ?? { elementsLeft: MAX_ELEMENTS, depth: 0 });
}

/** How much of one value is still looked at: a circular one has no end. */
interface Walk {
  elementsLeft: number;
  depth: number;
}

/** What lies beyond these counts as nothing: OTLP bears no such depth, and hardly such a size. */
const MAX_ELEMENTS = 65_536;
const MAX_DEPTH = 64;

/** Arrays and maps, whose elements may be any value. */
function nestedBytes(value: object, walk: Walk): number {
  let bytes = 4;
  if (walk.depth === MAX_DEPTH) return bytes;
  walk.depth += 1;
  const keys = Array.isArray(value) ? undefined : Object.keys(value);
  const elements = Array.isArray(value) ? value : Object.values(value);
  for (let index = 0; index < elements.length && walk.elementsLeft > 0; index += 1) {
    walk.elementsLeft -= 1;
    bytes +=
      (keys === undefined ? 4 : ATTRIBUTE_BYTES + (keys[index] ?? '').length) + valueBytes(elements[index], walk);
  }
  walk.depth -= 1;
  return bytes;
}
