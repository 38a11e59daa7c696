import type { Stats } from '../../ledger/stats.ts';
import type { StateBooks } from '../protocol.ts';

/** The books of the stages in a worker, as the main thread needs them. */
export function shardBooks(stats: Stats, items: number, unsent: number): StateBooks {
  const figures: Record<string, number> = {};
  for (const [stage, of] of Object.entries(stats.stages)) {
    for (const [name, count] of Object.entries(of.figures ?? {})) figures[`${stage}.${name}`] = count;
  }
  const books = { items, pendingItems: stats.pending, removed: stats.removed, lost: stats.lost, figures };
  return withUnsent(books, unsent);
}

/** The same, when so many more values could not be sent. */
export function withUnsent(books: StateBooks, unsent: number): StateBooks {
  if (unsent === 0) return books;
  const { operatorFailed = 0 } = books.lost;
  return { ...books, lost: { ...books.lost, operatorFailed: operatorFailed + unsent } };
}
