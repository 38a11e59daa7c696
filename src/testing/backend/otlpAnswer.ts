import type { OutgoingHttpHeaders } from 'node:http';
import type { Route } from '../../inputs/otlpReceiver/http/route.ts';
import { encodeResponse, encodeResponseJson } from '../../otlp/responses/encodeResponse.ts';

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
    /** Why, in 4,096 characters at most: a longer message is cut, as a receiver does. Default: no message. */
    readonly message?: string;
  };
}

/** Whether an answer is a success to the client. */
export function isSuccess(answer: BackendAnswer): boolean {
  if (typeof answer === 'string') return answer === 'ok';
  const status = answer.status ?? 200;
  return status >= 200 && status < 300;
}

/** The body of a reply, in the format of the request. */
export function replyBody({ body, partialSuccess }: BackendReply, { format, signal }: Route): string | Uint8Array {
  if (body !== undefined) return body;
  const partial = partialSuccess && { message: '', ...partialSuccess };
  return format === 'json' ? encodeResponseJson(signal, partial) : encodeResponse(partial);
}
