import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Observable } from 'rxjs';
import type { Batch } from '../batch.ts';
import { messageOf, SpanflowError } from '../errors.ts';
import { requireMillis, requireShape, withDefaults } from '../options.ts';
import { failureOfStatus } from '../otlp/status.ts';
import { ExportError, type Failure, type Response, type Sink } from '../sink.ts';
import { Slots } from '../strategies/slots.ts';
import { untraced } from '../suppress.ts';
import { pendingResources } from './resources.ts';

export interface ToExporterOptions {
  /** Names the sink in losses and errors. Default: the name of the exporter's class. */
  name?: string;
  /**
   * How long one attempt may take, in milliseconds: 1 or more, or `Infinity`. Default 30,000: official exporters retry by themselves, for ten seconds, within one call.
   */
  attemptTimeoutMillis?: number;
  /** How long the first export waits for a resource that is still being detected, in milliseconds: 0 or more, default 5,000. */
  resourceTimeoutMillis?: number;
}

export const TO_EXPORTER_DEFAULTS: Readonly<Required<ToExporterOptions>> = Object.freeze({
  name: '',
  attemptTimeoutMillis: 30_000,
  resourceTimeoutMillis: 5_000,
});

/**
 * Any `SpanExporter` of OpenTelemetry as a sink, with one export at a time: its specification forbids concurrent calls.
 *
 * An exporter's call cannot be aborted. When an attempt is unsubscribed (its timeout, for example) while the call is under way, the next one waits until the exporter has answered.
 *
 * | what the exporter says | means |
 * |---|---|
 * | `SUCCESS` | delivered |
 * | `FAILED`, with an HTTP status as the error's `code` | what OTLP says of that status |
 * | `FAILED` otherwise, or an exception | `retryable` |
 * | nothing, in time | `unknownOutcome` |
 *
 * **Loss**: what a backend rejects of a batch that it takes is known to the exporter only, and counts as delivered.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const sink = toExporter(new OTLPTraceExporter({ url: 'http://localhost:4318/v1/traces' }));
 * ```
 *
 * @see otlpHttp
 */
export function toExporter(exporter: SpanExporter, options: ToExporterOptions = {}): Sink<ReadableSpan> {
  requireShape('toExporter.exporter', exporter, 'a SpanExporter', 'export', 'shutdown');
  const settings = withDefaults('toExporter', TO_EXPORTER_DEFAULTS, options);
  requireMillis('toExporter.attemptTimeoutMillis', settings.attemptTimeoutMillis, 1, 'orInfinity');
  requireMillis('toExporter.resourceTimeoutMillis', settings.resourceTimeoutMillis, 0, 'finite');
  const calls = new Slots(1); // the exporter's own: it is free when the exporter has answered, whoever still listens
  return {
    name: settings.name || exporter.constructor?.name || 'SpanExporter',
    maxConcurrency: 1,
    attemptTimeoutMillis: settings.attemptTimeoutMillis,
    export: (batch) =>
      new Observable((subscriber) => {
        subscriber.add(
          calls.acquire(() => {
            const answer = call(exporter, batch, settings.resourceTimeoutMillis);
            // The slot first: whoever is told may send the next one at once.
            answer
              .finally(() => calls.release())
              .then(
                (response) => {
                  subscriber.next(response);
                  subscriber.complete();
                },
                (error: unknown) => subscriber.error(error),
              );
          }),
        );
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

async function call(
  exporter: SpanExporter,
  batch: Batch<ReadableSpan>,
  resourceTimeoutMillis: number,
): Promise<Response> {
  await pendingResources(batch.items, resourceTimeoutMillis);
  return new Promise((resolve, reject) => {
    const answered: Parameters<SpanExporter['export']>[1] = ({ code, error }) => {
      // 0 is SUCCESS in `ExportResultCode`.
      if (code === 0) resolve({});
      else
        reject(
          new ExportError(failureOf(error), error?.message ?? 'the exporter failed and did not say why', {
            cause: error,
          }),
        );
    };
    try {
      untraced(() => exporter.export([...batch.items], answered));
    } catch (thrown) {
      reject(new ExportError({ kind: 'retryable' }, `the exporter threw: ${messageOf(thrown)}`, { cause: thrown }));
    }
  });
}

/** Official OTLP exporters put the HTTP status into the error's `code`. */
function failureOf(error: unknown): Failure {
  if (error instanceof SpanflowError) return { kind: 'retryable' };
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'number' && code >= 300 && code <= 599
    ? failureOfStatus(code, undefined, 0)
    : { kind: 'retryable' };
}
