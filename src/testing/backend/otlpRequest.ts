import type { IncomingHttpHeaders } from 'node:http';
import type { BackendAnswer } from './otlpAnswer.ts';
import type { WireSpan } from './wireSpans.ts';

/** One request as the backend received it. */
export interface BackendRequest {
  /** Its position among all requests, from 0. */
  readonly index: number;
  /** `POST`, from an exporter. */
  readonly method: string;
  /** The path of the URL, with its query if there is one: `/v1/traces`. */
  readonly path: string;
  /** The headers, their names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** After decompression. Empty where it was refused before it was read, or cannot be decompressed. */
  readonly body: Uint8Array;
  /** Bytes of the body before decompression. */
  readonly wireBytes: number;
  /** When the body was complete, in real milliseconds since the backend started. */
  readonly atMillis: number;
  /** Of a request of traces. */
  readonly spans: readonly WireSpan[];
  /** How many spans, log records or data points it has, by its path. */
  readonly items: number;
  /** The result of `decode`. */
  readonly decoded: unknown;
  /** Why it was refused without asking the script: another path or method, an unknown encoding, or bytes that are no OTLP message. */
  readonly problem: string | undefined;
  /** The answer, once it is decided. */
  readonly answer: BackendAnswer | undefined;
  /** Whether the client disconnected before the answer. */
  readonly aborted: boolean;
}

/** A request that the backend still completes. */
export type RecordedRequest = { -readonly [Key in keyof BackendRequest]: BackendRequest[Key] };
