import { type Budget, type BudgetKey, budgets, type Goal } from '../budgets.ts';
import { columns } from './columns.ts';
import { type Figure, figureOf } from './rounds.ts';

/** One figure of ours, with what stands beside it. */
export interface Line {
  readonly key: BudgetKey | 'recorded';
  readonly what: string;
  readonly unit: string;
  readonly spanflow: Figure;
  readonly official?: Figure;
  /** What nothing can surpass: the table says what it is. */
  readonly limit?: Figure;
  /** Ours divided by theirs, round by round: what slows a whole round down leaves it alone. */
  readonly overOfficial?: Figure;
  readonly overLimit?: Figure;
}

/** The same figure of everybody in each round. */
export interface Values {
  readonly spanflow: readonly number[];
  readonly official?: readonly number[];
  readonly limit?: readonly number[];
}

export function lineOf(key: Line['key'], what: string, unit: string, values: Values): Line {
  const { spanflow, official, limit } = values;
  return {
    ...{ key, what, unit, spanflow: figureOf(spanflow) },
    ...(official && { official: figureOf(official), overOfficial: ratios(spanflow, official) }),
    ...(limit && { limit: figureOf(limit), overLimit: ratios(spanflow, limit) }),
  };
}

function ratios(ours: readonly number[], theirs: readonly number[]): Figure {
  return figureOf(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
}

/** Where what it is to be compared with is not there, nobody knows. */
export type Verdict = 'met' | 'missed' | 'unknown';

export function verdictOf(line: Line, goal: Goal): Verdict {
  const figure = line[goal.of];
  if (figure === undefined) return 'unknown';
  const { median } = figure;
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = goal;
  return median >= atLeast && median <= atMost ? 'met' : 'missed';
}

const HEADINGS = ['', 'spanflow', 'official', 'limit', 'to official', 'to limit', 'bar', '', 'aim', ''];

export function linesText(lines: readonly Line[]): string {
  return columns([HEADINGS, ...lines.map(cellsOf)], new Set([0, 6, 7, 8, 9]));
}

function cellsOf(line: Line): string[] {
  const budget: Partial<Budget> = line.key === 'recorded' ? {} : budgets[line.key];
  const goals = [budget.bar, budget.aim].flatMap((goal) =>
    goal === undefined ? ['', ''] : [goalText(goal), verdictOf(line, goal)],
  );
  return [
    `${line.what}, ${line.unit}`,
    ...[line.spanflow, line.official, line.limit].map((figure) => figureText(figure, rounded)),
    ...[line.overOfficial, line.overLimit].map((figure) => figureText(figure, rounded)),
    ...goals,
  ];
}

function goalText({ of, atLeast, atMost }: Goal): string {
  const limit = atLeast === undefined ? `≤ ${rounded(atMost ?? Number.NaN)}` : `≥ ${rounded(atLeast)}`;
  return { spanflow: limit, overOfficial: `${limit} × official`, overLimit: `${limit} × limit` }[of];
}

/** The median, and how far half of the rounds lie from it. */
export function figureText(figure: Figure | undefined, text: (value: number) => string): string {
  if (figure === undefined) return '';
  const spread = (figure.high - figure.low) / 2;
  return spread === 0 ? text(figure.median) : `${text(figure.median)} ±${text(spread)}`;
}

/** Three digits are more than such figures are worth. */
export function rounded(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${digits(value / 1e6)} M`;
  return size >= 1e4 ? `${digits(value / 1e3)} k` : digits(value);
}

function digits(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 1 ? 2 : 20 });
}
