import { promisify } from 'node:util';
import { messageOf } from '../../model/errors.ts';
import { ExportError } from '../../model/sink.ts';
import type { RequestLender } from '../../otlp/encode/requestLender.ts';
import { type CountBytes, type RequestUse, requestFor } from '../../otlp/encode/sharedRequests.ts';
import type { ResourceWait } from '../shared/resources.ts';
import { type Body, LentBody, ownBody } from './body.ts';
import type { OtlpHttpSettings } from './settings.ts';

const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' };

/** What one attempt sends. It is made for that attempt, and not kept for the next one: batches that wait for their turn hold their items, and no bodies. */
export interface PreparedRequest {
  readonly body: Body;
  /** Items that cannot be expressed, and are not in the body. */
  readonly unencodable: number;
}

/** What a sink makes its requests with. */
export interface RequestContext<Item> {
  readonly settings: OtlpHttpSettings<Item>;
  readonly wait: ResourceWait<Item>;
  readonly lender: RequestLender<Item>;
  /** Called with the number of bytes of a body when it has been made, and again, negative, when it is not used any more. */
  readonly countBytes: CountBytes;
}

/** Makes the request of one attempt. It fails only for good: trying again would make the same one. */
export async function prepare<Item>(
  items: readonly Item[],
  { settings, wait, lender, countBytes }: RequestContext<Item>,
  signal: AbortSignal,
): Promise<PreparedRequest> {
  await wait(items);
  signal.throwIfAborted();
  try {
    const use = await requestFor(items, settings.encoding, lender, countBytes);
    return { body: await bodyOf(use, items.length, settings, countBytes), unencodable: use.unencodable };
  } catch (thrown) {
    if (thrown instanceof ExportError) throw thrown;
    throw new ExportError({ kind: 'permanent' }, `no request can be made: ${messageOf(thrown)}`, { cause: thrown });
  }
}

async function bodyOf(
  use: RequestUse,
  count: number,
  settings: OtlpHttpSettings,
  countBytes: CountBytes,
): Promise<Body> {
  let isLent = false;
  try {
    checkSize(use.length, count, settings);
    // How long a given dispatcher keeps what it sends is unknown: it gets a copy.
    isLent = settings.compression === 'none' && settings.dispatcher === undefined;
    if (isLent) return new LentBody(use);
    const whole = wholeOf(use.pieces);
    const own = settings.compression === 'gzip' ? await gzipped(whole) : new Uint8Array(whole);
    countBytes(own.length);
    return ownBody(own, () => countBytes(-own.length));
  } finally {
    if (!isLent) {
      use.giveBack();
      use.end();
    }
  }
}

/** Compresses off the main thread. zlib is loaded at the first use: that takes milliseconds, and most programs do not compress. */
function gzipped(bytes: Uint8Array): Promise<Buffer> {
  return promisify<Uint8Array, Buffer>(process.getBuiltinModule('node:zlib').gzip)(bytes);
}

function wholeOf(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}

function checkSize(length: number, count: number, { maxRequestBytes, signal }: OtlpHttpSettings): void {
  if (length <= maxRequestBytes) return;
  const size = `a request of ${length} bytes (${count} ${signal.fields.noun}s)`;
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
