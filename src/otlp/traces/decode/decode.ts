import { types } from 'node:util';
import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { messageOf, SpanflowError, shown } from '../../../model/errors.ts';
import { expectedOf } from '../../cache/expectedAttribute.ts';
import { type DecodeLimits, type DecodeTracesOptions, limitsOf } from '../../decodeLimits.ts';
import { Reader } from '../../protobuf/reader.ts';
import { readNextAttribute } from './decodeAttributes.ts';
import { readSpan } from './decodeSpan.ts';
import { readAttribute } from './decodeValue.ts';
import { ReceivedResource } from './resource.ts';

/**
 * The spans of an OTLP trace export request (protobuf), as plain objects that satisfy `ReadableSpan`.
 *
 * `encodeTraces(decodeTraces(bytes))` gives the same telemetry back. What `ReadableSpan` cannot hold is normalised; the list, with a
 * test for each entry, is in this folder's `README.md`. Spans of one `ResourceSpans` share one resource object, those of one
 * `ScopeSpans` one scope object, so that they find together again when they are encoded.
 *
 * **Order:** as in the message.
 *
 * **Loss:** none of spans. Fields that this version of OTLP does not know are skipped.
 *
 * **Bounded:** two bytes can become a span of 600, so the memory that a message takes is no multiple of its bytes that one could count
 * on. `maxItems` and `maxDecodedBytes` limit what becomes of it; limit the bytes before.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the message, the place and the reason (messages nested more than 100 deep are
 * refused); `MESSAGE_TOO_LARGE` with the option and its limit, which is a 413 where the other is a 400; `INVALID_OPTION`. Nothing else.
 *
 * @example
 * ```ts
 * const spans = decodeTraces(await readFile('spans.otlp'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function decodeTraces(bytes: Uint8Array, options: DecodeTracesOptions = {}): ReadableSpan[] {
  const limits = limitsOf('decodeTraces', options);
  if (!types.isUint8Array(bytes)) throw malformed(`it must be a Uint8Array, but is ${shown(bytes)}`);
  return decodeWithin(bytes, limits);
}

/** @throws SpanflowError as {@link decodeTraces} does. */
export function decodeWithin(bytes: Uint8Array, limits: DecodeLimits): ReadableSpan[] {
  const reader = new Reader(bytes, limits);
  const spans: ReadableSpan[] = [];
  try {
    reader.spend(0, 0);
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag === REQUEST_RESOURCE_SPANS) readResourceSpans(reader, spans);
      else reader.skip(tag);
    }
  } catch (thrown) {
    if (thrown instanceof SpanflowError) throw thrown;
    throw malformed(messageOf(thrown), ` near byte ${reader.at} of ${bytes.length}`, thrown);
  }
  return spans;
}

const REQUEST_RESOURCE_SPANS = 0x0a;
/** What a resource and a scope take beside their texts. */
const RESOURCE_BYTES = 128;
const SCOPE_BYTES = 64;

function malformed(reason: string, where = '', cause?: unknown): SpanflowError {
  const message = `ExportTraceServiceRequest is malformed${where}: ${reason}`;
  return new SpanflowError('MALFORMED_MESSAGE', message, { cause });
}

/** The resource may come after the spans: they are given the object, and it is filled whenever that is. */
function readResourceSpans(reader: Reader, spans: ReadableSpan[]): void {
  reader.spend(1, RESOURCE_BYTES);
  const resource = new ReceivedResource();
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) readResource(reader, resource);
    else if (tag === 0x12) readScopeSpans(reader, resource, spans);
    else if (tag === 0x1a) resource.receiveSchemaUrl(reader.text());
    else reader.skip(tag);
  }
  reader.leave(outer);
}

function readResource(reader: Reader, resource: ReceivedResource): void {
  const expected = expectedOf('');
  let index = 0;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) readNextAttribute(reader, resource.attributes, expected, index++);
    else if (tag === 0x10) resource.droppedAttributesCount = reader.int32() >>> 0;
    else if (tag === 0x1a) passEntityRef(reader);
    else reader.skip(tag);
  }
  reader.leave(outer);
}

/** Four texts, which spans do not hold: but what is malformed in them makes the message malformed. */
function passEntityRef(reader: Reader): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a || tag === 0x12 || tag === 0x1a || tag === 0x22) reader.text();
    else reader.skip(tag);
  }
  reader.leave(outer);
}

/** OTLP gives a scope attributes, the SDK's type does not: kept, so that they go out again. */
interface ReceivedScope {
  name: string;
  version?: string;
  schemaUrl?: string;
  attributes?: Attributes;
  droppedAttributesCount?: number;
}

function readScopeSpans(reader: Reader, resource: ReceivedResource, spans: ReadableSpan[]): void {
  reader.spend(1, SCOPE_BYTES);
  const scope: ReceivedScope = { name: '' };
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) readScope(reader, scope);
    else if (tag === 0x12) spans.push(readSpan(reader, resource, scope));
    else if (tag === 0x1a) scope.schemaUrl = reader.text();
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (scope.schemaUrl === '') delete scope.schemaUrl;
}

function readScope(reader: Reader, scope: ReceivedScope): void {
  const attributes: Attributes = scope.attributes ?? {};
  let dropped = scope.droppedAttributesCount ?? 0;
  let version = scope.version ?? '';
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) scope.name = reader.text();
    else if (tag === 0x12) version = reader.text();
    else if (tag === 0x1a) readAttribute(reader, attributes);
    else if (tag === 0x20) dropped = reader.int32() >>> 0;
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (version !== '') scope.version = version;
  else delete scope.version;
  if (dropped === 0 && Object.keys(attributes).length === 0) return;
  scope.attributes = attributes;
  scope.droppedAttributesCount = dropped;
}
