import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
// By the module, as an older Node has no zstd: importing it by name would fail there before the runtime is looked at.
import zlib from 'node:zlib';
import type { BackendAnswer } from './otlpAnswer.ts';
import { type WireSpan, walkJsonSpans, walkSpans } from './wireSpans.ts';

/** One request as the backend saw it. */
export interface BackendRequest {
  /** The how manyth it was, from 0. */
  readonly index: number;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** After decompression. */
  readonly body: Uint8Array;
  /** Bytes of the body before decompression. */
  readonly wireBytes: number;
  /** When it was complete, in real milliseconds since the backend started. */
  readonly atMillis: number;
  readonly spans: readonly WireSpan[];
  /** What `decode` made of it. */
  readonly decoded: unknown;
  /** Why it could not be read: an encoding that is unknown, bytes that are no message. */
  readonly problem: string | undefined;
  /** What it was answered, as soon as that is decided. */
  readonly answer: BackendAnswer | undefined;
  /** Whether the client went away before its answer. */
  readonly aborted: boolean;
}

/** A request while the backend still writes into it. */
export type RecordedRequest = { -readonly [Key in keyof BackendRequest]: BackendRequest[Key] };

/** How a body is to be read. */
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

/** Whether a request speaks JSON. Anything else is taken for protobuf. */
export function isJson(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/json') ?? false;
}

/** What is in a body. It never throws: what cannot be read is a problem of the request. */
export async function decodeContent(
  headers: IncomingHttpHeaders,
  wire: Uint8Array,
  { maxBodyBytes, decode }: ReadOptions,
): Promise<Pick<BackendRequest, 'body' | 'spans' | 'decoded' | 'problem'>> {
  const content = { body: wire, spans: [] as readonly WireSpan[], decoded: undefined as unknown, problem: undefined };
  try {
    content.body = await decompress(headers['content-encoding'] ?? 'identity', wire, maxBodyBytes);
    content.spans = isJson(headers) ? walkJsonSpans(content.body) : walkSpans(content.body);
    content.decoded = decode?.(content.body, headers);
    return content;
  } catch (error) {
    return { ...content, problem: String(error) };
  }
}

async function decompress(encoding: string, wire: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const decode = DECOMPRESSORS[encoding];
  if (decode === undefined) throw new RangeError(`the encoding ${encoding} is unknown`);
  return decode(wire, { maxOutputLength: maxBytes });
}

/** The body, or `undefined` as soon as it is too large. */
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

/** Answers a body that is too large, and reads no more of it. */
export function refuseBody(message: IncomingMessage, response: ServerResponse): void {
  message.pause();
  response.writeHead(413, { connection: 'close' }).end(() => message.destroy());
}
