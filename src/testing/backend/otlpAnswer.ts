import type { OutgoingHttpHeaders } from 'node:http';

/** What a backend does with a request. */
export type BackendAnswer =
  /** A plain success. */
  | 'ok'
  /** Ends the connection with a reset. */
  | 'reset'
  /** Never answers: the request stays open until the client gives up, or the backend closes. */
  | 'hang'
  | BackendReply;

/** An answer in detail. */
export interface BackendReply {
  /** Default 200. */
  readonly status?: number;
  /** Added to the content type. */
  readonly headers?: OutgoingHttpHeaders;
  /** Default: what OTLP says for the partial success; else nothing. */
  readonly body?: string | Uint8Array;
  /** How long the backend takes, in real milliseconds. Default 0. */
  readonly delayMillis?: number;
  /** Items refused for good, in a success. */
  readonly partialSuccess?: { readonly rejected: number; readonly message?: string };
}

/** Whether a client is to take it for a success. */
export function isSuccess(answer: BackendAnswer): boolean {
  if (typeof answer === 'string') return answer === 'ok';
  const status = answer.status ?? 200;
  return status >= 200 && status < 300;
}

/** The body of a reply, in the encoding of the request. */
export function replyBody(reply: BackendReply, isJson: boolean): Uint8Array {
  if (reply.body !== undefined) return Buffer.from(reply.body);
  const partial = reply.partialSuccess;
  if (isJson) return Buffer.from(JSON.stringify(partial === undefined ? {} : { partialSuccess: jsonOf(partial) }));
  return partial === undefined ? new Uint8Array() : delimited(1, protobufOf(partial));
}

type PartialSuccess = NonNullable<BackendReply['partialSuccess']>;

function jsonOf({ rejected, message }: PartialSuccess): object {
  return { rejectedSpans: String(rejected), errorMessage: message ?? '' };
}

/** ExportTracePartialSuccess: rejected_spans = 1, error_message = 2. */
function protobufOf({ rejected, message }: PartialSuccess): Uint8Array {
  const count = rejected === 0 ? [] : [0x08, ...varint(rejected)];
  return Buffer.concat([Uint8Array.from(count), message ? delimited(2, Buffer.from(message)) : new Uint8Array()]);
}

function delimited(field: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([field * 8 + 2, ...varint(content.length)]), content]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return [...bytes, rest];
}
