import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { messageOf } from '../../errors.ts';
import { lendTraces } from '../../otlp/encode.ts';
import { encodeTracesJsonInSlices } from '../../otlp/encode-json.ts';
import { ExportError } from '../../sink.ts';
import { untraced } from '../../suppress.ts';
import type { ResourceWait } from '../resources.ts';
import { type Body, LentBody, ownBody, SOCKET_HIGH_WATER_MARK_BYTES } from './body.ts';
import { isHeaderValue, type OtlpHttpSettings } from './options.ts';

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
    if (settings.compression === 'none') return new LentBody(lent);
    const zipped = ownBody(await gzipOffThread(wholeOf(lent.pieces)));
    lent.giveBack();
    return zipped;
  } catch (thrown) {
    lent.giveBack();
    throw thrown;
  }
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

/** The headers of one attempt: those that are functions are asked anew. */
export async function headersOf(request: PreparedRequest, settings: OtlpHttpSettings): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings.headers)) {
    headers[name] = typeof value === 'function' ? await askedFor(name, value) : value;
  }
  headers['user-agent'] = settings.userAgent;
  headers['content-type'] = CONTENT_TYPES[settings.encoding];
  headers['content-length'] = String(request.body.length);
  if (settings.compression === 'gzip') headers['content-encoding'] = 'gzip';
  return headers;
}

async function askedFor(name: string, ask: () => string | Promise<string>): Promise<string> {
  let text: unknown;
  try {
    text = await untraced(ask);
  } catch (thrown) {
    const message = `the header ${name} could not be made: ${messageOf(thrown)}`;
    throw new ExportError({ kind: 'retryable' }, message, { cause: thrown });
  }
  if (isHeaderValue(text)) return text;
  // Not the value: it may be a secret.
  throw new ExportError({ kind: 'retryable' }, `the header ${name} has a value that HTTP forbids`);
}
