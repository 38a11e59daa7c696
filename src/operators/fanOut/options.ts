import type { Observable } from 'rxjs';
import { aSink } from '../../destination/sinkRule.ts';
import { aGate, type Gate } from '../../flow/gate.ts';
import { aMemoryBudget, type MemoryBudget } from '../../flow/memory.ts';
import { aPriorityOf } from '../../flow/priority.ts';
import { pick } from '../../internal/pick.ts';
import {
  aBoolean,
  aFunction,
  anObservable,
  limit,
  oneOf,
  optional,
  type Rule,
  record,
  whole,
  withoutUndefined,
} from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import type { Sink } from '../../model/sink.ts';
import {
  ADAPTIVE_BATCH_RULES,
  type AdaptiveBatchChanges,
  type AdaptiveBatchOptions,
} from '../adaptiveBatch/options.ts';
import { EXPORT_TO_RULES, type ExportToOptions } from '../exportTo/options.ts';

/** What a branch bounds and books by itself. */
const NOT_OF_A_BRANCH = ['name', 'ledger', 'maxPendingItems', 'maxPendingBytes'] as const;

const BATCHING_OPTIONS = [
  'maxExportBatchSize',
  'maxExportBatchBytes',
  'minExportBatchSize',
  'initialExportBatchSize',
  'scheduledDelayMillis',
  'targetLatencyMillis',
  'strategy',
  'sizeOf',
] as const;

/** How a branch makes batches of its own: see {@link AdaptiveBatchOptions}. */
export interface BranchBatching<T> extends Pick<AdaptiveBatchOptions<T>, (typeof BATCHING_OPTIONS)[number]> {}

/** What may be the same for items of any type. */
export type CommonBatching = Omit<BranchBatching<never>, 'sizeOf'>;

/** The options that each branch has: those of the queue in front of its export, and those of {@link exportTo}. */
export interface BranchOptions<T> extends Omit<ExportToOptions<T>, (typeof NOT_OF_A_BRANCH)[number]> {
  /** Items in the batches that wait for this branch's export, at most: 1 or more, default 32,768. A batch that is alone always has room, and so has the rest of a request that came with a beginning for which there was room (`rebatch` cuts requests): beyond the maximum, the queue holds that of one request at most. */
  maxQueueSize?: number;
  /** Their estimated bytes, at most, with the same exceptions: 1 or more, default 64 MiB. */
  maxQueueBytes?: number;
  /**
   * What happens when the queue is full: `dropNewest` (the default) loses the batch that comes, `dropOldest` those that have waited longest. With batches of its own, a branch drops items. `dropLowestPriority` loses the least important items, by `priorityOf`; batches
   * are in the way of that, so such a branch makes its own: it shares no request with other branches, and its items may wait for a batch (`scheduledDelayMillis`) once more.
   */
  overflow?: 'dropNewest' | 'dropOldest' | 'dropLowestPriority';
  /** How important an item is, with `overflow: 'dropLowestPriority'`, which needs it: 0 (is dropped first) to 9, see {@link AdaptiveBatchOptions}. */
  priorityOf?: (item: T) => number;
  /** Batches that the branch's export has taken and that have no outcome, at most: 1 or more, default 32 (with `spanPipeline({ sinks })` what `concurrency` needs: 256 with a limiter, which is the default). Those in backoff count, so at least four times the concurrency. */
  maxUnsettledBatches?: number;
  /** What the memory of everything that this branch keeps comes out of. Default: that of the process, see {@link memoryBudget}. */
  memory?: MemoryBudget;
  /** Closed while the queue of this branch fills up, for inputs that can wait: then this branch holds them all back, instead of dropping. Default: none. */
  gate?: Gate;
}

/** Where the batches go, and how. */
export interface Branch<T> extends BranchOptions<T> {
  /** Where the batches of this branch go. */
  sink: Sink<T>;
  /** Which items go this way. Default: all. A branch with a filter makes batches of its own. If it throws, that is reported, and the item goes. */
  filter?: (item: T) => boolean;
  /** Whether a batch is done, for whoever made it, only when it is done here, too: default `true`. With `false` the branch counts in its own books only. */
  required?: boolean;
  /** With `{}` or more, the branch makes batches of its own out of the items. Default: it gets those that came, unless `filter` or `overflow` needs batches of its own. */
  batching?: BranchBatching<T>;
}

/** The branches by their names, which are those of the routes in the ledger. A sink alone is a branch without options. */
export type Branches<T> = Readonly<Record<string, Branch<T> | Sink<T>>>;

/** The options of a branch, given here, are the defaults of each. Changes by `settings$` leave a branch the options that it has itself (`retry` as a whole). An object that is shared (a limiter, a gate) is shared by the branches then: what makes one of them wait makes all wait. */
export interface FanOutOptions<T> extends BranchOptions<T> {
  /** Each emission sends out what is gathered in the branches, and makes them try at once what is in backoff: the input's `flush$`. While the program ends, the request waits for best-effort branches, too. Default: that of the run ({@link runPipeline}), or else none. */
  flushWhen?: Observable<unknown>;
  /** Counts what comes and what becomes of it, for each branch on a route of its name. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
}

export const BRANCH_DEFAULTS = Object.freeze({
  required: true,
  maxQueueSize: 32_768,
  maxQueueBytes: 64 * 1024 * 1024,
  overflow: 'dropNewest',
  maxUnsettledBatches: 32,
} as const);

const EXPORT_RULES = Object.fromEntries(
  Object.entries(EXPORT_TO_RULES).filter(([name]) => !(NOT_OF_A_BRANCH as readonly string[]).includes(name)),
);

const EXPORT_OPTIONS = Object.keys(EXPORT_RULES) as (keyof ExportToOptions<unknown>)[];

/** The rules of {@link BranchOptions}. Each may be left out: what has no default here has that of its stage. */
const OPTION_RULES = optionals({
  ...EXPORT_RULES,
  maxQueueSize: whole(1),
  maxQueueBytes: whole(1),
  overflow: oneOf('dropNewest', 'dropOldest', 'dropLowestPriority'),
  priorityOf: aFunction,
  maxUnsettledBatches: limit(1),
  memory: aMemoryBudget,
  gate: aGate,
});

export const BRANCH_RULES: Readonly<Record<string, Rule>> = {
  sink: aSink,
  ...OPTION_RULES,
  ...optionals({
    filter: aFunction,
    required: aBoolean,
    batching: record(pick(ADAPTIVE_BATCH_RULES, BATCHING_OPTIONS)),
  }),
  priorityOf: aPriorityOf,
};

export const FAN_OUT_RULES = {
  ...OPTION_RULES,
  flushWhen: optional(anObservable),
  ledger: STAGE_RULES.ledger,
};

type Defaulted = keyof typeof BRANCH_DEFAULTS;

export type BranchSettings<T> = Omit<Branch<T>, Defaulted> &
  Required<Pick<Branch<T>, Defaulted>> & {
    /** Changes of its batches. */
    readonly batchSettings$?: Observable<AdaptiveBatchChanges> | undefined;
  };

/** What a composition that is built on a fan-out says of it. */
export interface FanOutComposition<T> {
  /** The function that the user has called, and what it calls the branches: `fanOut`, or `spanPipeline.sinks`. */
  readonly owner: string;
  /** Whether the export of a branch has the name of the branch in losses and statistics. Default: `exportTo(…)`, with the name of its sink. */
  readonly exportsBearNames?: boolean;
  /** How branches make batches of their own, where they do not say. */
  readonly batching?: CommonBatching;
  /** Estimates the bytes of an item there, where they do not say. */
  readonly sizeOf?: (item: T) => number;
  /** Batches that a branch exports besides those that come, and that are offered to no other one. */
  readonly besides?: ((name: string, route: Ledger) => Observable<Batch<T>>) | undefined;
  /** Changes of the batches in all branches; those that have a value of their own keep it. They are valid. */
  readonly batchSettings$?: Observable<AdaptiveBatchChanges>;
}

/** Whether it is a sink without options. */
export function isSink<T>(given: Branch<T> | Sink<T>): given is Sink<T> {
  return typeof (given as Partial<Sink<T>> | null | undefined)?.export === 'function';
}

/** The sink of a branch. */
export function sinkOf<T>(given: Branch<T> | Sink<T>): Sink<T> {
  return isSink(given) ? given : given?.sink;
}

/** What the `exportTo` of a branch is given. */
export function exportOptionsOf<T>(settings: BranchSettings<T>): ExportToOptions<T> {
  return withoutUndefined(pick(settings as ExportToOptions<T>, EXPORT_OPTIONS)) as ExportToOptions<T>;
}

function optionals(rules: Readonly<Record<string, Rule>>): Readonly<Record<string, Rule>> {
  return Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, optional(rule)]));
}
