import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { ObservableSink } from '../../model/sink.ts';
import { httpSink } from '../shared/http/httpSink.ts';
import { otlpComponent, serverOf } from '../shared/otlpComponent.ts';
import { SOCKET_HIGH_WATER_MARK_BYTES } from './connection/highWaterMark.ts';
import { type SharedConnections, sharedConnections, transportFor } from './connection/transport.ts';
import type { OtlpHttpOptions } from './options.ts';
import { otlpHttpSettings } from './settings.ts';

/**
 * Exports spans to an OTLP/HTTP backend, as protobuf or JSON (`encoding`), over connections that are kept alive.
 *
 * Exports may run concurrently, each on a connection of its own. To a host that has not accepted a connection since the last failure, the sink makes one connection at a time, with gaps that grow to a second
 * while the host does not answer. Unsubscribing an export aborts its request, or its attempt to connect. Each attempt has a deadline (`timeoutMillis`), which
 * `exportTo` keeps and which includes connecting and the answer. Redirects are refused. Tracing is suppressed, so that exporting makes no spans.
 * Each attempt reads its spans once, a few at a time, after it is subscribed to. They must not change until the request is made. While a batch waits for its next attempt, it holds its spans but no request.
 * The HTTP client is loaded while the program is idle, or by the first export.
 *
 * A connection serves one request at a time, and is used again after an answer other than 429, 502, 503 or 504. After one of these, after a timeout and at `maxConnectionAgeMillis` it is replaced, so that
 * a retry is not tied to the one sick backend behind a balancer. Each new connection resolves the name again; an address that refused a request or left it without an answer comes last for 30 seconds.
 * What this costs a backend that refuses everything: a connection per refused attempt for the first 20, then one per second, until another answer comes. A `dispatcher` of yours keeps its connections as it likes.
 *
 * | what comes back | outcome |
 * |---|---|
 * | 2xx | delivered, except for spans that a partial success rejects |
 * | 429, 502, 503, 504 | `retryable`, or `throttled` with a `Retry-After` (seconds or a date) |
 * | 413, a Collector's 400 "request body too large", or a body over `maxRequestBytes` | `tooLarge` |
 * | 401 where headers are functions | one more request at once, with headers asked for anew; 401 again is `permanent` |
 * | 415, or 400 with a text about the content encoding, to `zstd` | one more request at once, in gzip, which is used from then on |
 * | any other status, or an answer over `maxResponseBytes` with any status | `permanent` |
 * | no connection: refused, not found, a certificate that does not fit, a proxy that cannot be reached or opens no tunnel | `retryable` |
 * | a connection that broke after the request was begun | `unknownOutcome` |
 * | something other than HTTP/1.1: another protocol, too many headers | `permanent`, and the spans may have arrived |
 *
 * **One more request.** OTLP says that a 401 must not be tried again, and this is an addition to it: a token that a function gives may have expired a moment ago, and without a new one its batch would be lost. There is one such request in an attempt,
 * within its timeout. It is made only after a refusal, so it leaves no duplicate. `Outcome.attempts` and the statistics count it as an attempt; `maxAttempts`, limits and breakers see the two as one.
 *
 * **Signed requests.** A function for headers is given the request, with the bytes of its body as they are sent. They are lent: it must read them before it returns (or its promise settles), and not keep them.
 *
 * **Unix sockets**: `socketPath`. Its connections are kept and replaced as others are. A socket that is not there counts as a refused connection.
 *
 * A status counts as soon as it arrives. If the rest of the answer breaks off, or pauses for two seconds, it is not read.
 *
 * **Loss**: spans that OTLP cannot express are left out and counted as `unencodable`; the rest of their batch is sent.
 *
 * The variables `OTEL_EXPORTER_OTLP_*` are used where an option is left out, their `TRACES_` forms first. An invalid value is warned about and ignored.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const sink = otlpHttp({ url: 'https://collector.example/v1/traces', compression: 'gzip', headers: { authorization: () => token() } });
 * ```
 *
 * @example
 * A signature of each request, by a key that both sides know:
 * ```ts
 * const { createHmac } = await import('node:crypto');
 * const sign = ({ body }: HeadersRequest) => createHmac('sha256', 'a key').update(body).digest('hex');
 * const sink = otlpHttp({ headers: { 'x-signature': sign } });
 * ```
 *
 * @see toExporter
 */
export function otlpHttp<S extends SignalName = 'traces'>(
  options: OtlpHttpOptions<S> = {},
): ObservableSink<SignalItems[S]> {
  return otlpHttpOn(sharedConnections(), options);
}

/** @internal */
export { type SharedConnections, sharedConnections } from './connection/transport.ts';

/**
 * As {@link otlpHttp}, over connections that other sinks may use as well.
 *
 * @internal
 */
export function otlpHttpOn<S extends SignalName>(
  shared: SharedConnections,
  options: OtlpHttpOptions<S>,
): ObservableSink<SignalItems[S]> {
  const settings = otlpHttpSettings(options);
  const { encoding, socketPath, url } = settings;
  const kind = encoding === 'json' ? 'otlp_http_json' : 'otlp_http';
  const server = socketPath === undefined ? serverOf(url) : { serverAddress: socketPath };
  return httpSink(settings, transportFor(settings, shared), {
    name: 'otlpHttp',
    component: otlpComponent(kind, options.signal ?? 'traces', server),
    leastLentBytes: SOCKET_HIGH_WATER_MARK_BYTES,
  });
}
