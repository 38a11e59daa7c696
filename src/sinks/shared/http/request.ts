import { messageOf } from '../../../model/errors.ts';
import { ExportError } from '../../../model/sink.ts';
import type { RequestLender } from '../../../otlp/encode/requestLender.ts';
import { type CountBytes, type RequestUse, requestFor } from '../../../otlp/encode/sharedRequests.ts';
import type { Signal } from '../../../otlp/signals.ts';
import type { HeaderSource, HeadersRequest } from '../configuration/headers.ts';
import type { ResourceWait } from '../resources.ts';
import { type Body, LentBody, ownBody, wholeOf } from './body.ts';
import type { Compression, ContentCoding } from './contentCoding.ts';
import type { Transport } from './contract.ts';

const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' };

/** What sinks over HTTP have in common. `never`: whatever the signal. */
export interface HttpSettings<Item = never> {
  readonly signal: Signal<Item>;
  /** Without credentials. */
  readonly url: URL;
  /** Names the destination in messages. */
  readonly where: string;
  readonly headers: HeaderSource<[request: HeadersRequest]>;
  readonly encoding: 'protobuf' | 'json';
  readonly compression: Compression;
  readonly timeoutMillis: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly resourceTimeoutMillis: number;
  /** `undefined` where the host sets it. */
  readonly userAgent: string | undefined;
}

/** What one request sends. It is made for that request, and not kept for the next one: batches that wait for their turn hold their items, and no bodies. */
export interface PreparedRequest {
  readonly body: Body;
  readonly coding: Compression;
  /** Items that cannot be expressed, and are not in the body. */
  readonly unencodable: number;
}

/** What a sink makes its requests with. */
export interface RequestContext<Item> {
  readonly settings: HttpSettings<Item>;
  readonly transport: Transport;
  readonly coding: ContentCoding;
  readonly wait: ResourceWait<Item>;
  readonly lender: RequestLender<Item>;
  /** Called with the number of bytes of a body when it has been made, and again, negative, when it is not used any more. */
  readonly countBytes: CountBytes;
}

/** Makes one request. It fails only for good: trying again would make the same one. */
export async function prepare<Item>(
  items: readonly Item[],
  context: RequestContext<Item>,
  signal: AbortSignal,
): Promise<PreparedRequest> {
  await context.wait(items);
  signal.throwIfAborted();
  const coding = context.coding.current;
  try {
    const use = await requestFor(items, context.settings.encoding, context.lender, context.countBytes);
    return { body: await bodyOf(use, items.length, coding, context), coding, unencodable: use.unencodable };
  } catch (thrown) {
    if (thrown instanceof ExportError) throw thrown;
    throw new ExportError({ kind: 'permanent' }, `no request can be made: ${messageOf(thrown)}`, { cause: thrown });
  }
}

async function bodyOf(
  use: RequestUse,
  count: number,
  coding: Compression,
  { settings, transport, countBytes }: RequestContext<never>,
): Promise<Body> {
  let isLent = false;
  try {
    checkSize(use.length, count, settings);
    isLent = coding === 'none' && transport.takesLentBodies;
    if (isLent) return new LentBody(use);
    const whole = wholeOf(use.pieces);
    const own = coding === 'none' ? new Uint8Array(whole) : await transport.compressed(whole, coding);
    countBytes(own.length);
    return ownBody(own, () => countBytes(-own.length));
  } finally {
    if (!isLent) {
      use.giveBack();
      use.end();
    }
  }
}

function checkSize(length: number, count: number, { maxRequestBytes, signal }: HttpSettings): void {
  if (length <= maxRequestBytes) return;
  const size = `a request of ${length} bytes (${count} ${signal.fields.noun}s)`;
  throw new ExportError({ kind: 'tooLarge' }, `${size} is not sent: it is over maxRequestBytes ${maxRequestBytes}`);
}

/**
 * The headers of one request: those that functions give are asked for anew.
 *
 * @param refused the status with which the backend has refused the headers of the request before
 */
export async function headersOf(
  { body, coding }: PreparedRequest,
  { url, headers, userAgent, encoding }: HttpSettings,
  refused: 401 | undefined,
): Promise<Record<string, string>> {
  const own = {
    ...(userAgent !== undefined && { 'user-agent': userAgent }),
    'content-type': CONTENT_TYPES[encoding],
    'content-length': String(body.length),
    ...(coding !== 'none' && { 'content-encoding': coding }),
  };
  const request = new AskedRequest(url.href, own, refused, body);
  return { ...(await headers.current(request)), ...own };
}

/** A class, and no object with a getter: V8 keeps the getter of each such object, and so the body, until a full collection. */
class AskedRequest implements HeadersRequest {
  readonly method = 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly refused: 401 | undefined;
  readonly #body: Body;

  constructor(url: string, headers: Readonly<Record<string, string>>, refused: 401 | undefined, body: Body) {
    this.url = url;
    this.headers = headers;
    this.refused = refused;
    this.#body = body;
  }

  get body(): Uint8Array {
    return this.#body.whole();
  }
}
