import { adaptiveConcurrency, aimdConcurrency, type Concurrency, fixedConcurrency } from '../../../src/index.ts';
import { type Figures, mediansOf } from './figures.ts';
import type { Ranges, Scenario } from './scenarios.ts';
import { simulate } from './simulate.ts';

/** Who decides how many requests are in flight. */
export type Contestant = 'adaptive' | 'best fixed' | 'fixed 8' | 'AIMD';

export const CONTESTANTS: readonly Contestant[] = ['adaptive', 'best fixed', 'fixed 8', 'AIMD'];

/** The medians of a scenario over some seeds. */
export function tried(scenario: Scenario, seeds: number, whose: Contestant = 'adaptive'): Figures {
  const runs = Array.from({ length: seeds }, (_, seed) => simulate(scenario, concurrencyOf(scenario, whose), seed + 1));
  return mediansOf(runs);
}

function concurrencyOf({ bestLimit, fixedLimit, initialLimit = 1 }: Scenario, whose: Contestant): Concurrency {
  if (whose === 'best fixed') return fixedConcurrency(bestLimit);
  if (whose === 'fixed 8') return fixedConcurrency(8);
  if (whose === 'AIMD') return aimdConcurrency({ initialLimit });
  return fixedLimit === undefined ? adaptiveConcurrency({ initialLimit }) : fixedConcurrency(fixedLimit);
}

/** The figures that are outside their ranges, in words. */
export function outside(ranges: Ranges, figures: Figures): string[] {
  return (Object.keys(ranges) as (keyof Figures)[]).flatMap((name) => {
    const [min, max] = ranges[name] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const value = figures[name];
    return value >= min && value <= max ? [] : [`${name} is ${value}, and not from ${min} to ${max}`];
  });
}
