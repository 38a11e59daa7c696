import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type Route, routeOf } from '../../inputs/otlpReceiver/http/route.ts';
import { readRequest } from '../../inputs/otlpReceiver/readRequest.ts';
import { RECEIVED } from '../../inputs/otlpReceiver/signals.ts';
import { malformed, type Verdict } from '../../inputs/otlpReceiver/verdict.ts';
import { SIGNAL_NAMES } from '../../otlp/signals.ts';
import type { BackendAnswer } from './otlpAnswer.ts';
import { type WireSpan, walkJsonSpans, walkSpans } from './wireSpans.ts';

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

/** What a body holds, or why it is refused. */
export type Content = Pick<BackendRequest, 'body' | 'spans' | 'items' | 'decoded'>;

/** What a request is for a receiver whose only path is `path`, if one is given. A request without a content type is taken for protobuf, so that a test can be short. */
export function backendRouteOf(
  { headers, method, url = '' }: IncomingMessage,
  path: string | undefined,
): Route | Verdict {
  const [asked = ''] = url.split('?', 1);
  const isElsewhere = path !== undefined && asked !== path;
  const signal = SIGNAL_NAMES.find((name) => asked.endsWith(RECEIVED[name].path)) ?? 'traces';
  const standard = isElsewhere ? '/' : path === undefined ? url : RECEIVED[signal].path;
  const typed = { 'content-type': 'application/x-protobuf', ...headers };
  return routeOf({ headers: typed, ...(method !== undefined && { method }), url: standard });
}

/**
 * What a receiver takes of a body. Why are the spans read once more, by a reader that shares no code with the receiver's? So that a test can check an encoder with it, and counts what is there even where both of ours are wrong alike.
 */
export function contentOf(
  { signal, format }: Route,
  body: Uint8Array,
  decode: ((body: Uint8Array) => unknown) | undefined,
): Content | Verdict {
  const items = readRequest(signal, format, body, {});
  if (!Array.isArray(items)) return items;
  try {
    const walk = format === 'json' ? walkJsonSpans : walkSpans;
    const spans = signal === 'traces' ? walk(body) : [];
    return { body, spans, items: signal === 'traces' ? spans.length : items.length, decoded: decode?.(body) };
  } catch (thrown) {
    return malformed(String(thrown));
  }
}
