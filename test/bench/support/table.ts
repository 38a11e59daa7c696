import { cpus } from 'node:os';
import { type CodecKey, codecBudgets } from '../budgets.ts';
import { columns } from './columns.ts';
import type { Figure } from './rounds.ts';

export interface Row {
  readonly what: string;
  /** Nanoseconds of CPU a span. */
  readonly ours: Figure;
  readonly against: string;
  readonly theirs: Figure;
  /** How many times ours is faster: in each process the median of its rounds. */
  readonly ratio: Figure;
  /** What the ratio is to reach. */
  readonly budget?: CodecKey | undefined;
}

export function machine(): string {
  return `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`;
}

export function tableOf(rows: readonly Row[]): string {
  const header = [
    'ns of CPU an item (half of the processes)',
    'spanflow',
    'against',
    '',
    'times faster',
    'bar',
    '',
    'aim',
    '',
  ];
  const cells = rows.map(({ what, ours, against, theirs, ratio, budget }) => [
    what,
    nanosText(ours),
    against,
    nanosText(theirs),
    `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)} … ${ratio.high.toFixed(2)})`,
    ...goals(ratio, budget),
  ]);
  const table = columns([header, ...cells], new Set([0, 2, 6, 8]));
  return [table, '', 'Why these bars and aims:', ...reasons(rows)].join('\n');
}

function goals(ratio: Figure, key: CodecKey | undefined): string[] {
  const { bar, aim } = key === undefined ? {} : codecBudgets[key];
  return [bar, aim].flatMap((goal) =>
    goal === undefined ? ['', ''] : [`≥ ${goal}`, ratio.median >= goal ? 'met' : 'missed'],
  );
}

/** Each once, at its first row. */
function reasons(rows: readonly Row[]): string[] {
  const seen = new Set<CodecKey>();
  return rows.flatMap(({ what, budget }) => {
    if (budget === undefined || seen.has(budget)) return [];
    seen.add(budget);
    return [`  ${what}: ${codecBudgets[budget].reason.replaceAll('\n', ' ')}`];
  });
}

function nanosText({ median, low, high }: Figure): string {
  return `${median.toFixed(0)} (${low.toFixed(0)} … ${high.toFixed(0)})`;
}
