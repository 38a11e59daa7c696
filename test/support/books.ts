import type { StageStats, Stats } from '../../src/index.ts';
import { total } from '../../src/ledger/stageStats.ts';

/** The equations that hold at every instant, of each stage, each route and the whole: those that do not. */
export function brokenBooks(stats: Stats): string[] {
  return [
    ...Object.entries(stats.stages).flatMap(([stage, books]) => broken(stage, books, 0)),
    ...Object.entries(stats.routes).flatMap(([route, books]) => broken(route, books, books.between)),
    ...broken('the whole', stats, stats.between),
  ];
}

function broken(stage: string, books: StageStats, between: number): string[] {
  const letIn = books.accepted + total(books.refused);
  const ended = books.delivered + books.rejected + books.handedOn + books.removed + total(books.lost);
  const accounted = ended + books.pending + between;
  return [
    ...(books.offered === letIn ? [] : [`${stage}: offered ${books.offered}, accepted and refused ${letIn}`]),
    ...(books.accepted === accounted ? [] : [`${stage}: accepted ${books.accepted}, accounted for ${accounted}`]),
    ...(books.pending >= 0 ? [] : [`${stage}: ${books.pending} pending`]),
  ];
}
