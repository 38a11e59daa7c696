import type { LossReason } from '../model/outcome.ts';
import { type Account, add, type Counts, type Role, type StageStats } from './account.ts';

/** The books of a pipeline: of each stage, and of the whole. */
export interface Stats extends StageStats {
  /**
   * Items that left one of our stages and did not reach the next: what operators in between filtered or still hold. Below zero
   * they made more of them. With it, `accepted = delivered + rejected + handedOn + removed + Σ lost + pending + between` for the whole.
   */
  readonly between: number;
  /** Items in the inputs' and batchers' queues. */
  readonly queueSize: number;
  /** Their estimated bytes, as far as they are estimated. */
  readonly queueBytes: number;
  /** The estimated memory of what waits in queues, or is out in batches without an outcome: this pipeline's part of its {@link memoryBudget}. */
  readonly memoryBytes: number;
  /** How many items make the next batch due. */
  readonly batchSize: number;
  /** Attempts under way. */
  readonly inFlight: number;
  /** Attempts that were started, and those of them that were not a batch's first. */
  readonly attempts: number;
  readonly retries: number;
  /** Exceptions of callbacks and strategies that were given to us; the stream went on. */
  readonly callbackErrors: number;
  readonly stages: Readonly<Record<string, StageStats>>;
}

/** The whole: what the first stage let in, and how it ended in the last one that knows. */
export function summarize(accounts: readonly Account[]): Stats {
  const by = (role: Role) => accounts.filter((account) => account.role === role).map((account) => account.stats());
  const present = (['input', 'batch', 'sink'] as const).map(by).filter((stages) => stages.length > 0);
  // Batches know their outcome from their holders, so a sink behind them is the same items once more.
  const flow =
    by('batch').length > 0 ? present.filter((stages) => stages !== present.at(-1) || by('sink').length === 0) : present;
  const chain = flow.map(sumStages);
  return {
    ...joinChain(chain),
    ...readGauges(accounts),
    stages: Object.fromEntries(accounts.map((a) => [a.stage, a.stats()])),
  };
}

const NOTHING: StageStats = Object.freeze({
  offered: 0,
  accepted: 0,
  refused: {},
  delivered: 0,
  possibleDuplicates: 0,
  rejected: 0,
  handedOn: 0,
  removed: 0,
  lost: {},
  pending: 0,
});

function sumStages(stages: readonly StageStats[]): StageStats {
  return stages.reduce(
    (sum, stage) => ({
      offered: sum.offered + stage.offered,
      accepted: sum.accepted + stage.accepted,
      refused: sumCounts(sum.refused, stage.refused),
      delivered: sum.delivered + stage.delivered,
      possibleDuplicates: sum.possibleDuplicates + stage.possibleDuplicates,
      rejected: sum.rejected + stage.rejected,
      handedOn: sum.handedOn + stage.handedOn,
      removed: sum.removed + stage.removed,
      lost: sumCounts(sum.lost, stage.lost),
      pending: sum.pending + stage.pending,
    }),
    NOTHING,
  );
}

/** Puts stages one behind the other: what one handed on is what the next was offered, but for what happened in between. */
function joinChain(chain: readonly StageStats[]): StageStats & { between: number } {
  const [first = NOTHING, ...rest] = chain;
  return rest.reduce<StageStats & { between: number }>(
    (whole, next) => ({
      ...sumStages([
        whole,
        { ...next, offered: 0, accepted: 0, refused: {}, lost: sumCounts(next.lost, next.refused) },
      ]),
      offered: whole.offered,
      accepted: whole.accepted,
      refused: whole.refused,
      handedOn: next.handedOn,
      between: whole.between + whole.handedOn - next.offered,
    }),
    { ...first, between: 0 },
  );
}

function readGauges(accounts: readonly Account[]): Omit<Stats, keyof StageStats | 'between' | 'stages'> {
  const sum = (read: (account: Account) => number) => accounts.reduce((whole, account) => whole + read(account), 0);
  return {
    queueSize: sum((account) => account.read('queueSize')),
    queueBytes: sum((account) => account.read('queueBytes')),
    memoryBytes: sum((account) => account.read('memoryBytes')),
    batchSize: Math.max(0, ...accounts.map((account) => account.read('batchSize'))),
    inFlight: sum((account) => account.read('inFlight')),
    attempts: sum((account) => account.attempts),
    retries: sum((account) => account.retries),
    callbackErrors: sum((account) => account.callbackErrors),
  };
}

function sumCounts(one: Counts, other: Counts): Counts {
  const sum: Partial<Record<LossReason, number>> = { ...one };
  for (const [reason, count] of Object.entries(other)) add(sum, reason as LossReason, count);
  return sum;
}
