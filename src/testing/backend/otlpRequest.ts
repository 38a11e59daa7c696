import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
// Imported as a module: an older Node has no zstd, and a named import would fail there before the check of the Node version.
import zlib from 'node:zlib';
import type { BackendAnswer } from './otlpAnswer.ts';
import { countItems, countJsonItems, signalAt } from './wireItems.ts';
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
  /** After decompression. */
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
  /** Why the body could not be read: an unknown encoding, or bytes that are no OTLP message. */
  readonly problem: string | undefined;
  /** The answer, once it is decided. */
  readonly answer: BackendAnswer | undefined;
  /** Whether the client disconnected before the answer. */
  readonly aborted: boolean;
}

/** A request that the backend still completes. */
export type RecordedRequest = { -readonly [Key in keyof BackendRequest]: BackendRequest[Key] };

/** Options for reading a body. */
export interface ReadOptions {
  readonly maxBodyBytes: number;
  readonly decode?: (body: Uint8Array, headers: IncomingHttpHeaders) => unknown;
}

type Decompress = (body: Uint8Array, limit: { maxOutputLength: number }) => Promise<Uint8Array>;

const DECOMPRESSORS: Readonly<Record<string, Decompress>> = {
  gzip: promisify<Uint8Array, { maxOutputLength: number }, Buffer>(zlib.gunzip),
  deflate: promisify<Uint8Array, { maxOutputLength: number }, Buffer>(zlib.inflate),
  zstd: promisify<Uint8Array, { maxOutputLength: number }, Buffer>(zlib.zstdDecompress),
  identity: async (body) => body,
};

/** Whether the body of a request is JSON. Any other content type is read as protobuf. */
export function isJson(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/json') ?? false;
}

/** Decodes a body. Never throws: the reason why a body cannot be read becomes `problem`. */
export async function decodeContent(
  { headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>,
  wire: Uint8Array,
  { maxBodyBytes, decode }: ReadOptions,
): Promise<Pick<BackendRequest, 'body' | 'spans' | 'items' | 'decoded' | 'problem'>> {
  const spans: readonly WireSpan[] = [];
  const content = { body: wire, spans, items: 0, decoded: undefined as unknown, problem: undefined };
  try {
    content.body = await decompress(headers['content-encoding'] ?? 'identity', wire, maxBodyBytes);
    const signal = signalAt(pathOf(url));
    if (signal === 'traces') {
      content.spans = isJson(headers) ? walkJsonSpans(content.body) : walkSpans(content.body);
      content.items = content.spans.length;
    } else {
      content.items = isJson(headers) ? countJsonItems(signal, content.body) : countItems(signal, content.body);
    }
    content.decoded = decode?.(content.body, headers);
    return content;
  } catch (error) {
    return { ...content, problem: String(error) };
  }
}

/** The path of a request, without its query. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}

async function decompress(encoding: string, wire: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const decode = DECOMPRESSORS[encoding];
  if (decode === undefined) throw new RangeError(`the encoding ${encoding} is unknown`);
  return decode(wire, { maxOutputLength: maxBytes });
}

/** The body; `undefined` as soon as it is too large. */
export async function readBody(message: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const isTooLarge = await new Promise<boolean>((resolve, reject) => {
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) resolve(true);
      else chunks.push(chunk);
    });
    message.on('end', () => resolve(false));
    message.on('error', reject);
  });
  return isTooLarge ? undefined : Buffer.concat(chunks);
}

/** Answers 413, and reads no more of the body. */
export function refuseBody(message: IncomingMessage, response: ServerResponse): void {
  message.pause();
  response.writeHead(413, { connection: 'close' }).end(() => message.destroy());
}
