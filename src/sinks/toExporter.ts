import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Observable } from 'rxjs';
import type { Batch } from '../batch.ts';
import { InvalidOptionError, messageOf, SpanflowError } from '../errors.ts';
import { requireMillis, requireShape, withDefaults } from '../options.ts';
import { failureOfStatus } from '../otlp/status.ts';
import { ExportError, type Failure, type ObservableSink, type Response } from '../sink.ts';
import { Slots } from '../strategies/slots.ts';
import { untraced } from '../suppress.ts';
import { type ResourceWait, resourceWait } from './resources.ts';

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

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
export function toExporter(exporter: SpanExporter, options: ToExporterOptions = {}): ObservableSink<ReadableSpan> {
  requireShape('toExporter.exporter', exporter, 'a SpanExporter', 'export', 'shutdown');
  const settings = withDefaults('toExporter', TO_EXPORTER_DEFAULTS, options);
  if (typeof settings.name !== 'string') throw new InvalidOptionError('toExporter.name', 'a text', settings.name);
  requireMillis('toExporter.attemptTimeoutMillis', settings.attemptTimeoutMillis, 1, 'orInfinity');
  requireMillis('toExporter.resourceTimeoutMillis', settings.resourceTimeoutMillis, 0, 'finite');
  const wait = resourceWait(settings.resourceTimeoutMillis);
  const calls = new Slots(1); // the exporter's own: it is free when the exporter has answered, whoever still listens
  return {
    name: settings.name || exporter.constructor?.name || 'SpanExporter',
    maxConcurrency: 1,
    attemptTimeoutMillis: settings.attemptTimeoutMillis,
    export: (batch) =>
      new Observable((subscriber) => {
        subscriber.add(
          calls.acquire(() => {
            const answer = untraced(() => call(exporter, batch, wait));
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
    forceFlush: () => untraced(async () => exporter.forceFlush?.()),
    shutdown: () => untraced(async () => exporter.shutdown()),
  };
}

async function call(exporter: SpanExporter, batch: Batch<ReadableSpan>, wait: ResourceWait): Promise<Response> {
  await wait(batch.items);
  return new Promise((resolve, reject) => {
    const threw = (thrown: unknown) =>
      reject(new ExportError({ kind: 'retryable' }, `the exporter threw: ${messageOf(thrown)}`, { cause: thrown }));
    try {
      // It is to return nothing; an `async` one returns a promise, whose rejection would end the process.
      const returned: unknown = exporter.export([...batch.items], (result) => {
        const failure = failureIn(result);
        if (failure === undefined) resolve({});
        else reject(failure);
      });
      Promise.resolve(returned).catch(threw);
    } catch (thrown) {
      threw(thrown);
    }
  });
}

/** What an exporter says may be anything, and this runs on the exporter's own stack: it must not throw. */
function failureIn(result: Partial<ExportResult> | undefined): ExportError | undefined {
  // 0 is SUCCESS in `ExportResultCode`.
  if (result?.code === 0) return undefined;
  const error: unknown = result?.error;
  const message = error === undefined ? 'the exporter failed and did not say why' : messageOf(error);
  return new ExportError(failureOf(error), message, { cause: error });
}

/** Official OTLP exporters put the HTTP status into the error's `code`. */
function failureOf(error: unknown): Failure {
  if (error instanceof SpanflowError) return { kind: 'retryable' };
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'number' && code >= 300 && code <= 599
    ? failureOfStatus(code, undefined, 0)
    : { kind: 'retryable' };
}
