import type { OperatorFunction } from 'rxjs';
import { refuseSinkAsOptions } from '../../destination/sinkRule.ts';
import type { RingInputOptions } from '../../inputs/ringInput/options.ts';
import { pick } from '../../internal/pick.ts';
import {
  anObject,
  anObservable,
  oneOf,
  optional,
  overDefaults,
  type Rules,
  settingsOf,
  withoutUndefined,
} from '../../internal/validation.ts';
import type { SignalName } from '../../model/signal.ts';
import type { Sink } from '../../model/sink.ts';
import {
  ADAPTIVE_BATCH_RULES,
  type AdaptiveBatchOptions,
  defaultsWithin,
} from '../../operators/adaptiveBatch/options.ts';
import {
  EXPORT_TO_RULES,
  type ExportToOptions,
  exportDefaultsFor,
  RETRY_DEFAULTS,
  type RetryOptions,
  type SharedLayer,
} from '../../operators/exportTo/options.ts';
import { LIFE_CYCLE_DEFAULTS, LIFE_CYCLE_RULES, type LifeCycleSettings } from '../lifeCycle/options.ts';
import { type LiveOptions, SettingsDealer } from '../liveSettings.ts';
import { ofOneBackend, oneWayOut, sinksFor, someOperators } from '../rules.ts';
import { aSpool, type SpoolSettings, spoolSettings } from '../spool/options.ts';
import { batcherOptions, EXPORT_STAGE, unsettledFor } from '../stages.ts';
import { BRANCH_BATCH_OPTIONS, type WayOutSettings } from '../wayOut.ts';
import {
  type AnySignalPipelineOptions,
  BATCH_OPTIONS,
  EXPORT_OPTIONS,
  type PipelineKind,
  SIGNAL_PIPELINE_DEFAULTS,
  type SignalPipelineOptions,
} from './options.ts';
import { variablesOf } from './variables.ts';

type Unset = 'concurrency' | 'memory' | 'settings$' | 'spool' | SharedLayer; // without a default

type Given<T> = Required<Omit<SignalPipelineOptions<T>, Unset | 'pauseWhen'>> &
  Pick<SignalPipelineOptions<T>, Unset> &
  Pick<LifeCycleSettings, 'pauseWhen'> &
  Pick<AnySignalPipelineOptions<T>, 'sink' | 'sinks'>;

const rulesFor = (signal: SignalName): Rules<Given<unknown>> => ({
  sink: oneWayOut(signal),
  sinks: optional(sinksFor(signal)),
  ...pick(ADAPTIVE_BATCH_RULES, BATCH_OPTIONS),
  ...pick(EXPORT_TO_RULES, EXPORT_OPTIONS),
  breaker: ofOneBackend,
  ...LIFE_CYCLE_RULES,
  overflow: oneOf('dropNewest', 'dropOldest', 'dropLowestPriority'),
  operators: someOperators,
  settings$: optional(anObservable),
  spool: aSpool,
  environment: anObject,
});

/** The settings of each stage, and of the life cycle. */
export interface SignalPipelineSettings<T> extends LifeCycleSettings, LiveOptions, WayOutSettings<T> {
  readonly input: RingInputOptions;
  readonly operators: readonly OperatorFunction<T, T>[];
  readonly batch: AdaptiveBatchOptions<T>;
  readonly dealer: SettingsDealer;
  readonly spool: SpoolSettings | undefined;
}

/** Lays the options over the variables over the defaults, checks all by the pipeline's own name, and deals them out to the stages. */
export function signalPipelineSettings<T>(
  kind: PipelineKind<T>,
  options: AnySignalPipelineOptions<T>,
): SignalPipelineSettings<T> {
  const { owner, signal, sizeOf } = kind;
  refuseSinkAsOptions(owner, options, signal);
  const asked: Partial<AnySignalPipelineOptions<T>> = options ?? {};
  const { maxElapsedMillis, ...sizes } = variablesOf(kind.variables, asked);
  const retry: RetryOptions = { ...RETRY_DEFAULTS, ...withoutUndefined({ maxElapsedMillis }) };
  const variables = withoutUndefined(sizes);
  const defaults = {
    ...pick(defaultsWithin<T>({ ...variables, ...withoutUndefined(asked) }), BATCH_OPTIONS),
    ...pick(exportDefaultsFor(asked.sink as Sink<T>), EXPORT_OPTIONS),
    ...SIGNAL_PIPELINE_DEFAULTS,
    priorityOf: kind.priorityOf,
    maxUnsettledBatches: unsettledFor(asked.concurrency),
    environment: process.env,
    ...variables,
    retry,
  };
  const given = settingsOf<Given<T>>(owner, defaults as Partial<Given<T>>, rulesFor(signal), options);
  const exporting = { ...pick(given, EXPORT_OPTIONS), retry: overDefaults<RetryOptions>(retry, given.retry) };
  const { overflow } = given;
  const dealer = new SettingsDealer({
    owner,
    settings: { ...given, retry: exporting.retry },
    follows: ({ concurrency }) => ({ maxUnsettledBatches: asked.maxUnsettledBatches ?? unsettledFor(concurrency) }),
  });
  return {
    ...pick(given, Object.keys(LIFE_CYCLE_DEFAULTS) as (keyof LifeCycleSettings)[]),
    // Without a number of its own, the ring has as many places as the heap has room for.
    input: withoutUndefined({ maxQueueSize: variables.maxQueueSize, overflow: ringOverflow(overflow) }),
    operators: [...given.operators],
    batch: { ...pick(given, BATCH_OPTIONS), ...batcherOptions(exporting), overflow, sizeOf, settings$: dealer.batch$ },
    export: { ...exporting, ...EXPORT_STAGE, settings$: dealer.export$ },
    fanOut: {
      ...pick(given, ['maxQueueSize', 'maxQueueBytes', 'maxUnsettledBatches', 'memory', 'priorityOf']),
      ...exporting,
      // Unless it was given: a sink says how long it takes, and what is made for one branch is not shared by all.
      ...pick(asked as ExportToOptions<T>, ['concurrency', 'attemptTimeoutMillis']),
      settings$: dealer.export$,
      overflow,
      processHold: EXPORT_STAGE.processHold,
    },
    composition: {
      owner: `${owner}.sinks`,
      // As they were given: the defaults of a branch are cut to what its own queue has room for.
      batching: withoutUndefined(pick({ ...asked, ...variables }, BRANCH_BATCH_OPTIONS)),
      batchSettings$: dealer.batch$,
      sizeOf,
    },
    ...withoutUndefined(pick(given, ['settings$'])),
    dealer,
    spool: given.spool === undefined ? undefined : spoolSettings(`${owner}.spool`, given.spool),
  };
}

/** The ring drops by age: asking for priorities would be work inside of the program's own call. */
function ringOverflow(overflow: 'dropNewest' | 'dropOldest' | 'dropLowestPriority'): 'dropNewest' | 'dropOldest' {
  return overflow === 'dropLowestPriority' ? 'dropOldest' : overflow;
}
