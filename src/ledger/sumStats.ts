import type { LossReason } from '../model/tally.ts';
import { add, type Counts, type StageStats } from './stageStats.ts';
import type { FlowStats, Stats } from './stats.ts';

/** The books of several pipelines, added up. */
export interface SummedStats extends FlowStats {
  /** How many were added. */
  readonly pipelines: number;
  /** Items in the queues of inputs, operators and batchers. */
  readonly queueSize: number;
  /** The estimated memory, in bytes, of what waits or is out in batches. */
  readonly memoryBytes: number;
  /** Attempts in flight. */
  readonly inFlight: number;
  /** Attempts that were started. */
  readonly attempts: number;
  /** Of those, attempts that were not the first of their batch. */
  readonly retries: number;
  /** Exceptions of callbacks. */
  readonly callbackErrors: number;
  /** By stage: those of one name are added up. */
  readonly stages: Readonly<Record<string, StageStats>>;
}

/** What of the statistics can be added up. It is what needs to be sent. */
export type StatsToSum = Pick<Stats, Exclude<keyof SummedStats, 'pipelines' | 'stages'>> & {
  /** The books of each stage. */
  readonly stages: Readonly<Record<string, StageStats>>;
};

const EMPTY: StageStats = {
  ...{ offered: 0, accepted: 0, refused: {}, delivered: 0, possibleDuplicates: 0, rejected: 0 },
  ...{ handedOn: 0, removed: 0, lost: {}, pending: 0 },
};

const EMPTY_SUM: SummedStats = {
  ...EMPTY,
  ...{
    between: 0,
    pipelines: 0,
    queueSize: 0,
    memoryBytes: 0,
    inFlight: 0,
    attempts: 0,
    retries: 0,
    callbackErrors: 0,
  },
  stages: {},
};

/**
 * Adds up the statistics of pipelines that work side by side: those of worker threads, or of the processes of a cluster. `stats()` is plain data, so each of them sends its own as a message.
 *
 * Both equations hold for the sum as for each of its parts. Pipelines that follow each other are not for one sum: what a worker delivers to `fromPort` would be counted twice. Add up the workers, and look at the one behind them by
 * itself.
 *
 * @example
 * ```ts
 * const pipelines = [spanPipeline({ sink }), spanPipeline({ sink })];
 * const { accepted, delivered, lost } = sumStats(pipelines.map((pipeline) => pipeline.stats()));
 * console.log(accepted, delivered, lost);
 * ```
 */
export function sumStats(all: Iterable<StatsToSum>): SummedStats {
  let sum = EMPTY_SUM;
  for (const stats of all) sum = addStats(sum, stats);
  return sum;
}

function addStats(sum: SummedStats, stats: StatsToSum): SummedStats {
  const stages = { ...sum.stages };
  for (const [name, books] of Object.entries(stats.stages)) stages[name] = addBooks(stages[name] ?? EMPTY, books);
  return {
    ...addBooks(sum, stats),
    between: sum.between + stats.between,
    pipelines: sum.pipelines + 1,
    queueSize: sum.queueSize + stats.queueSize,
    memoryBytes: sum.memoryBytes + stats.memoryBytes,
    inFlight: sum.inFlight + stats.inFlight,
    attempts: sum.attempts + stats.attempts,
    retries: sum.retries + stats.retries,
    callbackErrors: sum.callbackErrors + stats.callbackErrors,
    stages,
  };
}

function addBooks(one: StageStats, other: StageStats): StageStats {
  return {
    offered: one.offered + other.offered,
    accepted: one.accepted + other.accepted,
    refused: addCounts(one.refused, other.refused),
    delivered: one.delivered + other.delivered,
    possibleDuplicates: one.possibleDuplicates + other.possibleDuplicates,
    rejected: one.rejected + other.rejected,
    handedOn: one.handedOn + other.handedOn,
    removed: one.removed + other.removed,
    lost: addCounts(one.lost, other.lost),
    pending: one.pending + other.pending,
  };
}

function addCounts(one: Counts, other: Counts): Counts {
  const sum: Partial<Record<LossReason, number>> = { ...one };
  for (const [reason, count] of Object.entries(other)) add(sum, reason as LossReason, count);
  return sum;
}
