import { merge, type Observable, Subject } from 'rxjs';
import { type LostItems, RingInput } from '../../inputs/ringInput/ringInput.ts';
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
import type { AnySignalPipelineOptions, PipelineKind } from './options.ts';
import { PipelineHandle } from './pipelineHandle.ts';
import { signalPipelineSettings } from './settings.ts';
import { sinksOf, wayOut } from './wayOut.ts';

const WITHOUT_OPERATORS =
  'called on a pipeline without operators, because what they take out has no answer: make an exportHandle(sink), and apply them to what it is given';

/** What the pipeline of any signal offers, besides the processor that its SDK calls. */
export interface SignalPipeline<T> {
  /**
   * A handle on this pipeline, the same one at each call: its callers are answered for exactly their items. These go the way of what the SDK pushes, and share the queue with them: a call does not wait for room
   * there, and what finds none is answered as `queueFull`. Spans that are not sampled are answered as `unsampled`. `stats`, `forceFlush`, `shutdown` and the disposal are those of the pipeline.
   */
  handle(): ExportHandle<T>;
  /** One outcome per batch, and one for each sink if there are several (`route` names it), for those who are subscribed. It completes when the pipeline has been shut down. */
  readonly outcomes$: Observable<Outcome<T>>;
  /** The current statistics. */
  stats(): Stats;
  /** The statistics now, and whenever they have changed, at most once a second. It completes when the pipeline has been shut down. */
  readonly stats$: Observable<Stats>;
  /** The present state, and then each change. It completes when the pipeline has been shut down. */
  readonly state$: Observable<PipelineState>;
  /** From now on no export begins; those in flight go on, and items wait in the queue. After `shutdown` it does nothing. */
  pause(): void;
  /** Ends what `pause` began. While `pauseWhen` says `true`, the pipeline stays paused. */
  resume(): void;
  /**
   * Resolves when everything that came before has an outcome, delivered or lost: losses are in the outcomes and in the statistics. Rejects at the timeout (default `flushTimeoutMillis`) with
   * `FLUSH_TIMEOUT`; the exports go on. While the pipeline is paused and something is pending, it waits for the end of the pause, and the error says so.
   *
   * An export of this pipeline must not await it: it would wait for itself. If `export` of the sink calls it before its first `await`, the promise rejects at once with `DEADLOCK` (the flush goes on, and
   * as the failure of the export that is `permanent`). Called later, or by way of another pipeline, it cannot be told apart: the attempt ends at `attemptTimeoutMillis`, the flush at its timeout.
   */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /**
   * Takes nothing more, sends what it has, and shuts the sink down. What has no outcome at the deadline (default `shutdownDeadlineMillis`) is lost, as `shutdown` or `unconfirmed`.
   * It resolves then at the latest, but for a sink that is slow to close, which gets up to a second more. While it waits, what is in backoff tries at once and then at least twice a second; an address at which nothing
   * listens is tried for two seconds in all. A pause is over: what a paused pipeline keeps would be lost. (To lose it rather than send it, say `deadlineMillis: 0`.) The second call gives the promise of the first.
   */
  readonly shutdown: Shutdown;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A pipeline, and the input that its processor pushes into. */
export interface RunningSignal<T> {
  readonly input: RingInput<T>;
  readonly pipeline: SignalPipeline<T>;
}

/** Composes the stages of any signal, and runs them. */
export function signalPipeline<T>(kind: PipelineKind<T>, options: AnySignalPipelineOptions<T>): RunningSignal<T> {
  const settings = signalPipelineSettings(kind, options);
  const { owner } = kind;
  const { scheduler } = settings;
  const warnings = new Warnings('spanflow', settings.warnIntervalMillis, scheduler);
  const life = new LifeCycle<T>(owner, sinksOf(options), settings, warnings);
  const onLoss = (loss: Loss) => warnings.lost(loss);
  const onRetry = ({ error }: Retry) =>
    warnings.trouble(`an export failed and will be tried again: ${messageOf(error)}`, 'retry');

  const input = new RingInput(kind.input, { ...settings.input, ...life.stageOptions, onLoss });
  const operators = supervisedOperators(settings, { ...life.exportOptions, onLoss });
  const foreign = new ForeignItems(operators.places, (message) => warnings.trouble(message, 'operator'));
  const lostInQueue = new Subject<LostItems<T>>();
  const onQueueLoss = (loss: Loss, items: readonly T[]) => {
    onLoss(loss);
    lostInQueue.next({ loss, items });
  };
  const ended = new Subject<Outcome<T>>(); // one outcome per batch, whatever the number of sinks
  life.outcomes$.subscribe((outcome) => warnings.outcome(outcome));
  const { forceFlush, shutdown } = life.run({
    outcomes$: input.items$.pipe(
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

  let handle: PipelineHandle<T> | undefined;
  const made = {
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
  const handleOf = () => {
    if (settings.operators.length > 0)
      throw new InvalidOptionError(`${owner}.handle`, WITHOUT_OPERATORS, settings.operators);
    const answered = { ...made, outcomes$: ended };
    handle ??= new PipelineHandle(owner, answered, input, merge(input.lost, lostInQueue), scheduler);
    return handle;
  };
  return { input, pipeline: { ...made, handle: handleOf } };
}
