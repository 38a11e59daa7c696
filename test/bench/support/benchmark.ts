import { parseArgs } from 'node:util';
import { dataFolder } from '../../support/data.ts';
import { budgets } from '../budgets.ts';
import { type Line, linesText } from './line.ts';
import { machine } from './table.ts';

export interface BenchOptions {
  /** Each once, and only for a moment: to see that it works, not how fast. */
  readonly brief: boolean;
  /** Where CPU profiles are to be written, if they are wanted. */
  readonly profile?: string | undefined;
  /** As large as it is meant to be, where the usual size is smaller. */
  readonly whole?: boolean;
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

/** A report of any shape, as data and as text. */
export interface Found {
  readonly data: unknown;
  readonly text: string;
  /** Those that have budgets. */
  readonly lines?: readonly Line[];
}

export type Benchmark = (options: BenchOptions) => Promise<Found>;

export async function found(reporting: Promise<Report>): Promise<Found> {
  const report = await reporting;
  return { data: report, text: reportText(report), lines: report.lines };
}

function reportText({ title, settings, lines, notes, accounts }: Report): string {
  const lost = accounts.filter(({ offered, taken }) => taken !== offered);
  const losses = lost.map(({ who, what, offered, taken }) => `${what}, ${who}: of ${offered} spans ${taken} arrived`);
  const whole =
    accounts.length === 0 ? [] : [lost.length === 0 ? 'Nothing was lost.' : ['Lost:', ...losses].join('\n  ')];
  return [`── ${title}`, ...settings.map((line) => `   ${line}`), '', linesText(lines), '', ...notes, ...whole].join(
    '\n',
  );
}

/** Why the bars and aims are where they are, for the lines that have some. */
function reasonsOf(lines: readonly Line[]): string[] {
  return lines.flatMap(({ key, what, unit }) =>
    key === 'recorded' ? [] : [`${what}, ${unit}: ${budgets[key].reason.replaceAll('\n', ' ')}`],
  );
}

/** Runs benchmarks, one after the other or those that were named, and prints what they found out. */
export async function show(benchmarks: Readonly<Record<string, Benchmark>>): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...{ brief: { type: 'boolean' }, json: { type: 'boolean' }, whole: { type: 'boolean' } },
      ...{ only: { type: 'string' }, profile: { type: 'string' } },
    },
  });
  const options = { brief: values.brief ?? false, profile: values.profile, whole: values.whole ?? false };
  const data = dataFolder() === undefined ? 'generated spans' : 'recorded and generated spans';
  const all: Record<string, Found> = {};
  if (!values.json) console.log(`${machine()}; ${data}${options.brief ? `; ${BRIEFLY}` : ''}\n`);
  for (const [name, benchmark] of chosen(benchmarks, values.only)) {
    const result = await benchmark(options);
    all[name] = result;
    if (!values.json) console.log(`${result.text}\n`);
  }
  if (values.json) {
    const results = Object.fromEntries(Object.entries(all).map(([name, result]) => [name, result.data]));
    console.log(JSON.stringify({ machine: machine(), data, ...options, ...results }, undefined, 2));
    return;
  }
  const reasons = reasonsOf(Object.values(all).flatMap(({ lines = [] }) => lines));
  if (reasons.length > 0) console.log(['Why these bars and aims:', ...reasons].join('\n  '));
}

const BRIEFLY = 'each once and only for a moment, which says that it works, and not how fast';

/** They take as long as all the others together. */
const ONLY_WHEN_NAMED: ReadonlySet<string> = new Set(['specification']);

function chosen(benchmarks: Readonly<Record<string, Benchmark>>, only: string | undefined): [string, Benchmark][] {
  const known = Object.keys(benchmarks);
  const names = only?.split(',') ?? known.filter((name) => !ONLY_WHEN_NAMED.has(name));
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new RangeError(`--only takes ${known.join(', ')}, and this is ${unknown}`);
  return Object.entries(benchmarks).filter(([name]) => names.includes(name));
}
