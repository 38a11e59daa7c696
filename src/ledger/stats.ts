import type { LossReason } from '../model/tally.ts';
import type { Account, Role } from './account.ts';
import { ExportBooks, type ExportStats } from './exports.ts';
import type { StageGauges, StageHealth } from './gauges.ts';
import { add, type Counts, type StageStats, total } from './stageStats.ts';

/** The books of a whole, or of one route through it. */
export interface FlowStats extends StageStats {
  /**
   * Items that left one of our stages and did not reach the next: what the user's operators in between filtered or still hold. Below zero
   * they made more of them. With it, `accepted = delivered + rejected + handedOn + removed + Σ lost + pending + between`.
   */
  readonly between: number;
}

/** The books of a pipeline: of the whole, of each route, and of each stage. */
export interface Stats extends FlowStats, StageGauges {
  /** Items in the queues of inputs, operators and batchers. */
  readonly queueSize: number;
  /** How many items these queues have room for, together. A queue may be full before that: by its own number, or by bytes. */
  readonly queueCapacity: number;
  /** Their estimated bytes, as far as they are estimated. */
  readonly queueBytes: number;
  /** The estimated memory, in bytes, of what waits in queues, or is out in batches without an outcome: this pipeline's part of its {@link memoryBudget}. */
  readonly memoryBytes: number;
  /** How many items make the next batch due. */
  readonly batchSize: number;
  /** Attempts in flight. */
  readonly inFlight: number;
  /** Attempts that were started. */
  readonly attempts: number;
  /** Of those, attempts that were not the first of their batch. */
  readonly retries: number;
  /** Batches that were exported, and attempts: how they went. */
  readonly exports: ExportStats;
  /** Exceptions of callbacks and strategies that were given to spanflow; the stream went on. */
  readonly callbackErrors: number;
  /** By stage. The key is that of `Loss.stage`, too. */
  readonly stages: Readonly<Record<string, StageStats & StageGauges & SinkStats & StageFigures>>;
  /** By route, where the flow fans out, or where one route was declared; empty where it does not. */
  readonly routes: Readonly<Record<string, FlowStats>>;
  /** Which stage follows which, in the order in which they were opened. The same array until a stage is opened, or turns out to stand elsewhere. */
  readonly places: readonly StagePlace[];
}

/** What the books of a stage say besides, if it exports. */
export interface SinkStats {
  /** How its exports went, from the first attempt on. */
  readonly exports?: ExportStats;
  /** How its destination is, while it runs. */
  readonly health?: StageHealth;
}

/** What a stage counts besides its books. */
export interface StageFigures {
  /** By name, from the first one on: of a sampler, how many items each of its policies has kept. They are derived figures, in no equation. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** Where one stage stands. */
export interface StagePlace {
  /** Its key in `stages`. */
  readonly stage: string;
  /** What it does. */
  readonly role: Role;
  /** The keys of the stages that it is offered the items of; empty for an input. */
  readonly follows: readonly string[];
  /** The route that it was declared to be on, behind a fan-out. */
  readonly route?: string;
}

/** Stages whose books make one flow. Of a stage in `untilEmitted`, only what happens before its batches leave. */
export interface Flow {
  readonly first: readonly Account[];
  readonly later: readonly Account[];
  /** Those of them that no other one follows. */
  readonly last: ReadonlySet<Account>;
  /** Operators between a batcher and its sinks: the batcher has counted their items as handed on. */
  readonly behindBatches: readonly Account[];
  readonly untilEmitted: ReadonlySet<Account>;
}

type Sums = { -readonly [Name in keyof FlowStats]: FlowStats[Name] } & {
  refused: Partial<Record<LossReason, number>>;
  lost: Partial<Record<LossReason, number>>;
};

/** Sums what the first stages let in and how it ended, from the stages that have booked the end. */
export function sumFlow(flow: Flow, books: ReadonlyMap<Account, StageStats>): FlowStats {
  const statsOf = (account: Account) =>
    flow.untilEmitted.has(account) ? account.statsUntilEmitted() : (books.get(account) as StageStats);
  const sums: Sums = {
    ...{ offered: 0, accepted: 0, refused: {}, delivered: 0, possibleDuplicates: 0, rejected: 0 },
    ...{ handedOn: 0, removed: 0, lost: {}, pending: 0, between: 0 },
  };
  for (const account of flow.first) {
    const stats = statsOf(account);
    sums.offered += stats.offered;
    sums.accepted += stats.accepted;
    addCounts(sums.refused, stats.refused);
    addEnds(sums, stats, flow.last.has(account));
  }
  for (const account of flow.later) {
    const stats = statsOf(account);
    sums.between -= stats.offered;
    addCounts(sums.lost, stats.refused);
    addEnds(sums, stats, flow.last.has(account));
  }
  for (const account of flow.behindBatches) {
    const stats = statsOf(account);
    sums.handedOn -= stats.pending + total(stats.refused) + total(stats.lost);
    sums.pending += stats.pending;
    addCounts(sums.lost, stats.refused);
    addCounts(sums.lost, stats.lost);
  }
  // A batch that is dropped while it is being emitted is still pending in its batcher.
  sums.pending += Math.min(0, sums.handedOn);
  sums.handedOn = Math.max(0, sums.handedOn);
  return sums;
}

/** What went on from the last stage is handed on; what went on from one before is offered to the next, or was dropped in between. */
function addEnds(sums: Sums, stats: StageStats, isLast: boolean): void {
  sums.delivered += stats.delivered;
  sums.possibleDuplicates += stats.possibleDuplicates;
  sums.rejected += stats.rejected;
  sums.removed += stats.removed;
  sums.pending += stats.pending;
  addCounts(sums.lost, stats.lost);
  if (isLast) sums.handedOn += stats.handedOn;
  else sums.between += stats.handedOn;
}

function addCounts(sum: Partial<Record<LossReason, number>>, counts: Counts): void {
  for (const reason in counts) add(sum, reason as LossReason, counts[reason as LossReason] as number);
}

/** The exports of all stages, added up. */
export function exportsOf(accounts: readonly Account[]): ExportBooks {
  const known = accounts.flatMap((account) => account.exports ?? []);
  const [only] = known;
  if (known.length === 1 && only !== undefined) return only;
  const all = new ExportBooks();
  for (const books of known) all.addAll(books);
  return all;
}

/** Attempts and errors of all stages: routes make no difference. */
export function countsOf(accounts: readonly Account[]): Pick<Stats, 'attempts' | 'retries' | 'callbackErrors'> {
  const counts = { attempts: 0, retries: 0, callbackErrors: 0 };
  for (const account of accounts) {
    counts.attempts += account.attempts;
    counts.retries += account.retries;
    counts.callbackErrors += account.callbackErrors;
  }
  return counts;
}
