import type { SignalName } from '../../model/signal.ts';
import { Writer } from '../json/read/protobufWriter.ts';
import type { ExportServiceResponse } from './response.ts';

/** What a sender whose request failed is told: a `google.rpc.Status`. */
export interface FailureStatus {
  /** Of gRPC. */
  readonly code: number;
  /** Why, in English. */
  readonly message: string;
  /** After how long it may try again. Left out: it decides, or must not. */
  readonly retryAfterMillis?: number;
}

/** The field of a partial success, in JSON. In protobuf it has number 1 in all signals. */
const REJECTED: Readonly<Record<SignalName, string>> = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
};

/** The OTLP specification's limit for a response is 4 MiB; a message of ours is text that somebody else wrote, and is clipped. */
const MAX_MESSAGE_LENGTH = 4_096;

/** As `retryInfo.ts` reads it, which is not imported for that: a file that both the reader and the writer load is one more module at the start of every program. */
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

const DELIMITED = 2;
const tag = (field: number, wireType = 0) => field * 8 + wireType;

/** `Export…ServiceResponse` in protobuf: empty where all items arrived and nothing is to be said, which is where no partial success is given. */
export function encodeResponse(partial?: ExportServiceResponse): Uint8Array {
  const writer = new Writer();
  if (partial === undefined) return copyOf(writer);
  writer.byte(tag(1, DELIMITED));
  const start = writer.open();
  if (partial.rejected > 0) {
    writer.byte(tag(1));
    writer.varint(partial.rejected);
  }
  text(writer, 2, clipped(partial.message));
  writer.close(start);
  return copyOf(writer);
}

/** The same in JSON. */
export function encodeResponseJson(signal: SignalName, partial?: ExportServiceResponse): string {
  if (partial === undefined) return '{}';
  const { rejected, message } = partial;
  const partialSuccess = {
    ...(rejected > 0 && { [REJECTED[signal]]: String(rejected) }),
    ...(message !== '' && { errorMessage: clipped(message) }),
  };
  return JSON.stringify({ partialSuccess });
}

/** `google.rpc.Status` in protobuf, with a `RetryInfo` if the sender may try again after some time. */
export function encodeStatus({ code, message, retryAfterMillis }: FailureStatus): Uint8Array {
  const writer = new Writer();
  writer.byte(tag(1));
  writer.varint(code);
  text(writer, 2, clipped(message));
  if (retryAfterMillis !== undefined) retryInfo(writer, retryAfterMillis);
  return copyOf(writer);
}

/** The same in JSON. */
export function encodeStatusJson({ code, message }: FailureStatus): string {
  return JSON.stringify({ code, message: clipped(message) });
}

/** `google.protobuf.Any` of a `google.rpc.RetryInfo`, in the details of the status. */
function retryInfo(writer: Writer, millis: number): void {
  const [seconds, nanos] = [Math.floor(millis / 1_000), Math.round((millis % 1_000) * 1e6)];
  writer.byte(tag(3, DELIMITED));
  const detail = writer.open();
  text(writer, 1, RETRY_INFO);
  writer.byte(tag(2, DELIMITED));
  const info = writer.open();
  writer.byte(tag(1, DELIMITED));
  const delay = writer.open();
  writer.byte(tag(1));
  writer.varint(seconds);
  writer.byte(tag(2));
  writer.varint(nanos);
  writer.close(delay);
  writer.close(info);
  writer.close(detail);
}

function text(writer: Writer, field: number, value: string): void {
  if (value === '') return;
  writer.byte(tag(field, DELIMITED));
  writer.text(value);
}

function clipped(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed()}…`;
}

/** The writer's buffer may be used again. */
function copyOf(writer: Writer): Uint8Array {
  return Uint8Array.from(writer.written);
}
