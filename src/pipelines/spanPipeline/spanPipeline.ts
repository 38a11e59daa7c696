import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { merge, type Observable, Subject } from 'rxjs';
import { type LostSpans, type SpanSource, spanSource } from '../../inputs/fromSpanProcessor.ts';
import { Warnings } from '../../internal/diagWarnings.ts';
import { keepingAlive } from '../../internal/timers.ts';
import { requireMillis, withDefaults } from '../../internal/validation.ts';
import { createLedger } from '../../ledger/ledger.ts';
import type { Stats } from '../../ledger/stats.ts';
import { messageOf } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Loss } from '../../model/tally.ts';
import { adaptiveBatch } from '../../operators/adaptiveBatch/adaptiveBatch.ts';
import { exportTo } from '../../operators/exportTo/exportTo.ts';
import type { Retry } from '../../operators/retryWithBackoff.ts';
import { closeSink, drainAtExit, flushSink, flushWithin, once, type Shutdown } from '../lifeCycle.ts';
import { type SpanPipelineOptions, settle } from './options.ts';

/** How our own stages enter a pipeline. */
export const ENTRANCE = Symbol('spanflow: the entrance of a pipeline');

/** Spans in at one end, outcomes out at the other. */
export interface SpanPipeline {
  /** @internal For {@link exportHandle}, which answers each caller for exactly its spans. */
  readonly [ENTRANCE]: Pick<SpanSource, 'offer' | 'lost'>;
  /** For the SDK: `new TracerProvider({ spanProcessors: [pipeline.processor] })`. */
  readonly processor: SpanProcessor;
  /** One outcome per batch, while somebody listens. It completes when the pipeline has been shut down. */
  readonly outcomes$: Observable<Outcome<ReadableSpan>>;
  /** The books, now. */
  stats(): Stats;
  /** The books now, and whenever they have changed, at most once a second. It completes when the pipeline has been shut down. */
  readonly stats$: Observable<Stats>;
  /**
   * Resolves when everything that ended before has an outcome, whichever it is: losses are in the outcomes and in the books. Rejects at the timeout (default `flushTimeoutMillis`) with
   * `FLUSH_TIMEOUT`; the exports go on.
   */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /**
   * Takes no more spans, sends what it has, and shuts the sink down. What has no outcome at the deadline (default `shutdownDeadlineMillis`) is lost, as `shutdown` or `unconfirmed`.
   * It resolves then at the latest, but for a sink that is slow to close, which gets up to a second more. While it waits, what is in backoff tries at once and then at least twice a second; an address at which nothing
   * listens is tried for two seconds in all. The second call gives the promise of the first.
   */
  readonly shutdown: Shutdown;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The default composition: a drop-in for OpenTelemetry's `BatchSpanProcessor` that loses nothing silently.
 *
 * ```text
 * span.end()  →  ring  →  adaptiveBatch  →  exportTo( deadline( retry( gate → slot( timeout( sink ) ) ) ) )  →  outcomes$
 * ```
 *
 * **Order**: batches are made in the order in which spans ended, and exported several at once.
 *
 * **Loss**: everything is in `stats()`, by reason; and told to OpenTelemetry's `diag.warn`, at once and then summed up at most once per `warnIntervalMillis`. With the defaults, and one
 * pipeline in the process, spans of ten short attributes may come in a burst of 10,000 from `--max-old-space-size=128` on, or at 1,000 a second through an outage of half a minute from 256 on, and none is lost; see
 * {@link memoryBudget}.
 *
 * **Exit**: whenever the event loop runs empty, what is queued is still sent, for at most `exitDeadlineMillis`; what has no outcome then is lost, as `shutdown` or `unconfirmed`. The pipeline stays
 * open: a program that finds more work in `beforeExit` goes on. `process.exit()` and signals do not wait: call `shutdown` first.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const pipeline = spanPipeline({ sink: otlpHttp() });
 * const provider = new TracerProvider({ spanProcessors: [pipeline.processor] });
 * ```
 */
export function spanPipeline(options: SpanPipelineOptions): SpanPipeline {
  const settings = settle(options);
  const { sink } = options;
  const { scheduler } = settings;
  const warnings = new Warnings(settings.warnIntervalMillis, scheduler);
  const onLoss = (loss: Loss) => warnings.lost(loss);
  const onTrouble = (message: string) => warnings.trouble(message);
  const onRetry = ({ error }: Retry) =>
    warnings.trouble(`an export failed and will be tried again: ${messageOf(error)}`);
  const outcomes = new Subject<Outcome<ReadableSpan>>();
  const stopWhen = new Subject<void>(); // the shutdown has reached its deadline
  const giveUpWhen = new Subject<void>(); // a drain at exit has
  const ledger = createLedger({ scheduler });

  const input = spanSource({ ...settings.input, ledger, onLoss });
  const lostInQueue = new Subject<LostSpans>();
  const onQueueLoss = (loss: Loss, spans: readonly ReadableSpan[]) => {
    onLoss(loss);
    lostInQueue.next({ loss, spans });
  };
  const flow = input.spans$.pipe(
    adaptiveBatch({ ...settings.batch, flushWhen: input.flush$, ledger, onLoss: onQueueLoss }),
    exportTo(sink, { ...settings.export, stopWhen, giveUpWhen, ledger, onLoss, onRetry }),
  );
  const drained = new Promise<void>((resolve) => {
    flow.subscribe({
      next: (outcome) => {
        warnings.outcome(outcome);
        outcomes.next(outcome);
      },
      error: (thrown) => {
        warnings.trouble(`the pipeline has ended, and that is a defect of spanflow: ${messageOf(thrown)}`);
        resolve();
      },
      complete: resolve,
    });
  });

  const flush = (timeoutMillis: number, isEnding: boolean) => {
    const flushed = input.forceFlush({ timeoutMillis }, isEnding).then(() => flushSink(sink, onTrouble));
    return flushWithin(scheduler, timeoutMillis, flushed);
  };

  const forceFlush = (options: { timeoutMillis?: number } = {}) => {
    const defaults = { timeoutMillis: settings.flushTimeoutMillis };
    const { timeoutMillis } = withDefaults('spanPipeline.forceFlush', defaults, options);
    requireMillis('spanPipeline.forceFlush.timeoutMillis', timeoutMillis, 0, 'orInfinity');
    return flush(timeoutMillis, false);
  };

  const close = async (deadlineMillis: number) => {
    const sinceMillis = scheduler.now();
    const deadline = keepingAlive(scheduler, deadlineMillis, () => stopWhen.next());
    // Its own timeout says nothing here: the deadline above ends every wait.
    input.shutdown({ timeoutMillis: Number.POSITIVE_INFINITY }, deadlineMillis).catch(() => {});
    await drained;
    deadline.unsubscribe();
    await closeSink(sink, { scheduler, deadlineMillis, sinceMillis }, onTrouble);
    warnings.close();
    ledger.close();
    outcomes.complete();
  };

  const drainForExit = async () => {
    warnings.pause();
    await flush(settings.exitDeadlineMillis, true).catch(() => giveUpWhen.next());
    warnings.resume();
  };

  const leaveExit = drainAtExit(settings.exitDeadlineMillis, {
    taken: () => ledger.stats().accepted,
    // A sink that holds something itself gets to hand it on.
    isPending: () => sink.forceFlush !== undefined || ledger.stats().pending > 0,
    drain: drainForExit,
    atEnd: () => warnings.close(),
  });

  const shutdown = once((options: { deadlineMillis?: number } = {}) => {
    const defaults = { deadlineMillis: settings.shutdownDeadlineMillis };
    const { deadlineMillis } = withDefaults('spanPipeline.shutdown', defaults, options);
    requireMillis('spanPipeline.shutdown.deadlineMillis', deadlineMillis, 0, 'finite');
    return close(deadlineMillis);
  }, leaveExit);

  return {
    [ENTRANCE]: {
      offer: (span) => input.offer(span),
      lost: merge(input.lost, lostInQueue),
    },
    processor: {
      onStart() {},
      onEnd: (span) => input.onEnd(span),
      forceFlush: () => forceFlush(),
      shutdown: () => shutdown(),
    },
    outcomes$: outcomes.asObservable(),
    stats: () => ledger.stats(),
    stats$: ledger.stats$,
    forceFlush,
    shutdown,
    [Symbol.asyncDispose]: () => shutdown(),
  };
}
