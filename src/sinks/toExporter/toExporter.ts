import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Observable, Subscription } from 'rxjs';
import { ACCEPTED } from '../../destination/attemptEnding.ts';
import { AttemptLine } from '../../destination/attemptLine.ts';
import { SlotPool } from '../../destination/slotPool.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { after, outsideAnyContext } from '../../internal/timers.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import { aString, millis, settingsOf, shape } from '../../internal/validation.ts';
import type { Batch } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';
import { type Attempt, ExportError, type ObservableSink, type Response } from '../../model/sink.ts';
import { type ResourceWait, resourceWait } from '../shared/resources.ts';
import { failureOfExporter } from './exporterFailure.ts';

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** The options of {@link toExporter}. */
export interface ToExporterOptions {
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

export const TO_EXPORTER_DEFAULTS: Readonly<Required<ToExporterOptions>> = Object.freeze({
  name: '',
  attemptTimeoutMillis: 30_000,
  callbackGraceMillis: 1_000,
  resourceTimeoutMillis: 5_000,
});

const TO_EXPORTER_RULES = {
  name: aString,
  attemptTimeoutMillis: millis(1, 'orInfinity'),
  callbackGraceMillis: millis(0, 'orInfinity'),
  resourceTimeoutMillis: millis(0),
};

const anExporter = shape('a SpanExporter', 'export', 'shutdown');

/**
 * Any `SpanExporter` of OpenTelemetry as a sink, with one export at a time: its specification forbids concurrent calls.
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
  const settings = settingsOf('toExporter', TO_EXPORTER_DEFAULTS, TO_EXPORTER_RULES, options, {
    exporter: [exporter, anExporter],
  });
  const wait = resourceWait(settings.resourceTimeoutMillis, ({ resource }: ReadableSpan) => resource);
  // The exporter's own slot: it is free when the exporter has answered, or was given up.
  const calls = new AttemptLine({ layers: [new SlotPool(1)], now: () => monotonicScheduler.now() });
  const type = exporter.constructor?.name || 'SpanExporter';
  return {
    name: settings.name || type,
    component: { type, signal: 'traces' },
    maxConcurrency: 1,
    attemptTimeoutMillis: settings.attemptTimeoutMillis,
    export: (batch, attempt) =>
      new Observable((subscriber) => {
        attempt?.enter('preparing');
        const size = { items: batch.items.length, bytes: batch.bytes };
        const leave = calls.enter(size, (finish) => {
          const call = new ExporterCall(exporter, settings.callbackGraceMillis, () => finish(ACCEPTED));
          subscriber.add(() => call.abandon());
          call.run(batch, wait, attempt).then(
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
  };
}

/** Calls what is not ours so that it makes no spans, and keeps nothing of the request that happens to be under way. */
function detached<R>(work: () => R): R {
  return outsideAnyContext(() => untraced(work));
}

/** One call of an exporter, which has it to itself until it has answered, or is given up. */
class ExporterCall {
  readonly #exporter: SpanExporter;
  readonly #graceMillis: number;
  readonly #onEnd: () => void;
  #isAbandoned = false; // its attempt was given up
  #isMade = false;
  #isOver = false;
  #grace = Subscription.EMPTY;

  constructor(exporter: SpanExporter, graceMillis: number, onEnd: () => void) {
    this.#exporter = exporter;
    this.#graceMillis = graceMillis;
    this.#onEnd = onEnd;
  }

  async run(
    batch: Batch<ReadableSpan>,
    wait: ResourceWait<ReadableSpan>,
    attempt: Attempt | undefined,
  ): Promise<Response> {
    await wait(batch.items);
    // Its attempt was given up meanwhile: the exporter never sees it.
    if (this.#isAbandoned) return {};
    this.#isMade = true;
    attempt?.enter('sending');
    try {
      return await this.#answerTo(batch);
    } finally {
      // Before the answer: the subscriber may send the next batch at once.
      this.#end();
    }
  }

  /** Its attempt was given up; the exporter may still answer within the grace. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isAbandoned = true;
    if (this.#isMade) this.#grace = after(monotonicScheduler, this.#graceMillis, () => this.#end());
    else this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#grace.unsubscribe();
    this.#onEnd();
  }

  #answerTo(batch: Batch<ReadableSpan>): Promise<Response> {
    return new Promise((resolve, reject) => {
      const threw = (thrown: unknown) => {
        const message = `the exporter threw: ${escaped(messageOf(thrown))}`;
        reject(new ExportError({ kind: 'retryable' }, message, { cause: thrown }));
      };
      const answered = (result: ExportResult) => {
        const failure = failureIn(result);
        if (failure === undefined) resolve({});
        else reject(failure);
      };
      try {
        // It is to return nothing; an `async` one returns a promise, whose rejection would end the process.
        const returned: unknown = detached(() => this.#exporter.export([...batch.items], answered));
        Promise.resolve(returned).catch(threw);
      } catch (thrown) {
        threw(thrown);
      }
    });
  }
}

/** What an exporter says may be anything, and this runs on the exporter's own stack: it must not throw. */
function failureIn(result: Partial<ExportResult> | undefined): ExportError | undefined {
  try {
    return failureOfResult(result);
  } catch (thrown) {
    const message = `the exporter's result cannot be read: ${escaped(messageOf(thrown))}`;
    return new ExportError({ kind: 'retryable' }, message, { cause: thrown });
  }
}

function failureOfResult(result: Partial<ExportResult> | undefined): ExportError | undefined {
  // 0 is SUCCESS in `ExportResultCode`.
  if (result?.code === 0) return undefined;
  const error: unknown = result?.error;
  const message = error === undefined ? 'the exporter failed and did not say why' : escaped(messageOf(error));
  return new ExportError(failureOfExporter(error), message, { cause: error });
}
