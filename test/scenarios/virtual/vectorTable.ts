import { readFileSync } from 'node:fs';
import { dataFile } from '../../support/data.ts';
import type { Figures } from './figures.ts';
import type { Ranges } from './scenarios.ts';

type Statistics = Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>>;

interface Table {
  readonly scenarios: Readonly<Record<string, { readonly stats: Statistics; readonly controller: Statistics }>>;
}

/** What Vector's table calls our figures, and the factor to our unit. */
const NAMES: readonly (readonly [group: 'stats' | 'controller', name: string, ours: string, factor: number])[] = [
  ['stats', 'in_flight', 'serving', 1],
  ['stats', 'rate', 'rate', 1],
  ['controller', 'in_flight', 'inFlight', 1],
  ['controller', 'concurrency_limit', 'limit', 1],
  ['controller', 'observed_rtt', 'roundTrip', 1_000],
];

const SUFFIXES = { min: 'Min', max: 'Max', mean: 'Mean', mode: 'Mode' } as const;

/** The ranges of Vector's own tests by scenario, from the data beside the project; `undefined`, once loudly, where it is absent. */
export function vectorTable(): Readonly<Record<string, Ranges>> | undefined {
  const path = dataFile('tables/vector_arc_scenarios.json', 'our own ranges are tested, and NOT those of Vector');
  if (path === undefined) return undefined;
  const { scenarios }: Table = JSON.parse(readFileSync(path, 'utf8'));
  return Object.fromEntries(
    Object.entries(scenarios).map(([name, { stats, controller }]) => [name, rangesOf({ stats, controller })]),
  );
}

function rangesOf(groups: { readonly stats: Statistics; readonly controller: Statistics }): Ranges {
  const ranges: Record<string, readonly [number, number]> = {};
  for (const [group, name, ours, factor] of NAMES)
    for (const [statistic, [min, max]] of Object.entries(groups[group][name] ?? {}))
      ranges[`${ours}${SUFFIXES[statistic as keyof typeof SUFFIXES]}`] = [min * factor, max * factor];
  return ranges as { [K in keyof Figures]?: readonly [number, number] };
}
