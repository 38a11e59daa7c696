import { columnsOf } from '../scenarios/table.ts';
import { SIGNALS } from './collector/configuration.ts';
import type { Finding } from './equality.ts';

/** A row for each way and a column for each signal, and below them a line for each difference. */
export function tableOf(findings: readonly Finding[]): string {
  const rows = [...Map.groupBy(findings, ({ way }) => way)].map(([way, ofWay]) => [
    way,
    ...SIGNALS.map((signal) => cellOf(ofWay.find((finding) => finding.signal === signal))),
  ]);
  const lines = findings.flatMap(({ way, signal, difference }) =>
    difference === undefined ? [] : [`${way}, ${signal}: ${difference}`],
  );
  const table = columnsOf([['', ...SIGNALS], ...rows], new Set([0, 1, 2, 3]));
  return [table, ...lines].join('\n\n');
}

function cellOf(finding: Finding | undefined): string {
  if (finding === undefined) return '–';
  return finding.difference === undefined ? `equal (${finding.items})` : 'DIFFERS';
}
