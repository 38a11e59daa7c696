import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { SchedulerLike } from 'rxjs';
import { after } from '../../../internal/timers.ts';
import type { SignalName } from '../../../model/signal.ts';
import {
  encodeResponse,
  encodeResponseJson,
  encodeStatus,
  encodeStatusJson,
} from '../../../otlp/responses/encodeResponse.ts';
import type { Format } from '../readRequest.ts';
import { partialSuccessOf, type Verdict } from '../verdict.ts';

/** What a refused sender may still send, and for how long, before the connection is closed. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MILLIS = 2_000;

/** The statuses with which a sender is told after how long to try again. */
const WITH_RETRY_AFTER: ReadonlySet<number> = new Set([429, 503]);

/** By format. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** Answers in the format of the request; where that is none of ours, in JSON. */
export function answer(
  response: ServerResponse,
  verdict: Verdict,
  format: Format | undefined,
  signal: SignalName = 'traces',
): void {
  if (response.headersSent || response.destroyed) return;
  const body = format === 'protobuf' ? protobufOf(verdict) : jsonOf(verdict, signal);
  const headers = {
    ...headersOf(verdict),
    'content-type': CONTENT_TYPES[format ?? 'json'],
    'content-length': Buffer.byteLength(body),
  };
  response.writeHead(verdict.status, headers);
  // With nothing to write behind it, Node writes the head as one text, and not as a list of parts: a system call that costs less.
  if (body.length === 0) response.end();
  else response.end(body);
}

/**
 * Reads on for a while what a refused sender still sends, and forgets it. Why not close the connection at once? The sender would find it reset before it has read the answer, and try the same request again, for nothing.
 */
export function discardRest(request: IncomingMessage, scheduler: SchedulerLike): void {
  if (request.complete || request.destroyed) return;
  let bytes = 0;
  const end = () => request.socket.destroy();
  const timer = after(scheduler, LINGER_MILLIS, end);
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LINGER_BYTES) end();
  });
  request.on('error', () => {});
  request.on('close', () => timer.unsubscribe());
  request.on('end', () => timer.unsubscribe());
  request.resume();
}

function protobufOf(verdict: Verdict): Uint8Array {
  return verdict.status === 200 ? encodeResponse(partialSuccessOf(verdict)) : encodeStatus(verdict);
}

function jsonOf(verdict: Verdict, signal: SignalName): string {
  return verdict.status === 200 ? encodeResponseJson(signal, partialSuccessOf(verdict)) : encodeStatusJson(verdict);
}

function headersOf({ status, retryAfterMillis }: Verdict): OutgoingHttpHeaders {
  const again = retryAfterMillis !== undefined && WITH_RETRY_AFTER.has(status);
  return {
    ...(again && { 'retry-after': String(Math.ceil(retryAfterMillis / 1_000)) }),
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(status === 405 && { allow: 'POST' }),
    ...(status === 408 && { connection: 'close' }),
  };
}
