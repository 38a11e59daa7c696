import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { messageOf } from '../../model/errors.ts';
import { ExportError } from '../../model/sink.ts';
import { encodeTracesJsonInSlices } from '../../otlp/json/write/encodeJson.ts';
import { lendTraces } from '../../otlp/traces/encode/encode.ts';
import type { ResourceWait } from '../shared/resources.ts';
import { type Body, LentBody, ownBody, SOCKET_HIGH_WATER_MARK_BYTES } from './body.ts';
import type { OtlpHttpSettings } from './configuration/settings.ts';

const gzipOffThread = promisify(gzip);

const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' };

/** What one attempt sends. It is made for that attempt, and not kept for the next one: batches that wait for their turn hold their spans, and no bodies. */
export interface PreparedRequest {
  readonly body: Body;
  /** Spans that cannot be expressed, and are not in the body. */
  readonly unencodable: number;
}

/** Counts bytes of encoded bodies: how many more there are, or fewer. */
export type CountBytes = (change: number) => void;

/**
 * Makes the request of one attempt. It fails only for good: trying again would make the same one.
 *
 * @param countBytes told of a body when it is there, and again when its attempt is over
 */
export async function prepare(
  spans: readonly ReadableSpan[],
  settings: OtlpHttpSettings,
  wait: ResourceWait,
  signal: AbortSignal,
  countBytes: CountBytes,
): Promise<PreparedRequest> {
  await wait(spans);
  signal.throwIfAborted();
  let unencodable = 0;
  const onUnencodable = () => {
    unencodable += 1;
  };
  try {
    const make = settings.encoding === 'json' ? jsonBody : protobufBody;
    const body = counted(await make(spans, settings, onUnencodable), countBytes);
    return { body, unencodable };
  } catch (thrown) {
    if (thrown instanceof ExportError) throw thrown;
    throw new ExportError({ kind: 'permanent' }, `no request can be made: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function counted(body: Body, countBytes: CountBytes): Body {
  countBytes(body.length);
  return {
    length: body.length,
    content: body.content,
    end: (answered) => {
      countBytes(-body.length);
      body.end(answered);
    },
  };
}

async function jsonBody(
  spans: readonly ReadableSpan[],
  settings: OtlpHttpSettings,
  onUnencodable: () => void,
): Promise<Body> {
  const bytes = await encodeTracesJsonInSlices(spans, { onUnencodable });
  checkSize(bytes.length, spans, settings);
  return ownBody(settings.compression === 'gzip' ? await gzipOffThread(bytes) : bytes);
}

async function protobufBody(
  spans: readonly ReadableSpan[],
  settings: OtlpHttpSettings,
  onUnencodable: () => void,
): Promise<Body> {
  const lent = await lendTraces(spans, { onUnencodable, leastBytes: SOCKET_HIGH_WATER_MARK_BYTES });
  try {
    checkSize(lent.length, spans, settings);
    if (settings.compression === 'none' && settings.dispatcher === undefined) return new LentBody(lent);
    const own = ownBody(await ownBytes(wholeOf(lent.pieces), settings));
    lent.giveBack();
    return own;
  } catch (thrown) {
    lent.giveBack();
    throw thrown;
  }
}

/** Nobody knows how long somebody else's dispatcher keeps what it sends: it gets a copy. */
async function ownBytes(lent: Uint8Array, { compression }: OtlpHttpSettings): Promise<Uint8Array> {
  return compression === 'gzip' ? gzipOffThread(lent) : new Uint8Array(lent);
}

function wholeOf(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}

function checkSize(length: number, spans: readonly ReadableSpan[], { maxRequestBytes }: OtlpHttpSettings): void {
  if (length <= maxRequestBytes) return;
  const size = `a request of ${length} bytes (${spans.length} spans)`;
  throw new ExportError({ kind: 'tooLarge' }, `${size} is not sent: it is over maxRequestBytes ${maxRequestBytes}`);
}

/** The headers of one attempt: those that functions give are asked for anew. */
export async function headersOf(request: PreparedRequest, settings: OtlpHttpSettings): Promise<Record<string, string>> {
  const headers: Record<string, string> = {
    ...(await settings.headers()),
    'user-agent': settings.userAgent,
    'content-type': CONTENT_TYPES[settings.encoding],
    'content-length': String(request.body.length),
  };
  if (settings.compression === 'gzip') headers['content-encoding'] = 'gzip';
  return headers;
}
