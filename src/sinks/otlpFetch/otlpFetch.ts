import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { ObservableSink } from '../../model/sink.ts';
import { httpSink } from '../shared/http/httpSink.ts';
import { otlpComponent, serverOf } from '../shared/otlpComponent.ts';
import { fetchTransport } from './fetchTransport.ts';
import type { OtlpFetchOptions } from './options.ts';
import { otlpFetchSettings } from './settings.ts';

/** Bodies are copied as a whole, so no part of them need be lent. */
const LEAST_LENT_BYTES = 64 * 1024;

/**
 * Exports spans, log records or data points to an OTLP/HTTP backend by `fetch`: for browsers, workers and other places without sockets. Where there are sockets, `otlpHttp` knows more and does more.
 *
 * It answers once for each attempt, and completes; unsubscribing aborts the request. Each attempt has a deadline (`timeoutMillis`), which `exportTo` keeps. Redirects are refused. Tracing is suppressed, so that exporting makes no spans.
 * Connections are the runtime's: it decides how many there are, how long they live, and through which proxy they lead.
 *
 * **Outcomes** are those of `otlpHttp` for each status, one more request after a 401 to headers of functions included. The difference is where no answer comes:
 *
 * | what `fetch` says | outcome |
 * |---|---|
 * | an error whose cause says that there was no connection (Node does, for a refused one or an unknown name) | `retryable` |
 * | any other error | `unknownOutcome` |
 * | a redirect | `permanent` |
 *
 * Why is a `TypeError` an unknown outcome? `fetch` throws the same error for a backend that cannot be reached, for one that took the request and whose answer the page may not read (CORS), and for a connection that broke in between. So the
 * batch is sent again and may arrive twice: what is delivered then counts in `possibleDuplicates`, and what never is counts as `unconfirmed`, not as `retriesExhausted`. For the same reason an attempt that times out
 * while it connects is an unknown outcome, too.
 *
 * **CORS**: a backend of another origin must allow the page's origin, the method `POST` and the headers `content-type` and, if they are used, `content-encoding` and yours; and expose `retry-after`, or the wait that it asks for is not seen.
 * A Collector has `cors: { allowed_origins, allowed_headers }` for it.
 *
 * The variables `OTEL_EXPORTER_OTLP_*` are used where an option is left out, their `TRACES_` forms first, in runtimes that have a `process.env`. An invalid value is warned about and ignored.
 *
 * **Order**: requests may overtake each other.
 *
 * **Loss**: items that OTLP cannot express are left out and counted as `unencodable`. What is in flight when a page goes away arrives if `keepalive` says so, and nobody learns of it.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown, and where the runtime has no `fetch`
 *
 * @example
 * ```ts
 * const { otlpFetch } = await import('spanflow/fetch');
 * const { adaptiveBatch, channel, exportTo } = await import('spanflow/streams');
 * const spans = channel<ReadableSpan>();
 * const sink = otlpFetch({ url: 'https://collector.example/v1/traces' });
 * spans.items$.pipe(adaptiveBatch(), exportTo(sink)).subscribe();
 * const processor = { onStart() {}, onEnd: (span: ReadableSpan) => void spans.trySend(span), forceFlush: async () => {}, shutdown: async () => spans.close() };
 * ```
 *
 * @see otlpHttp
 */
export function otlpFetch<S extends SignalName = 'traces'>(
  options: OtlpFetchOptions<S> = {},
): ObservableSink<SignalItems[S]> {
  const settings = otlpFetchSettings(options);
  const kind = settings.encoding === 'json' ? 'otlp_http_json' : 'otlp_http';
  return httpSink(settings, fetchTransport(settings), {
    name: 'otlpFetch',
    component: otlpComponent(kind, options.signal ?? 'traces', serverOf(settings.url)),
    leastLentBytes: LEAST_LENT_BYTES,
  });
}
