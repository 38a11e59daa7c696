import { parseArgs } from 'node:util';
import { budgets } from '../budgets.ts';
import { type Line, linesText } from './line.ts';
import { machine } from './table.ts';

export interface BenchOptions {
  /** Each once, and only for a moment: to see that it works, not how fast. */
  readonly brief: boolean;
  /** Where CPU profiles are to be written, if they are wanted. */
  readonly profile?: string | undefined;
}

/** What somebody offered, and what the backend took of it, over a whole run. */
export interface Account {
  readonly who: string;
  readonly what: string;
  readonly offered: number;
  readonly taken: number;
}

/** What a benchmark found out. */
export interface Report {
  readonly title: string;
  /** Who ran with which settings, on which data. */
  readonly settings: readonly string[];
  readonly lines: readonly Line[];
  /** What belongs to the lines, and is in none of them. */
  readonly notes: readonly string[];
  readonly accounts: readonly Account[];
}

export type Benchmark = (options: BenchOptions) => Promise<Report>;

export function reportText({ title, settings, lines, notes, accounts }: Report): string {
  const lost = accounts.filter(({ offered, taken }) => taken !== offered);
  const losses = lost.map(({ who, what, offered, taken }) => `${what}, ${who}: of ${offered} spans ${taken} arrived`);
  const whole =
    accounts.length === 0 ? [] : [lost.length === 0 ? 'Nothing was lost.' : ['Lost:', ...losses].join('\n  ')];
  return [`── ${title}`, ...settings.map((line) => `   ${line}`), '', linesText(lines), '', ...notes, ...whole].join(
    '\n',
  );
}

/** Why the bars and aims are where they are, for the lines that have some. */
export function reasonsText(lines: readonly Line[]): string {
  const reasons = lines.flatMap(({ key, what, unit }) =>
    key === 'recorded' ? [] : [`${what}, ${unit}: ${budgets[key].reason.replaceAll('\n', ' ')}`],
  );
  return ['Why these bars and aims:', ...reasons].join('\n  ');
}

/** Runs benchmarks, one after the other or those that were named, and prints what they found out. */
export async function show(benchmarks: Readonly<Record<string, Benchmark>>): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...{ brief: { type: 'boolean' }, json: { type: 'boolean' } },
      ...{ only: { type: 'string' }, profile: { type: 'string' } },
    },
  });
  const options = { brief: values.brief ?? false, profile: values.profile };
  const reports: Report[] = [];
  if (!values.json) console.log(`${machine()}${options.brief ? `; ${BRIEFLY}` : ''}\n`);
  for (const benchmark of chosen(benchmarks, values.only)) {
    const report = await benchmark(options);
    reports.push(report);
    if (!values.json) console.log(`${reportText(report)}\n`);
  }
  if (values.json) console.log(JSON.stringify({ machine: machine(), ...options, reports }, undefined, 2));
  else console.log(reasonsText(reports.flatMap(({ lines }) => lines)));
}

const BRIEFLY = 'each once and only for a moment, which says that it works, and not how fast';

function chosen(benchmarks: Readonly<Record<string, Benchmark>>, only: string | undefined): readonly Benchmark[] {
  const names = only?.split(',') ?? Object.keys(benchmarks);
  return names.map((name) => {
    const benchmark = benchmarks[name];
    if (benchmark !== undefined) return benchmark;
    throw new RangeError(`--only takes ${Object.keys(benchmarks).join(', ')}, and this is ${name}`);
  });
}
