import { Observable } from 'rxjs';
import { outsideAnyContext } from '../../internal/timers.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { ExportError, type ObservableSink } from '../../model/sink.ts';
import { RequestLender } from '../../otlp/encode/requestLender.ts';
import { answer, countBodyBytes, withDeadline } from '../shared/attemptEnd.ts';
import { otlpComponent, serverOf } from '../shared/otlpComponent.ts';
import { resourceWait } from '../shared/resources.ts';
import { SOCKET_HIGH_WATER_MARK_BYTES } from './body.ts';
import { connectionsFor, type SharedConnections, sharedConnections } from './connection/connections.ts';
import { ExportAttempt } from './exportAttempt.ts';
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
 * | any other status, or an answer over `maxResponseBytes` with any status | `permanent` |
 * | no connection: refused, not found, a certificate that does not fit, a proxy that cannot be reached or opens no tunnel | `retryable` |
 * | a connection that broke after the request was begun | `unknownOutcome` |
 * | something other than HTTP/1.1: another protocol, too many headers | `permanent`, and the spans may have arrived |
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
 * @see toExporter
 */
export function otlpHttp<S extends SignalName = 'traces'>(
  options: OtlpHttpOptions<S> = {},
): ObservableSink<SignalItems[S]> {
  return otlpHttpOn(sharedConnections(), options);
}

/** @internal */
export { type SharedConnections, sharedConnections } from './connection/connections.ts';

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
  const { fields } = settings.signal;
  const { resource: connections, giveBack } = connectionsFor(settings, shared);
  const wait = resourceWait(settings.resourceTimeoutMillis, fields.resourceOf);
  const lender = new RequestLender(fields, SOCKET_HIGH_WATER_MARK_BYTES);
  const transport = settings.encoding === 'json' ? 'otlp_http_json' : 'otlp_http';
  let isShutDown = false;
  return {
    name: 'otlpHttp',
    attemptTimeoutMillis: settings.timeoutMillis,
    component: otlpComponent(transport, options.signal ?? 'traces', serverOf(settings.url)),
    export: (batch, given) =>
      new Observable((subscriber) => {
        if (isShutDown) return subscriber.error(new ExportError({ kind: 'permanent' }, 'otlpHttp was shut down'));
        const abort = new AbortController();
        subscriber.add(() => abort.abort());
        const context = { settings, connections, wait, lender, countBytes: countBodyBytes };
        const attempt = given ?? withDeadline('otlpHttp', subscriber, settings.timeoutMillis);
        const made = new ExportAttempt(batch.items, context, attempt, abort.signal);
        outsideAnyContext(() => untraced(() => made.run())).then(
          (response) => answer(subscriber, response),
          (error: unknown) => subscriber.error(error),
        );
      }),
    shutdown: () => {
      isShutDown = true;
      return giveBack();
    },
  };
}
