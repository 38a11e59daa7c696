import type { OutgoingHttpHeaders } from 'node:http';
import type { SignalName } from '../../model/signal.ts';
import { REJECTED_FIELDS } from './wireItems.ts';

/** How a backend answers a request. */
export type BackendAnswer =
  /** A plain success. */
  | 'ok'
  /** Resets the connection. */
  | 'reset'
  /** Never answers: the request stays open until the client aborts it or the backend closes. */
  | 'hang'
  | BackendReply;

/** An answer in detail. */
export interface BackendReply {
  /** The HTTP status. Default 200. */
  readonly status?: number;
  /** Headers, in addition to the content type. Default: none. */
  readonly headers?: OutgoingHttpHeaders;
  /** Default: the OTLP message for `partialSuccess`; without one, an empty message. */
  readonly body?: string | Uint8Array;
  /** The delay of the answer, in real milliseconds. Default 0. */
  readonly delayMillis?: number;
  /** What a successful answer says of rejected items, which must not be sent again. Default: none was. */
  readonly partialSuccess?: {
    /** How many items were rejected: 0 or more. */
    readonly rejected: number;
    /** Why. Default: no message. */
    readonly message?: string;
  };
}

/** Whether an answer is a success to the client. */
export function isSuccess(answer: BackendAnswer): boolean {
  if (typeof answer === 'string') return answer === 'ok';
  const status = answer.status ?? 200;
  return status >= 200 && status < 300;
}

/** The body of a reply, in the encoding of the request. */
export function replyBody(reply: BackendReply, isJson: boolean, signal: SignalName): Uint8Array {
  if (reply.body !== undefined) return Buffer.from(reply.body);
  const partial = reply.partialSuccess;
  if (isJson)
    return Buffer.from(JSON.stringify(partial === undefined ? {} : { partialSuccess: jsonOf(partial, signal) }));
  return partial === undefined ? new Uint8Array() : delimited(1, protobufOf(partial));
}

type PartialSuccess = NonNullable<BackendReply['partialSuccess']>;

function jsonOf({ rejected, message }: PartialSuccess, signal: SignalName): object {
  return { [REJECTED_FIELDS[signal]]: String(rejected), errorMessage: message ?? '' };
}

/** The field numbers are those of all signals: rejected_spans = 1, error_message = 2. */
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
