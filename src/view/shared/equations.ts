import type { Stats } from '../../ledger/stats.ts';
import { sumOf } from './counts.ts';

/** One side by side with the other: `total = Σ terms`. */
export interface Equation {
  readonly total: readonly [name: string, count: number];
  readonly terms: readonly (readonly [name: string, count: number])[];
  readonly holds: boolean;
}

/** The two equations of the ledger, with their figures. Terms that explain themselves only where they are not 0 come only then. */
export function equationsOf(stats: Stats): [Equation, Equation] {
  const { offered, accepted, delivered, rejected, handedOn, removed, pending, between } = stats;
  const seldom = Object.entries({ rejected, handedOn, removed, between }).filter(([, count]) => count !== 0);
  return [
    equation(['offered', offered], ['accepted', accepted], ['refused', sumOf(stats.refused)]),
    equation(
      ['accepted', accepted],
      ['delivered', delivered],
      ...seldom,
      ['lost', sumOf(stats.lost)],
      ['pending', pending],
    ),
  ];
}

function equation(total: Equation['total'], ...terms: Equation['terms']): Equation {
  return { total, terms, holds: terms.reduce((sum, [, count]) => sum + count, 0) === total[1] };
}
