import { Observable } from 'rxjs';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { outsideAnyContext } from '../../internal/timers.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { ExportError, type ObservableSink } from '../../model/sink.ts';
import { RequestLender } from '../../otlp/encode/requestLender.ts';
import { answer, countBodyBytes, withDeadline } from '../shared/attemptEnd.ts';
import { grpcServerOf } from '../shared/configuration/grpcEndpoint.ts';
import { otlpComponent } from '../shared/otlpComponent.ts';
import { resourceWait } from '../shared/resources.ts';
import { Sharing } from '../shared/sharing.ts';
import { Channels } from './connection/channels.ts';
import { ExportCall } from './exportCall.ts';
import type { OtlpGrpcOptions } from './options.ts';
import { type ChannelSettings, otlpGrpcSettings } from './settings.ts';

/** Smaller pieces of an encoder's buffer are copied: they are not worth being given back. */
const LEAST_LENT_BYTES = 64 * 1024;

/**
 * Exports spans to an OTLP/gRPC backend, by unary calls on one connection that is kept alive.
 *
 * Exports may run concurrently, each as a stream of that connection. Unsubscribing an export cancels its call, or ends the attempt to connect that nobody else waits for. Each attempt has a deadline
 * (`timeoutMillis`), which `exportTo` keeps, which includes connecting and the answer, and of which the backend is told. Retries, service configurations and proxies of `@grpc/grpc-js` itself are off: an
 * attempt is one call, but for the one below. Tracing is suppressed, so that exporting makes no spans. Each attempt reads its spans once, a few at a time, after it is subscribed to; they must not change until the call is
 * made. While a batch waits for its next attempt, it holds its spans but no message. `@grpc/grpc-js` is loaded while the program is idle, or by the first export.
 *
 * The connection is made at the first export and replaced when it breaks, at `maxConnectionAgeMillis`, when an export times out while nobody else is answered, and after an answer that says to try again, so that a
 * retry is not tied to the one sick backend behind a balancer (for the first 20 in a row, then once per second). Each new one resolves the name and reads the certificates again. A connection that is idle
 * does not keep the process alive.
 *
 * | what comes back | outcome |
 * |---|---|
 * | OK | delivered, except for spans that a partial success rejects |
 * | CANCELLED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS | `retryable`, or `throttled` with a `RetryInfo` |
 * | RESOURCE_EXHAUSTED with a `RetryInfo` | `throttled` |
 * | RESOURCE_EXHAUSTED "message larger than max" and its like, or a message over `maxRequestBytes` | `tooLarge` |
 * | any other status, or an answer over `maxResponseBytes` | `permanent` |
 * | no connection: refused, not found, a certificate that does not fit, a proxy that opens no tunnel; a stream that the backend did not take | `retryable` |
 * | DEADLINE_EXCEEDED, a connection or stream that broke after the call was begun | `unknownOutcome` |
 *
 * **UNAUTHENTICATED to metadata of functions** is followed by one more call at once, with new metadata: `refused` tells the functions. It is the same attempt for limits and `maxAttempts`, and two in `Outcome.attempts`, as after a 401 to `otlpHttp`.
 *
 * The proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name (in lower case first) is asked for a tunnel (CONNECT), for `http:` endpoints as well. It must be an `http://` proxy: one with `https://` is
 * warned about and not used. Loopback and Unix sockets are never reached through one.
 *
 * **Loss**: spans that OTLP cannot express are left out and counted as `unencodable`; the rest of their batch is sent.
 *
 * The variables `OTEL_EXPORTER_OTLP_*` are used where an option is left out, their `TRACES_` forms first. An invalid value is warned about and ignored.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 * @throws SpanflowError `MISSING_PACKAGE` when `@grpc/grpc-js` is not installed
 *
 * @example
 * ```ts
 * const sink = otlpGrpc({ url: 'https://collector.example:4317', compression: 'gzip', headers: { authorization: () => token() } });
 * ```
 *
 * @see otlpHttp
 */
export function otlpGrpc<S extends SignalName = 'traces'>(
  options: OtlpGrpcOptions<S> = {},
): ObservableSink<SignalItems[S]> {
  return otlpGrpcOn(sharedChannels(), options);
}

/**
 * Connections that sinks of one backend, with the same settings for them, have in common.
 *
 * @internal
 */
export type SharedChannels = Sharing<Channels>;

/** @internal */
export function sharedChannels(): SharedChannels {
  return new Sharing((channels) => channels.close());
}

/**
 * As {@link otlpGrpc}, over a connection that other sinks may use as well.
 *
 * @internal
 */
export function otlpGrpcOn<S extends SignalName>(
  shared: SharedChannels,
  options: OtlpGrpcOptions<S>,
): ObservableSink<SignalItems[S]> {
  const settings = otlpGrpcSettings(options);
  const { fields } = settings.signal;
  const { resource: channels, giveBack } = shared.lease(keyOf(settings), () => {
    return new Channels(settings, { random: Math.random, now: monotonicScheduler.now });
  });
  const wait = resourceWait(settings.resourceTimeoutMillis, fields.resourceOf);
  const lender = new RequestLender(fields, LEAST_LENT_BYTES);
  const context = { settings, channels, wait, lender, countBytes: countBodyBytes };
  let isShutDown = false;
  return {
    name: 'otlpGrpc',
    attemptTimeoutMillis: settings.timeoutMillis,
    component: otlpComponent('otlp_grpc', options.signal ?? 'traces', grpcServerOf(settings.endpoint)),
    export: (batch, given) =>
      new Observable((subscriber) => {
        if (isShutDown) return subscriber.error(new ExportError({ kind: 'permanent' }, 'otlpGrpc was shut down'));
        const abort = new AbortController();
        subscriber.add(() => abort.abort());
        const attempt = given ?? withDeadline('otlpGrpc', subscriber, settings.timeoutMillis);
        const call = new ExportCall(batch.items, context, attempt, abort.signal);
        outsideAnyContext(() => untraced(() => call.run())).then(
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

/** What a connection depends on. */
function keyOf(settings: ChannelSettings): readonly unknown[] {
  const { endpoint, tls, proxy } = settings;
  const { compression, keepaliveMillis, maxConnectionAgeMillis, maxResponseBytes, userAgent } = settings;
  return [
    ...[endpoint.target, endpoint.isSecure, tls.origin, proxy?.url.href, proxy?.authorization, compression],
    ...[keepaliveMillis, maxConnectionAgeMillis, maxResponseBytes, userAgent],
  ];
}
