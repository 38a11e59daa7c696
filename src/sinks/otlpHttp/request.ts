import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { encodeTraces } from '../../otlp/encode.ts';
import { ExportError } from '../../sink.ts';
import { pendingResources } from '../resources.ts';
import { isHeaderValue, type OtlpHttpSettings } from './options.ts';

const gzipOffThread = promisify(gzip);

/** What all attempts of a batch have in common. */
export interface PreparedRequest {
  readonly body: Uint8Array;
  /** Spans that cannot be expressed, and are not in the body. */
  readonly unencodable: number;
}

/** Makes the body of a batch. It fails only for good: trying again would make the same body. */
export async function prepare(spans: readonly ReadableSpan[], settings: OtlpHttpSettings): Promise<PreparedRequest> {
  await pendingResources(spans, settings.resourceTimeoutMillis);
  let unencodable = 0;
  const onUnencodable = () => {
    unencodable += 1;
  };
  const body = encodeTraces(spans, { onUnencodable });
  if (body.length > settings.maxRequestBytes) {
    const size = `a request of ${body.length} bytes (${spans.length} spans)`;
    throw new ExportError(
      { kind: 'tooLarge' },
      `${size} is not sent: it is over maxRequestBytes ${settings.maxRequestBytes}`,
    );
  }
  return { body: settings.compression === 'gzip' ? await gzipOffThread(body) : body, unencodable };
}

/** The headers of one attempt: those that are functions are asked anew. */
export async function headersOf(request: PreparedRequest, settings: OtlpHttpSettings): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings.headers)) {
    const text = typeof value === 'function' ? await value() : value;
    // Not the value: it may be a secret.
    if (!isHeaderValue(text))
      throw new ExportError({ kind: 'retryable' }, `the header ${name} has a value that HTTP forbids`);
    headers[name] = text;
  }
  headers['user-agent'] = settings.userAgent;
  headers['content-type'] = 'application/x-protobuf';
  headers['content-length'] = String(request.body.length);
  if (settings.compression === 'gzip') headers['content-encoding'] = 'gzip';
  return headers;
}
