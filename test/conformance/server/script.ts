import type { Protocol } from '../subjects/subject.ts';

/** What the server does with a request that has arrived whole, in terms of OTLP: each protocol has its own way to say it. */
export type Reply =
  /** Success. `rejected` items make it a partial one; `unknownFields` adds some that a later version may have. */
  | { readonly as: 'accept'; readonly rejected?: number; readonly message?: string; readonly unknownFields?: boolean }
  /** Any other answer: a status of HTTP, or a code of gRPC. */
  | { readonly as: 'code'; readonly code: number; readonly later?: Later }
  /** An answer whose message has this many bytes. `zipped`: before it was compressed. */
  | { readonly as: 'large'; readonly bytes: number; readonly zipped?: boolean; readonly code?: number }
  /** A success of which one byte is sent after each wait. */
  | { readonly as: 'drip'; readonly pieces: number; readonly wait: () => Promise<void> }
  | { readonly as: 'hangUp' }
  | { readonly as: 'silence' };

/** When to come back: seconds, or whatever HTTP is to have as `Retry-After`. */
export type Later = { readonly seconds: number } | { readonly header: string };

export type Script = Reply | ((arrival: Arrival) => Reply | Promise<Reply>);

/** One request that has arrived whole. Times are those of the client's clock. */
export interface Arrival {
  /** 0 for the first one. */
  readonly index: number;
  /** The path of HTTP, or the method of gRPC. */
  readonly path: string;
  readonly version: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it was sent; of gRPC without its prefix. */
  readonly body: Buffer;
  /** Whether gRPC's prefix says that the message is compressed. */
  readonly isFlaggedCompressed: boolean;
  /** A number for each connection. */
  readonly connection: number;
  readonly atMillis: number;
  /** When its answer was sent, if it was. */
  answeredAtMillis?: number;
  /** Whether the client ended it before it was answered. */
  isGivenUp: boolean;
}

export const ACCEPT: Reply = { as: 'accept' };
export const SILENCE: Reply = { as: 'silence' };
export const HANG_UP: Reply = { as: 'hangUp' };

const TRANSIENT_CODES: Readonly<Record<Protocol, number>> = { http: 503, grpc: 14 };
const PERMANENT_CODES: Readonly<Record<Protocol, number>> = { http: 400, grpc: 3 };

/** 503, or UNAVAILABLE. */
export function transient(protocol: Protocol, later?: Later): Reply {
  return { as: 'code', code: TRANSIENT_CODES[protocol], ...(later && { later }) };
}

/** 400, or INVALID_ARGUMENT. */
export function permanent(protocol: Protocol): Reply {
  return { as: 'code', code: PERMANENT_CODES[protocol] };
}

/** These replies one after the other, then successes. */
export function inTurn(...replies: readonly Reply[]): Script {
  return ({ index }) => replies[index] ?? ACCEPT;
}
