import { lossesOf } from '../../ledger/losses.ts';
import { add, type Counts } from '../../ledger/stageStats.ts';
import type { FlowStats, Stats } from '../../ledger/stats.ts';
import type { LossReason } from '../../model/tally.ts';
import type { Shutdown, ShutdownReport } from './options.ts';

type Report = Awaited<ReturnType<Shutdown>>;

/** The difference between the books at the beginning and at the end. */
export function shutdownReport(before: Stats, after: Stats, elapsedMillis: number, spooled?: number): Report {
  const report: ShutdownReport = {
    delivered: after.delivered - before.delivered,
    rejected: after.rejected - before.rejected,
    ...(spooled !== undefined && { spooled }),
    lost: lostOnAnyRoute(before, after),
    elapsedMillis,
  };
  return report as Report;
}

/** A route that has lost more before than another one must not hide what that one loses now: the differences are compared, not the sums. */
function lostOnAnyRoute(before: Stats, after: Stats): Counts {
  const most = lostBetween(before, after);
  for (const [name, route] of Object.entries(after.routes)) {
    for (const [reason, count] of Object.entries(lostBetween(before.routes[name], route)))
      add(most, reason as LossReason, count - (most[reason as LossReason] ?? 0));
  }
  return most;
}

function lostBetween(before: FlowStats | undefined, after: FlowStats): Partial<Record<LossReason, number>> {
  const old = before === undefined ? {} : lossesOf(before);
  const lost: Partial<Record<LossReason, number>> = {};
  for (const [reason, count] of Object.entries(lossesOf(after)))
    add(lost, reason as LossReason, count - (old[reason as LossReason] ?? 0));
  return lost;
}
