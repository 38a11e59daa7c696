import { Observable } from 'rxjs';
import { ACCEPTED } from '../../destination/attemptEnding.ts';
import { AttemptLine } from '../../destination/attemptLine.ts';
import { ofExporter } from '../../destination/sinkRule.ts';
import { SlotPool } from '../../destination/slotPool.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aString, millis, oneOf, settingsOf, shape } from '../../internal/validation.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { ObservableSink } from '../../model/sink.ts';
import { SIGNALS } from '../../otlp/signals.ts';
import { resourceWait } from '../shared/resources.ts';
import { detached, ExporterCall } from './exporterCall.ts';
import { type AnyExporter, exportsOf, type SignalExporters } from './exporters.ts';

/** The options of {@link toExporter}. */
export interface ToExporterOptions<S extends SignalName = 'traces'> {
  /** What the exporter exports: `traces`, the default, `logs` or `metrics`. It decides the types of the exporter and of the items. */
  signal?: S;
  /** Names the sink in losses and errors. Default: the name of the exporter's class. */
  name?: string;
  /**
   * How long one attempt may take, in milliseconds: 1 or more, or `Infinity`. Default 30,000: official exporters retry by themselves, for ten seconds, within one call.
   */
  attemptTimeoutMillis?: number;
  /**
   * How long an exporter may still answer when its attempt was given up (timed out, for example), in milliseconds: 0 or more, or `Infinity`. Default 1,000. Then the next call is made, and an answer that comes later is
   * ignored. The official exporters answer within their own timeout, ten seconds, a third of an attempt's: what has not answered a second after that has lost its callback. A longer grace waits longer
   * for a callback that is lost; a shorter one may call an exporter that is only slow while it is still at it, which its specification forbids.
   */
  callbackGraceMillis?: number;
  /** How long the first export waits for a resource that is still being detected, in milliseconds: 0 or more, default 5,000. */
  resourceTimeoutMillis?: number;
}

export const TO_EXPORTER_DEFAULTS: Readonly<Required<ToExporterOptions<SignalName>>> = Object.freeze({
  signal: 'traces',
  name: '',
  attemptTimeoutMillis: 30_000,
  callbackGraceMillis: 1_000,
  resourceTimeoutMillis: 5_000,
});

const TO_EXPORTER_RULES = {
  signal: oneOf(...(Object.keys(SIGNALS) as SignalName[])),
  name: aString,
  attemptTimeoutMillis: millis(1, 'orInfinity'),
  callbackGraceMillis: millis(0, 'orInfinity'),
  resourceTimeoutMillis: millis(0),
};

const anExporter = shape(
  'an exporter of OpenTelemetry (an object with methods export and shutdown)',
  'export',
  'shutdown',
);

/**
 * Any exporter of OpenTelemetry as a sink: a `SpanExporter`, and by `signal` a `LogRecordExporter` or a `PushMetricExporter`. It is called for one export at a time: its specification forbids concurrent calls.
 *
 * An exporter's call cannot be aborted. When an attempt is unsubscribed (its timeout, for example) while the call is under way, the next one waits until the exporter has answered, or for `callbackGraceMillis`: a callback that
 * is lost costs its own batch. A batch that waits for its call does not count as sent.
 *
 * | what the exporter says | means |
 * |---|---|
 * | `SUCCESS` | delivered |
 * | `FAILED`, with an HTTP status or a status code of gRPC as the error's `code`, or that of its cause | what OTLP says of that status |
 * | `FAILED` otherwise, or an exception | `retryable` |
 * | nothing, in time, since it was called | `unknownOutcome` |
 *
 * A batch of data points becomes a collection for each of its resources again (`resourceMetricsOf` of `spanflow/otlp`); most programs have one resource. They are exported one after the other, and a failure ends the attempt. If others of them have
 * arrived by then, the next attempt sends them again, so the whole is an `unknownOutcome`.
 *
 * **Order**: batches in the order in which they come, one call after the other.
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
 * @example
 * The exporters of the other signals:
 * ```ts
 * const { OTLPLogExporter } = await import('@opentelemetry/exporter-logs-otlp-proto');
 * const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-proto');
 * const logs = toExporter(new OTLPLogExporter(), { signal: 'logs' });
 * const metrics = toExporter(new OTLPMetricExporter(), { signal: 'metrics' });
 * ```
 *
 * @see otlpHttp
 */
export function toExporter<S extends SignalName = 'traces'>(
  exporter: SignalExporters[S],
  options: ToExporterOptions<S> = {},
): ObservableSink<SignalItems[S]> {
  const settings = settingsOf<Required<ToExporterOptions<SignalName>>>(
    'toExporter',
    TO_EXPORTER_DEFAULTS,
    TO_EXPORTER_RULES,
    options,
    { exporter: [exporter, anExporter] },
  );
  const wait = resourceWait(settings.resourceTimeoutMillis, ({ resource }: SignalItems[S]) => resource);
  const exports = exportsOf(exporter as AnyExporter, settings.signal as S);
  // The exporter's own slot: it is free when the exporter has answered, or was given up.
  const calls = new AttemptLine({ layers: [new SlotPool(1)], now: () => monotonicScheduler.now() });
  const type = exporter.constructor?.name || 'exporter';
  return ofExporter({
    name: settings.name || type,
    component: { type, signal: settings.signal },
    maxConcurrency: 1,
    attemptTimeoutMillis: settings.attemptTimeoutMillis,
    export: (batch, attempt) =>
      new Observable((subscriber) => {
        attempt?.enter('preparing');
        const size = { items: batch.items.length, bytes: batch.bytes };
        const leave = calls.enter(size, (finish) => {
          const call = new ExporterCall(exports, settings.callbackGraceMillis, () => finish(ACCEPTED));
          subscriber.add(() => call.abandon());
          call.run(batch.items, wait, attempt).then(
            (response) => {
              subscriber.next(response);
              subscriber.complete();
            },
            (error: unknown) => subscriber.error(error),
          );
        });
        subscriber.add(leave);
      }),
    forceFlush: async () => detached(() => exporter.forceFlush?.()),
    shutdown: async () => detached(() => exporter.shutdown()),
  });
}
