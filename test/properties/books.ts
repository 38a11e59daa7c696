import { expect } from 'vitest';
import type { Ledger } from '../../src/index.ts';
import { brokenBooks } from '../support/books.ts';

/** Every equation that has to hold at every instant. */
export function checkBooks(ledger: Pick<Ledger, 'stats'>): void {
  expect(brokenBooks(ledger.stats())).toEqual([]);
}
