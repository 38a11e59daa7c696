import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { merge, type Observable, Subject } from 'rxjs';
import { type LostSpans, spanSource } from '../../inputs/fromSpanProcessor.ts';
import { Warnings } from '../../internal/diagWarnings.ts';
import type { Stats } from '../../ledger/stats.ts';
import { InvalidOptionError, messageOf } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Loss } from '../../model/tally.ts';
import { adaptiveBatch } from '../../operators/adaptiveBatch/adaptiveBatch.ts';
import type { Retry } from '../../operators/retryWithBackoff.ts';
import type { ExportHandle } from '../answers/handle.ts';
import { ForeignItems } from '../foreignItems.ts';
import { LifeCycle, type Shutdown } from '../lifeCycle/lifeCycle.ts';
import type { PipelineState } from '../lifeCycle/options.ts';
import { supervisedOperators } from './operators.ts';
import { type SpanPipelineOptions, type SpanPipelineSinksOptions, spanPipelineSettings } from './options.ts';
import { PipelineHandle } from './pipelineHandle.ts';
import { sinksOf, wayOut } from './wayOut.ts';

const WITHOUT_OPERATORS =
  'called on a pipeline without operators, because what they take out has no answer: make an exportHandle(sink), and apply them to what it is given';

/** Spans go in at one end, outcomes come out at the other. */
export interface SpanPipeline {
  /** For the SDK: `new TracerProvider({ spanProcessors: [pipeline.processor] })`. */
  readonly processor: SpanProcessor;
  /**
   * A handle on this pipeline, the same one at each call: its callers are answered for exactly their spans. These go the way of the spans that end in the process, and share the queue with them: a call does not wait for room
   * there, and what finds none is answered as `queueFull`. Spans that are not sampled are answered as `unsampled`. `stats`, `forceFlush`, `shutdown` and the disposal are those of the pipeline.
   */
  handle(): ExportHandle<ReadableSpan>;
  /** One outcome per batch, and one for each sink if there are several (`route` names it), for those who are subscribed. It completes when the pipeline has been shut down. */
  readonly outcomes$: Observable<Outcome<ReadableSpan>>;
  /** The current statistics. */
  stats(): Stats;
  /** The statistics now, and whenever they have changed, at most once a second. It completes when the pipeline has been shut down. */
  readonly stats$: Observable<Stats>;
  /** The present state, and then each change. It completes when the pipeline has been shut down. */
  readonly state$: Observable<PipelineState>;
  /** From now on no export begins; those in flight go on, and spans wait in the queue. After `shutdown` it does nothing. */
  pause(): void;
  /** Ends what `pause` began. While `pauseWhen` says `true`, the pipeline stays paused. */
  resume(): void;
  /**
   * Resolves when everything that ended before has an outcome, delivered or lost: losses are in the outcomes and in the statistics. Rejects at the timeout (default `flushTimeoutMillis`) with
   * `FLUSH_TIMEOUT`; the exports go on. While the pipeline is paused and something is pending, it waits for the end of the pause, and the error says so.
   *
   * An export of this pipeline must not await it: it would wait for itself. If `export` of the sink calls it before its first `await`, the promise rejects at once with `DEADLOCK` (the flush goes on, and
   * as the failure of the export that is `permanent`). Called later, or by way of another pipeline, it cannot be told apart: the attempt ends at `attemptTimeoutMillis`, the flush at its timeout.
   */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /**
   * Takes no more spans, sends what it has, and shuts the sink down. What has no outcome at the deadline (default `shutdownDeadlineMillis`) is lost, as `shutdown` or `unconfirmed`.
   * It resolves then at the latest, but for a sink that is slow to close, which gets up to a second more. While it waits, what is in backoff tries at once and then at least twice a second; an address at which nothing
   * listens is tried for two seconds in all. A pause is over: what a paused pipeline keeps would be lost. (To lose it rather than send it, say `deadlineMillis: 0`.) The second call gives the promise of the first.
   */
  readonly shutdown: Shutdown;
  /** `await using`: calls `shutdown` at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The default composition: a drop-in for OpenTelemetry's `BatchSpanProcessor` that loses nothing silently.
 *
 * ```text
 * span.end()  →  ring  →  operators  →  adaptiveBatch  →  exportTo( deadline( retry( gate → slot( timeout( sink ) ) ) ) )  →  outcomes$
 * ```
 *
 * `operators`, if there are any, run between the ring and the batches.
 *
 * **Order**: batches are made in the order in which spans ended (or come out of the operators), and exported several at once.
 *
 * **Loss**: everything is in `stats()`, by reason, and is reported to OpenTelemetry's `diag.warn`, at once and then summed up at most once per `warnIntervalMillis`. With the defaults, and one
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
 *
 * const quiet = spanPipeline({
 *   sink: otlpHttp(),
 *   operators: [filter((span) => span.attributes['http.route'] !== '/healthz')],
 * });
 * ```
 *
 * @see runPipeline, for a composition of your own
 */
export function spanPipeline(options: SpanPipelineOptions | SpanPipelineSinksOptions): SpanPipeline {
  const settings = spanPipelineSettings(options);
  const { scheduler } = settings;
  const warnings = new Warnings('spanflow', settings.warnIntervalMillis, scheduler);
  const life = new LifeCycle<ReadableSpan>('spanPipeline', sinksOf(options), settings, warnings);
  const onLoss = (loss: Loss) => warnings.lost(loss);
  const onRetry = ({ error }: Retry) =>
    warnings.trouble(`an export failed and will be tried again: ${messageOf(error)}`, 'retry');

  const input = spanSource({ ...settings.input, ...life.stageOptions, onLoss });
  const operators = supervisedOperators(settings, { ...life.exportOptions, onLoss });
  const foreign = new ForeignItems(operators.places, (message) => warnings.trouble(message, 'operator'));
  const lostInQueue = new Subject<LostSpans>();
  const onQueueLoss = (loss: Loss, spans: readonly ReadableSpan[]) => {
    onLoss(loss);
    lostInQueue.next({ loss, spans });
  };
  const ended = new Subject<Outcome<ReadableSpan>>(); // one outcome per batch, whatever the number of sinks
  life.outcomes$.subscribe((outcome) => warnings.outcome(outcome));
  const { forceFlush, shutdown } = life.run({
    outcomes$: input.spans$.pipe(
      operators.through,
      adaptiveBatch({ ...settings.batch, ...life.stageOptions, flushWhen: input.flush$, onLoss: onQueueLoss }),
      wayOut(options, settings, {
        stage: { ...life.exportOptions, onLoss, onRetry },
        flushWhen: input.flush$,
        onEnded: (outcome) => ended.next(outcome),
      }),
    ),
    flush: (urgency) => foreign.flush((of) => input.flush(of), urgency),
    whyLate: () => foreign.whyLate(),
    end: (urgency) => input.end(urgency),
    // A best-effort route may have something when the whole has nothing any more.
    isPending: () => Object.values(life.ledger.stats().routes).some(({ pending }) => pending > 0),
    onDrained: () => ended.complete(),
  });
  life.followSettings(settings.settings$, settings.dealer);

  let handle: PipelineHandle | undefined;
  const pipeline = {
    outcomes$: life.outcomes$,
    stats: () => life.ledger.stats(),
    stats$: life.ledger.stats$,
    state$: life.state$,
    pause: () => life.pause(),
    resume: () => life.resume(),
    forceFlush,
    shutdown,
    [Symbol.asyncDispose]: () => shutdown(),
  };
  return {
    ...pipeline,
    processor: {
      onStart() {},
      onEnd: (span) => input.onEnd(span),
      forceFlush: () => forceFlush(),
      shutdown: () => shutdown(),
    },
    handle: () => {
      if (settings.operators.length > 0)
        throw new InvalidOptionError('spanPipeline.handle', WITHOUT_OPERATORS, settings.operators);
      handle ??= new PipelineHandle(
        { ...pipeline, outcomes$: ended },
        input,
        merge(input.lost, lostInQueue),
        scheduler,
      );
      return handle;
    },
  };
}
