import { columnsOf } from '../table.ts';
import type { Figures } from './figures.ts';
import { OWN_SCENARIOS, type Scenario, VECTOR_SCENARIOS } from './scenarios.ts';
import { CONTESTANTS, type Contestant, outside, tried } from './tried.ts';

const HEADINGS = [
  ...['scenario', 'limit', 'requests/s', 'attempts', 'wasted', 'refused/s'],
  ...['limit', 'max', 'round trip', 'max', 'lost', ''],
];

/** What stands beside ours takes no more: its figures hardly differ from run to run. */
export const OTHERS_SEEDS = 5;

/** What `npm run scenarios -- --only virtual` prints, and whether ours is within its ranges everywhere. */
export function virtualTable(seeds: number): { readonly text: string; readonly isFine: boolean } {
  const rows: string[][] = [HEADINGS];
  let isFine = true;
  for (const scenario of [...VECTOR_SCENARIOS, ...OWN_SCENARIOS])
    for (const whose of contestantsOf(scenario)) {
      const medians = tried(scenario, whose === 'adaptive' ? seeds : Math.min(seeds, OTHERS_SEEDS), whose);
      const mistakes = whose === 'adaptive' ? outside(scenario.ranges, medians) : [];
      if (mistakes.length > 0) isFine = false;
      rows.push(rowOf(scenario, whose, medians, mistakes));
    }
  return { text: columnsOf(rows, new Set([0, 1, HEADINGS.length - 1])), isFine };
}

/** Where the limit is part of the scenario, there is nothing to compare. */
function contestantsOf({ fixedLimit }: Scenario): readonly Contestant[] {
  return fixedLimit === undefined ? CONTESTANTS : ['adaptive'];
}

function rowOf(scenario: Scenario, whose: Contestant, figures: Figures, mistakes: readonly string[]): string[] {
  const { attemptsPerRequest, limitMax, limitMean, lostItems, perSecond, refusedPerSecond } = figures;
  return [
    ...[scenario.name, nameOf(scenario, whose), perSecond.toFixed(1), attemptsPerRequest.toFixed(2)],
    ...[`${(100 * figures.wastedRatio).toFixed(1)} %`, refusedPerSecond.toFixed(1)],
    ...[limitMean.toFixed(1), limitMax.toFixed(0)],
    ...[`${figures.roundTripMean.toFixed(0)} ms`, `${figures.roundTripMax.toFixed(0)} ms`],
    ...[lostItems.toLocaleString('en'), mistakes.join('; ')],
  ];
}

function nameOf({ bestLimit, fixedLimit }: Scenario, whose: Contestant): string {
  if (whose === 'best fixed') return `fixed ${bestLimit}, the best`;
  return whose === 'adaptive' && fixedLimit !== undefined ? `fixed ${fixedLimit}` : whose;
}
