import { cpus } from 'node:os';
import { columns } from './columns.ts';
import type { Figure } from './rounds.ts';

export interface Row {
  readonly what: string;
  /** Nanoseconds of CPU a span. */
  readonly ours: Figure;
  readonly against: string;
  readonly theirs: Figure;
  /** How many times ours is faster, round by round. */
  readonly ratio: Figure;
}

export function machine(): string {
  return `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`;
}

export function tableOf(rows: readonly Row[]): string {
  const header = ['ns of CPU a span (half of the rounds)', 'spanflow', 'against', '', 'times faster'];
  const cells = rows.map(({ what, ours, against, theirs, ratio }) => [
    what,
    nanosText(ours),
    against,
    nanosText(theirs),
    `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)} … ${ratio.high.toFixed(2)})`,
  ]);
  return columns([header, ...cells], new Set([0, 2]));
}

function nanosText({ median, low, high }: Figure): string {
  return `${median.toFixed(0)} (${low.toFixed(0)} … ${high.toFixed(0)})`;
}
