import { merge, Subject } from 'rxjs';
import { type LostItems, RingInput } from '../../inputs/ringInput/ringInput.ts';
import { Warnings } from '../../internal/diagWarnings.ts';
import { InvalidOptionError, messageOf } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Loss } from '../../model/tally.ts';
import { adaptiveBatch } from '../../operators/adaptiveBatch/adaptiveBatch.ts';
import type { Retry } from '../../operators/retryWithBackoff.ts';
import type { ExportHandle } from '../answers/handle.ts';
import { controlsOf, type PipelineControls } from '../controls.ts';
import { ForeignItems } from '../foreignItems.ts';
import { LifeCycle } from '../lifeCycle/lifeCycle.ts';
import { Spool } from '../spool/spool.ts';
import { isRoutePending, sinksOf, wayOut } from '../wayOut.ts';
import { supervisedOperators } from './operators.ts';
import type { AnySignalPipelineOptions, PipelineKind } from './options.ts';
import { PipelineHandle } from './pipelineHandle.ts';
import { signalPipelineSettings } from './settings.ts';

const WITHOUT_OPERATORS =
  'called on a pipeline without operators, because what they take out has no answer: make an exportHandle(sink), and apply them to what it is given';

/** What the pipeline of a signal offers whose SDK pushes single items, besides the processor that it calls. */
export interface SignalPipeline<T> extends PipelineControls<Outcome<T>> {
  /**
   * A handle on this pipeline, the same one at each call: its callers are answered for exactly their items. These go the way of what the SDK pushes, and share the queue with them: a call does not wait for room
   * there, and what finds none is answered as `queueFull`. Spans that are not sampled are answered as `unsampled`. `stats`, `forceFlush`, `shutdown` and the disposal are those of the pipeline.
   */
  handle(): ExportHandle<T>;
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
  const operators = supervisedOperators(settings, { ...life.exportOptions, onLoss, flushWhen: input.flush$ });
  const foreign = new ForeignItems(operators.places, (message) => warnings.trouble(message, 'operator'));
  const lostInQueue = new Subject<LostItems<T>>();
  const onQueueLoss = (loss: Loss, items: readonly T[]) => {
    onLoss(loss);
    lostInQueue.next({ loss, items });
  };
  const spool =
    settings.spool &&
    new Spool<T>({
      ...{ signal: kind.signal, settings: settings.spool, scheduler },
      callbacks: { ...life.stageOptions, onLoss },
      tell: (message) => warnings.trouble(message, 'spool'),
    });
  if (spool !== undefined) life.ledger.keepWith(spool);
  const ended = new Subject<Outcome<T>>(); // one outcome per batch, whatever the number of sinks
  life.outcomes$.subscribe((outcome) => warnings.outcome(outcome));
  const flow = life.run({
    outcomes$: input.items$.pipe(
      operators.through,
      adaptiveBatch({ ...settings.batch, ...life.stageOptions, flushWhen: input.flush$, onLoss: onQueueLoss }),
      wayOut(options, settings, {
        stage: { ...life.exportOptions, onLoss, onRetry },
        flushWhen: input.flush$,
        onEnded: (outcome) => ended.next(outcome),
        besides: spool && ((ledger, route) => spool.replayOn(ledger, route)),
      }),
    ),
    flush: async (urgency) => {
      const replayed = urgency.isEnding ? spool?.finish(urgency) : undefined;
      await foreign.flush((of) => input.flush(of), urgency);
      await replayed;
    },
    whyLate: () => foreign.whyLate(),
    end: (urgency) => {
      void spool?.finish(urgency);
      input.end(urgency);
    },
    // What earlier runs have left is to be sent although nothing has come.
    taken: () => life.ledger.stats().accepted + (spool === undefined ? 0 : 1),
    isPending: () => isRoutePending(life.ledger.stats()) || spool?.isReplaying === true,
    spool,
    onDrained: () => ended.complete(),
  });
  life.followSettings(settings.settings$, settings.dealer);

  let handle: PipelineHandle<T> | undefined;
  const made = controlsOf(life, flow);
  const handleOf = () => {
    if (settings.operators.length > 0)
      throw new InvalidOptionError(`${owner}.handle`, WITHOUT_OPERATORS, settings.operators);
    const answered = { ...made, outcomes$: ended };
    handle ??= new PipelineHandle(owner, answered, input, merge(input.lost, lostInQueue), scheduler);
    return handle;
  };
  return { input, pipeline: { ...made, handle: handleOf } };
}
