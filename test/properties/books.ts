import { expect } from 'vitest';
import type { Ledger, StageStats } from '../../src/index.ts';
import { total } from '../../src/ledger/stageStats.ts';

/** Every equation that has to hold at every instant. */
export function checkBooks(ledger: Pick<Ledger, 'stats'>): void {
  const stats = ledger.stats();
  for (const [stage, books] of Object.entries(stats.stages)) checkStage(stage, books, 0);
  for (const [route, books] of Object.entries(stats.routes)) checkStage(route, books, books.between);
  checkStage('the whole', stats, stats.between);
}

function checkStage(stage: string, books: StageStats, between: number): void {
  expect(books.offered, `${stage}: offered`).toBe(books.accepted + total(books.refused));
  const ended = books.delivered + books.rejected + books.handedOn + books.removed + total(books.lost);
  expect(books.accepted, `${stage}: accepted`).toBe(ended + books.pending + between);
  expect(books.pending, `${stage}: pending`).toBeGreaterThanOrEqual(0);
}
