import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Observable, type Subscriber } from 'rxjs';
import { bodyMemory } from '../../flow/memory.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { after, outsideAnyContext } from '../../internal/timers.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import { RaceTimeoutError, SpanflowError } from '../../model/errors.ts';
import { type Attempt, ExportError, type ObservableSink, type Response } from '../../model/sink.ts';
import { resourceWait } from '../shared/resources.ts';
import { connectionsFor } from './connection.ts';
import { Export } from './export.ts';
import { type OtlpHttpOptions, otlpHttpSettings } from './options.ts';

/**
 * Sends spans to an OTLP/HTTP backend, as protobuf or JSON (`encoding`), over connections that are kept alive.
 *
 * It bears many exports at once; each concurrent one has a connection of its own. To a host that has not answered yet, or not since the last failure, one connection is made at a time, with gaps that grow to a second
 * while it does not answer at all. Unsubscribing an export aborts its request, and its attempt to connect. Each attempt has a deadline (`timeoutMillis`) that
 * `exportTo` keeps, connecting and answering included. Redirects are refused. Tracing is suppressed, so that exporting makes no spans.
 * The spans are read once for each attempt, after it is subscribed to, a few at a time: until the request is made they must not change. A batch that waits for its next attempt holds its spans and no request.
 *
 * | what comes back | means |
 * |---|---|
 * | 2xx | delivered, but for what a partial success rejects |
 * | 429, 502, 503, 504 | `retryable`, or `throttled` with a `Retry-After` (seconds or a date) |
 * | 413, a Collector's 400 "request body too large", or a body over `maxRequestBytes` | `tooLarge` |
 * | any other status, or an answer over `maxResponseBytes` whatever its status | `permanent` |
 * | no connection: refused, not found, a certificate that does not fit, a proxy that is not there or opens no tunnel | `retryable` |
 * | a connection that broke after the request was begun | `unknownOutcome` |
 * | what is not HTTP/1.1: another protocol, too many headers | `permanent`, and it may have arrived |
 *
 * A status counts as soon as it is there. Where the rest of its answer breaks off, or stands still for two seconds, it is left.
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
  const settings = otlpHttpSettings(options);
  const connections = connectionsFor(settings);
  const wait = resourceWait(settings.resourceTimeoutMillis);
  let isShutDown = false;
  return {
    name: 'otlpHttp',
    attemptTimeoutMillis: settings.timeoutMillis,
    export: (batch, given) =>
      new Observable((subscriber) => {
        if (isShutDown) return subscriber.error(new ExportError({ kind: 'permanent' }, 'otlpHttp was shut down'));
        const abort = new AbortController();
        subscriber.add(() => abort.abort());
        const context = { settings, connections, wait, countBytes: countBodyBytes };
        const attempt = given ?? withDeadline(subscriber, settings.timeoutMillis);
        const made = new Export(batch.items, context, attempt, abort.signal);
        outsideAnyContext(() => untraced(() => made.run())).then(
          (response) => answer(subscriber, response),
          (error: unknown) => subscriber.error(error),
        );
      }),
    shutdown: () => {
      isShutDown = true;
      return connections.close();
    },
  };
}

/** Bodies lie outside of the heap, and count all the same. */
function countBodyBytes(change: number): void {
  if (change > 0) bodyMemory().hold(change);
  else bodyMemory().give(-change);
}

/** `exportTo` keeps the deadline of an attempt, and gives one; whoever exports without it gets the sink's own. */
function withDeadline(subscriber: Subscriber<Response>, millis: number): Attempt {
  let known: Response | SpanflowError = new RaceTimeoutError('an export to otlpHttp', millis);
  subscriber.add(after(monotonicScheduler, millis, () => answer(subscriber, known)));
  return {
    enter: () => {},
    answered: (meaning) => {
      known = meaning;
    },
  };
}

function answer(subscriber: Subscriber<Response>, meaning: Response | SpanflowError): void {
  if (meaning instanceof SpanflowError) {
    subscriber.error(meaning);
  } else {
    subscriber.next(meaning);
    subscriber.complete();
  }
}
