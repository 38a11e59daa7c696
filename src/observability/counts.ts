import type { Account } from '../ledger/account.ts';
import type { Counts } from '../ledger/stageStats.ts';
import type { LossReason } from '../model/tally.ts';
import { errorTypeOf, REJECTED } from './conventions.ts';

/** Items by `error.type`; those that did not fail under `undefined`. */
export type CountsByError = ReadonlyMap<string | undefined, number>;

/** What exporting has finished with. What a sink has left out on purpose, or has written to its disk, has not failed. */
export function exportedBy(exporter: Account): CountsByError {
  const { delivered, handedOn, removed, rejected, lost, refused } = exporter.stats();
  const counts = new Map<string | undefined, number>([[undefined, delivered + handedOn + removed]]);
  add(counts, REJECTED, rejected);
  addAll(counts, lost);
  addAll(counts, refused);
  return counts;
}

/** What processing has finished with: what exporters were given, whatever has become of it, and what was lost in front of them. */
export function processedBy(stages: readonly Account[], exporters: Iterable<Account>): CountsByError {
  let given = 0;
  for (const { offered } of exporters) given += offered;
  const counts = new Map<string | undefined, number>([[undefined, given]]);
  for (const stage of stages) {
    const { refused, lost } = stage.stats();
    addAll(counts, refused);
    addAll(counts, stage.lostHere);
    // A batch that no exporter was given. Other losses of batches that had left are those of the exporter.
    if (stage.role === 'batch') add(counts, errorTypeOf('operatorFailed'), lost.operatorFailed ?? 0);
  }
  return counts;
}

function addAll(counts: Map<string | undefined, number>, by: Counts): void {
  for (const reason in by) add(counts, errorTypeOf(reason), by[reason as LossReason] ?? 0);
}

function add(counts: Map<string | undefined, number>, errorType: string, count: number): void {
  if (count > 0) counts.set(errorType, (counts.get(errorType) ?? 0) + count);
}
