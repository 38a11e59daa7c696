import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Observable } from 'rxjs';
import type { Batch } from '../../batch.ts';
import { bodyMemory } from '../../memory.ts';
import { ExportError, type ObservableSink, type Response } from '../../sink.ts';
import { untraced } from '../../suppress.ts';
import { resourceWait } from '../resources.ts';
import { readAnswer } from './answer.ts';
import type { Sending } from './body.ts';
import { type Connections, connectionsFor, describe } from './connection.ts';
import { type OtlpHttpOptions, type OtlpHttpSettings, settle } from './options.ts';
import { headersOf, type PreparedRequest, prepare } from './request.ts';

/**
 * Sends spans to an OTLP/HTTP backend, as protobuf or JSON (`encoding`), over connections that are kept alive.
 *
 * It bears many exports at once; each concurrent one has a connection of its own. Unsubscribing an export aborts its request. Each attempt has a deadline (`timeoutMillis`) that
 * `exportTo` keeps, connecting and answering included. Redirects are refused. Tracing is suppressed, so that exporting makes no spans.
 * The spans are read once for all attempts, after the first subscription, a few at a time: until the request is made they must not change, and what is changed in them later does not go out.
 *
 * | what comes back | means |
 * |---|---|
 * | 2xx | delivered, but for what a partial success rejects |
 * | 429, 502, 503, 504 | `retryable`, or `throttled` with a `Retry-After` (seconds or a date) |
 * | 413, or a body over `maxRequestBytes` | `tooLarge` |
 * | any other status, or an answer over `maxResponseBytes` | `permanent` |
 * | no connection: refused, not found, a certificate that does not fit | `retryable` |
 * | a connection that broke after the request was begun | `unknownOutcome` |
 *
 * **Loss**: spans that cannot be expressed in OTLP are left out and counted as `unencodable`; the rest of their batch goes out.
 *
 * The variables `OTEL_EXPORTER_OTLP_*` count where an option is left out, their `TRACES_` forms first; a value that makes no sense is warned about and ignored.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const sink = otlpHttp({ url: 'https://collector.example/v1/traces', compression: 'gzip', headers: { authorization: () => token() } });
 * ```
 *
 * @see toExporter
 */
export function otlpHttp(options: OtlpHttpOptions = {}): ObservableSink<ReadableSpan> {
  const settings = settle(options);
  const connections = connectionsFor(settings);
  const wait = resourceWait(settings.resourceTimeoutMillis);
  const requests = new WeakMap<Batch<ReadableSpan>, Promise<PreparedRequest>>(); // made by a batch's first attempt, for all of them
  const requestOf = (batch: Batch<ReadableSpan>) => {
    const request = requests.get(batch) ?? prepare(batch.items, settings, wait, () => requests.delete(batch));
    requests.set(batch, request);
    return request;
  };
  /** A batch that comes again after it was answered has its request made again. */
  const begin = async (batch: Batch<ReadableSpan>, signal: AbortSignal): Promise<[PreparedRequest, Sending]> => {
    const request = await requestOf(batch);
    signal.throwIfAborted();
    const sending = request.body.begin();
    return sending === undefined ? begin(batch, signal) : [request, sending];
  };
  let isShutDown = false;
  return {
    name: 'otlpHttp',
    attemptTimeoutMillis: settings.timeoutMillis,
    export: (batch) =>
      new Observable((subscriber) => {
        if (isShutDown) return subscriber.error(new ExportError({ kind: 'permanent' }, 'otlpHttp was shut down'));
        const abort = new AbortController();
        subscriber.add(() => abort.abort());
        const answer = untraced(async () => {
          const [request, sending] = await begin(batch, abort.signal);
          return attempt(connections, request, sending, batch.items.length, settings, abort.signal);
        });
        answer.then(
          (response) => {
            subscriber.next(response);
            subscriber.complete();
          },
          (error: unknown) => subscriber.error(error),
        );
      }),
    shutdown: () => {
      isShutDown = true;
      return connections.close();
    },
  };
}

async function attempt(
  connections: Connections,
  request: PreparedRequest,
  sending: Sending,
  spans: number,
  settings: OtlpHttpSettings,
  signal: AbortSignal,
): Promise<Response> {
  const { unencodable } = request;
  if (unencodable === spans) return { unencodable };
  const { url, maxResponseBytes } = settings;
  const where = `${url.origin}${url.pathname}`;
  const memory = bodyMemory();
  const bodyBytes = request.body.length;
  memory.hold(bodyBytes);
  try {
    const headers = await headersOf(request, settings);
    signal.throwIfAborted();
    const path = `${url.pathname}${url.search}`;
    // undici's types leave the iterable out, its documentation does not.
    const body = sending.body as Uint8Array;
    const response = await connections.request({ method: 'POST', path, headers, body, signal }, (answer) =>
      readAnswer(answer, maxResponseBytes, where),
    );
    sending.answered();
    return unencodable === 0 ? response : { ...response, unencodable };
  } catch (error) {
    sending.failed();
    if (error instanceof ExportError) throw error;
    throw new ExportError(connections.failureOf(error), `no answer from ${where}: ${describe(error)}`, {
      cause: error,
    });
  } finally {
    memory.give(bodyBytes);
  }
}
