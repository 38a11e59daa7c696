/** A span in an encoded request. */
export interface WireSpan {
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The name of the span. */
  readonly name: string;
}

// Field numbers of opentelemetry-proto: ExportTraceServiceRequest → ResourceSpans → ScopeSpans → Span.
const RESOURCE_SPANS = 1;
const SCOPE_SPANS = 2;
const SPANS = 2;
const SPAN_ID = 2;
const SPAN_NAME = 5;

const text = new TextDecoder();

/**
 * Finds the spans of an encoded `ExportTraceServiceRequest`. It reads only the fields that lead to them, and shares no code with the encoder, so that
 * a test can check one against the other.
 *
 * @throws RangeError when the bytes are no protobuf message.
 */
export function walkSpans(body: Uint8Array): WireSpan[] {
  return spanMessages(body).map((span) => ({
    spanId: Buffer.from(children(span, SPAN_ID).at(-1) ?? []).toString('hex'),
    name: text.decode(children(span, SPAN_NAME).at(-1)),
  }));
}

/** The number of spans in an encoded request. */
export function countSpans(body: Uint8Array): number {
  return spanMessages(body).length;
}

/** Finds the spans of a request in OTLP's JSON encoding. */
export function walkJsonSpans(body: Uint8Array): WireSpan[] {
  const request: unknown = JSON.parse(text.decode(body));
  const scopes = listOf(request, 'resourceSpans').flatMap((resource) => listOf(resource, 'scopeSpans'));
  const spans = scopes.flatMap((scope) => listOf(scope, 'spans'));
  return spans.map((span) => ({ spanId: String(fieldOf(span, 'spanId')), name: String(fieldOf(span, 'name')) }));
}

function listOf(owner: unknown, key: string): unknown[] {
  const list = fieldOf(owner, key);
  return Array.isArray(list) ? list : [];
}

function fieldOf(owner: unknown, key: string): unknown {
  return typeof owner === 'object' && owner !== null ? Reflect.get(owner, key) : undefined;
}

function spanMessages(body: Uint8Array): Uint8Array[] {
  const scopes = children(body, RESOURCE_SPANS).flatMap((resource) => children(resource, SCOPE_SPANS));
  return scopes.flatMap((scope) => children(scope, SPANS));
}

/** The length-delimited fields with this number. */
function children(message: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const tag = readVarint(message, cursor);
    const content = readField(message, cursor, tag % 8);
    if (content !== undefined && Math.floor(tag / 8) === wanted) found.push(content);
  }
  return found;
}

/** Reads one field. Returns its content if it is length-delimited. */
function readField(message: Uint8Array, cursor: { at: number }, wireType: number): Uint8Array | undefined {
  if (wireType === 0) readVarint(message, cursor);
  else if (wireType === 1) cursor.at += 8;
  else if (wireType === 5) cursor.at += 4;
  else if (wireType !== 2) throw new RangeError(`wire type ${wireType} at byte ${cursor.at} is unknown`);
  const length = wireType === 2 ? readVarint(message, cursor) : 0;
  const start = cursor.at;
  cursor.at += length;
  if (cursor.at > message.length) throw new RangeError(`a field at byte ${start} ends beyond its message`);
  return wireType === 2 ? message.subarray(start, cursor.at) : undefined;
}

/** Numbers beyond 2^53 lose digits. Only skipped fields hold such numbers. */
function readVarint(message: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = message[cursor.at];
    if (byte === undefined) throw new RangeError(`a number at byte ${cursor.at} ends beyond its message`);
    cursor.at += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  throw new RangeError(`a number before byte ${cursor.at} is longer than ten bytes`);
}
