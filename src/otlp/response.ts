import { SpanflowError } from '../errors.ts';
import { integerOf } from './int64.ts';
import { rpcStatus, traceResponse } from './schema.ts';

/** A server's text goes into outcomes and logs: this much of it. */
const MAX_MESSAGE_LENGTH = 1024;

/** The OTLP specification's limit for a response. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** What a server that accepted a request says about the spans in it. */
export interface TraceResponse {
  /** Spans that it did not take: 0 where all arrived. */
  readonly rejected: number;
  /** Why, or a warning where none was rejected; empty where there is nothing to say. At most some 1,000 characters. */
  readonly message: string;
}

/**
 * The body of a success (`ExportTraceServiceResponse`). An empty body is one: everything arrived.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE`
 */
export function decodeTraceResponse(bytes: Uint8Array): TraceResponse {
  refuseHuge(bytes);
  const partial = traceResponse.decode(bytes).partialSuccess;
  if (partial === null) return { rejected: 0, message: '' };
  const rejected = Math.min(Math.max(Number(integerOf(partial.rejectedSpans)), 0), Number.MAX_SAFE_INTEGER);
  return { rejected, message: clipped(partial.errorMessage) };
}

/**
 * What the body of a failure says (`google.rpc.Status`): its message, else its code in words, else nothing.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE`
 */
export function decodeStatus(bytes: Uint8Array): string {
  refuseHuge(bytes);
  const { code, message } = rpcStatus.decode(bytes);
  if (message === '' && code !== 0) return `code ${code}`;
  return clipped(message);
}

function refuseHuge(bytes: Uint8Array): void {
  if (bytes.length <= MAX_RESPONSE_BYTES) return;
  throw new SpanflowError('MALFORMED_MESSAGE', `a response of ${bytes.length} bytes is over ${MAX_RESPONSE_BYTES}`);
}

function clipped(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed()}…` : message;
}
