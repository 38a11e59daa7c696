import type { Observable } from 'rxjs';
import { plainInput, runInputOf } from '../../inputs/runInput.ts';
import { Warnings } from '../../internal/diagWarnings.ts';
import { Run } from '../../ledger/run.ts';
import type { Stats } from '../../ledger/stats.ts';
import { messageOf } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Sink } from '../../model/sink.ts';
import { controlsOf, type PipelineControls } from '../controls.ts';
import { ForeignItems } from '../foreignItems.ts';
import { LifeCycle } from '../lifeCycle/lifeCycle.ts';
import type { Shutdown } from '../lifeCycle/options.ts';
import { OWNER, type PipelineInput, type RunPipelineOptions, runPipelineSettings } from './options.ts';

/** A composition that runs. `R` is what it emits: outcomes, unless operators behind `exportTo` make something else of them. */
export interface RunningPipeline<R> extends PipelineControls<R> {
  /** The statistics now, and whenever they have changed, at most once a second. It completes when the pipeline has been shut down, unless the ledger is yours. */
  readonly stats$: Observable<Stats>;
  /**
   * Resolves when everything that came before has an outcome. Rejects at the timeout (default `flushTimeoutMillis`) with `FLUSH_TIMEOUT`; the exports go on. Where asynchronous operators of yours stand between two stages, it waits until what went
   * into them has come out; what has not by then, or was taken out there, is named in the error, and no later flush waits for it.
   */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
}

/**
 * Runs a composition of your own as {@link spanPipeline} runs its own: life cycle, drain at the natural exit, warnings, books, flush, pause, and the shutdown of its sinks.
 *
 * ```
 * input  →  your operators  →  adaptiveBatch  →  exportTo( sink )  →  your operators  →  outcomes$
 *   ▲                              ▲                  ▲
 *   └── end, flush ────── flush ───┴── pause, stop ───┘        runPipeline( input, outcomes$ )
 * ```
 *
 * It subscribes to `outcomes$`, once and at once; do not subscribe to it yourself. Stages are made before the call and need no options for it: while it subscribes, each of ours asks for the run that it is part of. A stage that was given no `ledger` has its books in that of the
 * run, which is the input's if the input was given one; which stage follows which is found out from who subscribes to whom. `exportTo` takes the run's pause and deadlines, and its sink is shut down with it; batchers, exports and fan-outs take its flushes. What a stage was given stays (`ledger`, `flushWhen`,
 * `pauseWhen`, `stopWhen`, `giveUpWhen`, `onRetry`, `processHold`), and its callbacks are called besides.
 *
 * **What it sees.** Stages that are subscribed with `outcomes$`, and those of inner Observables that are subscribed when an item of the input comes, or one out of `tailSample` or another operator of `spanflow/processors` that gathers (`groupBy` and `mergeMap`). What an operator subscribes to later, after a delay for example, it does not see: give such stages the ledger, `flushWhen` and `stopWhen`. A stage behind a `share()` that another one has connected is put behind its batcher when its first batch comes.
 *
 * **Input**: `fromSpanProcessor()`, `fromLogRecordProcessor()`, `channel()`, `otlpReceiver()` of `spanflow/receiver`, or the stream of one of them, can flush and end. Any other Observable is left at the shutdown by the first of our stages: what foreign operators in front of it hold is not seen.
 *
 * **An operator of yours that throws** does not end the pipeline if the input is one of these: everything between the stage behind it and the input is subscribed again. The item or batch that it had in its hands is lost as `operatorFailed`, and told. What batchers in between had queued is lost as
 * `unsubscribed`, and batches that are out go on, within `maxPendingItems` of the export; what other operators of yours held cannot be known, and shows as `between`. If it fails again although no item has come, it is subscribed again a second later. With another input, which would begin anew, the failure ends the pipeline, after the outcomes, and is told. An operator that completes ends the pipeline, too: when `outcomes$` completes, it is shut down.
 *
 * **Order**: that of the stages.
 *
 * **Loss**: that of the stages, and `operatorFailed`; each is in `stats()`, and told by OpenTelemetry's `diag.warn`, at once and then at most once per `warnIntervalMillis`.
 *
 * **Exit**: whenever the event loop runs empty, what is queued is still sent, for at most `exitDeadlineMillis`. Stages do not keep the process alive by themselves, unless `processHold` says so. `process.exit()`, exceptions and signals do not wait: call `shutdown` first, or let `shutdownOn` do that at a signal. What an exit leaves is told to `diag.warn`.
 *
 * @param input where the items come from
 * @param outcomes$ the composition, which ends in an `exportTo` or a `fanOut`, not yet subscribed
 *
 * @throws InvalidOptionError when the input is none, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const input = fromSpanProcessor();
 * const provider = new TracerProvider({ spanProcessors: [input] });
 * const errors$ = input.spans$.pipe(filter((span) => span.status.code === 2), adaptiveBatch(), exportTo(otlpHttp()));
 * const pipeline = runPipeline(input, errors$);
 * await pipeline.shutdown();
 * console.log(pipeline.stats().delivered);
 * ```
 *
 * @see spanPipeline, whose `operators` are enough for a filter
 */
export function runPipeline<R>(
  input: PipelineInput,
  outcomes$: Observable<R>,
  options: RunPipelineOptions = {},
): RunningPipeline<R> {
  const settings = runPipelineSettings(input, outcomes$, options);
  const { scheduler } = settings;
  const sinks = new Set<Sink<never>>();
  const warnings = new Warnings(OWNER, settings.warnIntervalMillis, scheduler);
  const source = runInputOf(input) ?? plainInput(() => run.end());
  const { ledger = source.ledger, account, isGiven = true } = source.books ?? {};
  const life = new LifeCycle<never, R>(OWNER, sinks, settings, warnings, ledger && { ledger, isGiven });
  const { pauseWhen, stopWhen, giveUpWhen } = life.exportOptions;
  const run = new Run({
    ledger: life.ledger,
    input: account,
    flush$: source.flush$,
    ...{ pauseWhen, stopWhen, giveUpWhen, scheduler },
    addSink: (sink) => {
      sinks.add(sink);
      life.start();
    },
    onRetry: ({ error, stage }) => {
      const what = stage === undefined ? 'an export' : `an export to ${stage}`;
      warnings.trouble(`${what} failed and will be tried again: ${messageOf(error)}`, 'retry');
    },
    isHot: account !== undefined || source.isHot === true,
    onTrouble: (message) => warnings.trouble(message, 'operator'),
  });
  const foreign = new ForeignItems(
    () => run.gaps,
    (message) => warnings.trouble(message, 'operator'),
  );
  const unwatch = life.ledger.watch({
    lost: (loss) => warnings.lost(loss),
    callbackFailed: (thrown) => warnings.callbackFailed(thrown),
  });
  life.outcomes$.subscribe((outcome) => {
    if (isOutcome(outcome)) warnings.outcome(outcome);
  });
  const leaveInput = account && run.coversWhatFollows(account);
  let isClosing = false;
  let shutdown: Shutdown | undefined;
  const flow = life.run({
    outcomes$: run.supervise(outcomes$),
    mayHang: true,
    flush: (urgency) => foreign.flush((of) => source.flush(of), urgency),
    end: (urgency) => source.end(urgency),
    whyLate: () => foreign.whyLate(),
    // A best-effort route may have something when the whole has nothing any more.
    isPending: () => Object.values(life.ledger.stats().routes).some(({ pending }) => pending > 0),
    onEnded: (failure) => {
      if (failure !== undefined)
        warnings.trouble(`outcomes$ has failed, and the pipeline ends: ${messageOf(failure.thrown)}`, 'operator');
      if (isClosing) return;
      // It may end while it is being subscribed.
      queueMicrotask(() => void shutdown?.());
    },
    onDrained: () => {
      leaveInput?.();
      unwatch();
    },
  });
  shutdown = (of) => {
    isClosing = true;
    return flow.shutdown(of);
  };
  return controlsOf(life, { forceFlush: flow.forceFlush, shutdown });
}

function isOutcome(value: unknown): value is Outcome<unknown> {
  const { lost, delivered, rejected } = (value ?? {}) as Partial<Outcome<unknown>>;
  return Array.isArray(lost) && typeof delivered === 'number' && typeof rejected === 'number';
}
