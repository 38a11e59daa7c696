import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { OperatorFunction } from 'rxjs';
import { aSink, refuseSinkAsOptions } from '../../destination/sinkRule.ts';
import type { FromSpanProcessorOptions } from '../../inputs/fromSpanProcessor.ts';
import { type Environment, EnvironmentReader } from '../../internal/environment.ts';
import { pick } from '../../internal/pick.ts';
import {
  anObject,
  anObservable,
  type Mistakes,
  must,
  oneOf,
  optional,
  overDefaults,
  type Rules,
  settingsOf,
  withoutUndefined,
} from '../../internal/validation.ts';
import type { Sink } from '../../model/sink.ts';
import {
  ADAPTIVE_BATCH_DEFAULTS,
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
  SHARED_LAYERS,
  type SharedLayer,
} from '../../operators/exportTo/options.ts';
import type { Branches, FanOutComposition, FanOutOptions } from '../../operators/fanOut/options.ts';
import {
  LIFE_CYCLE_DEFAULTS,
  LIFE_CYCLE_RULES,
  type LifeCycleOptions,
  type LifeCycleSettings,
} from '../lifeCycle/options.ts';
import { type LiveOptions, SettingsDealer } from '../liveSettings.ts';
import { spanPriority } from '../spanPriority.ts';
import { batcherOptions, EXPORT_STAGE, unsettledFor } from '../stages.ts';

const BATCH_OPTIONS = [
  'maxQueueSize',
  'maxQueueBytes',
  'maxExportBatchSize',
  'maxExportBatchBytes',
  'scheduledDelayMillis',
  'targetLatencyMillis',
  'strategy',
  'maxUnsettledBatches',
  'memory',
  'priorityOf',
] as const;
/** Those of them that a branch takes over where it makes batches of its own. */
const BRANCH_BATCH_OPTIONS = [
  'maxExportBatchSize',
  'maxExportBatchBytes',
  'scheduledDelayMillis',
  'targetLatencyMillis',
  'strategy',
] as const;
const EXPORT_OPTIONS = ['concurrency', 'attemptTimeoutMillis', 'retry', 'random', ...SHARED_LAYERS] as const;

type BatchOptions = Pick<AdaptiveBatchOptions<ReadableSpan>, (typeof BATCH_OPTIONS)[number]>;
type ExportOptions = Pick<ExportToOptions<ReadableSpan>, (typeof EXPORT_OPTIONS)[number]>;

/**
 * Everything but the sink has a default. The options of the queue, the batches and the export are described at {@link AdaptiveBatchOptions} and
 * {@link ExportToOptions}.
 *
 * Where an option is left out, `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` and `OTEL_BSP_SCHEDULE_DELAY` count, and `OTEL_BSP_EXPORT_TIMEOUT` as
 * `retry.maxElapsedMillis`. A value that makes no sense is warned about and ignored.
 */
export interface SpanPipelineOptions extends CommonOptions {
  /** Where the spans go. The pipeline owns it, and shuts it down. */
  sink: Sink<ReadableSpan>;
  /** Left out here. With several backends, give `sinks` instead of `sink`: {@link SpanPipelineSinksOptions}. */
  sinks?: undefined;
}

/** The same for a pipeline to several backends at once. */
export interface SpanPipelineSinksOptions extends CommonOptions {
  /**
   * Where the spans go: the branches of a {@link fanOut}, by name. The options of the queue, of the batches and of the export are the defaults of each branch, and `settings$` changes them in each branch that has no value of its own (of `retry`, as a whole); a `breaker` belongs to one backend, so it is refused for all; a limiter, a rate
   * limit and a retry budget that are given for all are shared by all. With `overflow: 'dropLowestPriority'` each branch makes batches of its own, and so encodes them for itself: its queue is the one that fills up. `stats().routes` shows each branch, also one that is alone;
   * `forceFlush`, a handle and the totals go by the required ones. The pipeline owns all sinks, and shuts them down.
   */
  sinks: Branches<ReadableSpan>;
  /** Left out here. With one backend, give `sink` instead of `sinks`: {@link SpanPipelineOptions}. */
  sink?: undefined;
}

/** An operator that takes spans and makes spans. Several in a row, whatever is in between: `pipe(one, other)`. */
export type SpanOperator = OperatorFunction<ReadableSpan, ReadableSpan>;

interface CommonOptions extends LifeCycleOptions, LiveOptions, BatchOptions, ExportOptions {
  /**
   * RxJS operators that each span passes before it is batched, in this order: `[filter((span) => span.name !== 'GET /healthz')]`. They run a turn after the span has ended, outside of `span.end()`. What they take out, or make, shows as `between` in `stats()`.
   *
   * One that throws does not end the pipeline: it is subscribed again, with a fresh state, when the next span comes. The span that it was given is lost as `operatorFailed` (of an asynchronous one, all spans that went in and have not come out), counted and told. One that completes (`take(5)`) stays ended: what comes later is taken out, and that is told once.
   *
   * What they hold is bounded by nobody but themselves. `forceFlush` waits until asynchronous ones have let out what they hold. `handle()` is not possible with operators, because what they take out has no answer. Default: none.
   */
  operators?: readonly SpanOperator[];
  /**
   * What happens to a span that meets a full queue: `dropNewest` (the default), `dropOldest`, or `dropLowestPriority`, which loses the least important one of the queue. Priorities are asked when a span comes from the ring into the queue, a turn
   * after it has ended; a ring that is full drops its oldest.
   */
  overflow?: 'dropNewest' | 'dropOldest' | 'dropLowestPriority';
  /** How important a span is, with `overflow: 'dropLowestPriority'`: 0 to 9. Default {@link spanPriority}, which keeps errors longest, then slow spans. */
  priorityOf?: (span: ReadableSpan) => number;
  /** Where the variables are read from. Default `process.env`. */
  environment?: Environment;
}

/** The pipeline's own defaults. Any other option has the default of its stage. */
export const SPAN_PIPELINE_DEFAULTS: Readonly<
  LifeCycleSettings & Required<Pick<SpanPipelineOptions, 'operators' | 'overflow' | 'priorityOf'>>
> = Object.freeze({ ...LIFE_CYCLE_DEFAULTS, operators: [], overflow: 'dropNewest', priorityOf: spanPriority() });

type Unset = 'concurrency' | 'memory' | 'settings$' | SharedLayer; // without a default
export type AnySpanPipelineOptions = SpanPipelineOptions | SpanPipelineSinksOptions;

type Given = Required<Omit<CommonOptions, Unset | 'pauseWhen'>> &
  Pick<CommonOptions, Unset> &
  Pick<LifeCycleSettings, 'pauseWhen'> &
  Pick<AnySpanPipelineOptions, 'sink' | 'sinks'>;

const SPAN_PIPELINE_RULES: Rules<Given> = {
  sink: oneWayOut,
  sinks: optional(anObject),
  ...pick(ADAPTIVE_BATCH_RULES, BATCH_OPTIONS),
  ...pick(EXPORT_TO_RULES, EXPORT_OPTIONS),
  breaker: ofOneBackend,
  ...LIFE_CYCLE_RULES,
  overflow: oneOf('dropNewest', 'dropOldest', 'dropLowestPriority'),
  operators: someOperators,
  settings$: optional(anObservable),
  environment: anObject,
};

/** Each of them is a function of an Observable. What it makes can only be known when it runs. */
function someOperators(operators: unknown, option: string, call: Mistakes): void {
  if (!Array.isArray(operators)) call.add(option, 'an array of RxJS operators: [filter(…), map(…)]', operators);
  else for (const [index, operator] of operators.entries()) anOperator(operator, `${option}[${index}]`, call);
}

/** Either one sink, or several by their names. */
function oneWayOut(sink: unknown, option: string, call: Mistakes): void {
  if (sink !== undefined && call.hasValue('sinks')) call.add(option, 'left out where there are sinks', sink);
  else if (sink !== undefined || !call.hasValue('sinks')) aSink(sink, option, call);
}

const anOperator = must('an RxJS operator: filter(…), map(…) or pipe(…)', (value) => typeof value === 'function');

/** One for several backends would stop all of them when one is dead. */
function ofOneBackend(breaker: unknown, option: string, call: Mistakes): void {
  if (breaker !== undefined && call.hasValue('sinks')) call.add(option, 'given to each of the sinks', breaker);
  else EXPORT_TO_RULES.breaker(breaker, option, call);
}

/** The settings of each stage, and of the life cycle. */
export interface SpanPipelineSettings extends LifeCycleSettings, LiveOptions {
  readonly input: FromSpanProcessorOptions;
  readonly operators: readonly SpanOperator[];
  readonly batch: AdaptiveBatchOptions<ReadableSpan>;
  readonly export: ExportToOptions<ReadableSpan>;
  /** What each branch is given, if there are several. */
  readonly fanOut: FanOutOptions<ReadableSpan>;
  readonly composition: FanOutComposition;
  readonly dealer: SettingsDealer;
}

/** Lays the options over the variables over the defaults, checks all by the pipeline's own name, and deals them out to the stages. */
export function spanPipelineSettings(options: AnySpanPipelineOptions): SpanPipelineSettings {
  refuseSinkAsOptions('spanPipeline', options);
  const asked: Partial<AnySpanPipelineOptions> = options ?? {};
  const { maxElapsedMillis, ...sizes } = variablesOf(asked);
  const retry: RetryOptions = { ...RETRY_DEFAULTS, ...withoutUndefined({ maxElapsedMillis }) };
  const variables = withoutUndefined(sizes);
  const defaults = {
    ...pick(defaultsWithin<ReadableSpan>({ ...variables, ...withoutUndefined(asked) }), BATCH_OPTIONS),
    ...pick(exportDefaultsFor(asked.sink as Sink<ReadableSpan>), EXPORT_OPTIONS),
    ...SPAN_PIPELINE_DEFAULTS,
    maxUnsettledBatches: unsettledFor(asked.concurrency),
    environment: process.env,
    ...variables,
    retry,
  };
  const given = settingsOf<Given>('spanPipeline', defaults as Partial<Given>, SPAN_PIPELINE_RULES, options);
  const exporting = { ...pick(given, EXPORT_OPTIONS), retry: overDefaults<RetryOptions>(retry, given.retry) };
  const { overflow } = given;
  const dealer = new SettingsDealer({
    owner: 'spanPipeline',
    settings: { ...given, retry: exporting.retry },
    follows: ({ concurrency }) => ({ maxUnsettledBatches: asked.maxUnsettledBatches ?? unsettledFor(concurrency) }),
  });
  return {
    ...pick(given, Object.keys(LIFE_CYCLE_DEFAULTS) as (keyof LifeCycleSettings)[]),
    // Without a number of its own, the ring has as many places as the heap has room for.
    input: withoutUndefined({ maxQueueSize: variables.maxQueueSize, overflow: ringOverflow(overflow) }),
    operators: [...given.operators],
    batch: { ...pick(given, BATCH_OPTIONS), ...batcherOptions(exporting), overflow, settings$: dealer.batch$ },
    export: { ...exporting, ...EXPORT_STAGE, settings$: dealer.export$ },
    fanOut: {
      ...pick(given, ['maxQueueSize', 'maxQueueBytes', 'maxUnsettledBatches', 'memory', 'priorityOf']),
      ...exporting,
      // Unless it was given: a sink says how long it takes, and what is made for one branch is not shared by all.
      ...pick(asked as ExportOptions, ['concurrency', 'attemptTimeoutMillis']),
      settings$: dealer.export$,
      overflow,
      processHold: EXPORT_STAGE.processHold,
    },
    composition: {
      owner: 'spanPipeline.sinks',
      // As they were given: the defaults of a branch are cut to what its own queue has room for.
      batching: withoutUndefined(pick({ ...asked, ...variables }, BRANCH_BATCH_OPTIONS)),
      batchSettings$: dealer.batch$,
    },
    ...withoutUndefined(pick(given, ['settings$'])),
    dealer,
  };
}

/** The ring drops by age: asking for priorities would be work inside of `span.end()`. */
function ringOverflow(overflow: Given['overflow']): 'dropNewest' | 'dropOldest' {
  return overflow === 'dropLowestPriority' ? 'dropOldest' : overflow;
}

/** What is given, or else what the batch processor's variables set, as far as it fits. */
function variablesOf(asked: Partial<CommonOptions>) {
  const environment = new EnvironmentReader(asked.environment ?? process.env);
  const leastQueueSize = Number.isSafeInteger(asked.maxExportBatchSize) ? (asked.maxExportBatchSize as number) : 1;
  const maxQueueSize =
    asked.maxQueueSize ?? environment.wholeNumber(leastQueueSize, Number.MAX_SAFE_INTEGER, 'OTEL_BSP_MAX_QUEUE_SIZE');
  const queueLimit = maxQueueSize ?? ADAPTIVE_BATCH_DEFAULTS.maxQueueSize;
  return {
    maxQueueSize,
    maxExportBatchSize:
      asked.maxExportBatchSize ?? environment.wholeNumber(1, queueLimit, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    scheduledDelayMillis: asked.scheduledDelayMillis ?? environment.delayMillis('OTEL_BSP_SCHEDULE_DELAY'),
    maxElapsedMillis: asked.retry?.maxElapsedMillis ?? environment.timeoutMillis('OTEL_BSP_EXPORT_TIMEOUT'),
  };
}
