import protobuf from 'protobufjs/minimal.js';
import { messageOf, SpanflowError } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';

/** A server's message goes into outcomes and logs, and is clipped to this length. */
const MAX_MESSAGE_LENGTH = 1024;

/** The OTLP specification's limit for a response. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

// Tags of opentelemetry.proto.collector and google.rpc: the field number times 8, plus the wire type.
const PARTIAL_SUCCESS = 0x0a;
const REJECTED_SPANS = 0x08;
const ERROR_MESSAGE = 0x12;
const STATUS_CODE = 0x08;
const STATUS_MESSAGE = 0x12;

/** A server's answer to a request that it accepted. */
export interface TraceResponse {
  /** How many spans it rejected; 0 where all arrived. */
  readonly rejected: number;
  /** The reason, or a warning where no span was rejected, or empty. One line, {@link escaped}, of some 1,000 characters at most. */
  readonly message: string;
}

/**
 * The body of a success (`ExportTraceServiceResponse`). An empty body means that all spans arrived.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE`
 */
export function decodeTraceResponse(bytes: Uint8Array): TraceResponse {
  let rejected = 0;
  let message = '';
  readFields('ExportTraceServiceResponse', bytes, (outer, tag) => {
    if (tag !== PARTIAL_SUCCESS) return false;
    eachField(protobuf.Reader.create(outer.bytes()), (reader, inner) => {
      if (inner === REJECTED_SPANS) rejected = Number(reader.int64());
      else if (inner === ERROR_MESSAGE) message = reader.string();
      else return false;
      return true;
    });
    return true;
  });
  return { rejected: Math.min(Math.max(rejected, 0), Number.MAX_SAFE_INTEGER), message: shownText(message) };
}

/**
 * The message in the body of a failure (`google.rpc.Status`), or else its code in words, or else an empty string. It is one line, escaped
 * and clipped, as {@link TraceResponse.message} is.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE`
 */
export function decodeStatus(bytes: Uint8Array): string {
  let code = 0;
  let message = '';
  readFields('RpcStatus', bytes, (reader, tag) => {
    if (tag === STATUS_CODE) code = reader.int32();
    else if (tag === STATUS_MESSAGE) message = reader.string();
    else return false;
    return true;
  });
  if (message === '' && code !== 0) return `code ${code}`;
  return shownText(message);
}

/** Reads the value of a field after its tag; `false` where the field is to be skipped. */
type ReadField = (reader: protobuf.Reader, tag: number) => boolean;

function readFields(name: string, bytes: Uint8Array, read: ReadField): void {
  if (bytes.length > MAX_RESPONSE_BYTES)
    throw malformed(`a response of ${bytes.length} bytes is over ${MAX_RESPONSE_BYTES}`);
  const reader = protobuf.Reader.create(bytes);
  try {
    eachField(reader, read);
  } catch (thrown) {
    throw malformed(`${name} is malformed near byte ${reader.pos} of ${bytes.length}: ${messageOf(thrown)}`, thrown);
  }
}

function eachField(reader: protobuf.Reader, read: ReadField): void {
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (!read(reader, tag)) reader.skipType(tag & 7, 0, tag >>> 3);
  }
}

function malformed(message: string, cause?: unknown): SpanflowError {
  return new SpanflowError('MALFORMED_MESSAGE', message, { cause });
}

/** The text is cut before it is escaped too, because escaping makes it up to six times as long. */
function shownText(message: string): string {
  const line = escaped(message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed());
  if (message.length <= MAX_MESSAGE_LENGTH && line.length <= MAX_MESSAGE_LENGTH) return line;
  return `${line.slice(0, MAX_MESSAGE_LENGTH).toWellFormed()}…`;
}
