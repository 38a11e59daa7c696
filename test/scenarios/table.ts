import type { Result } from './compare.ts';

const HEADINGS = ['', 'scenario', 'who', 'sent', 'delivered', '', 'twice', 'refused', 'took'];
const LEFT = new Set([0, 1, 2]);

/** One line for each result, in columns. */
export function tableOf(results: readonly Result[]): string {
  const rows = [HEADINGS, ...results.map(rowOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => padded(cell, column, widths[column] ?? 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

function rowOf({ scenario, whose, spans, duplicates, refused, seconds }: Result): string[] {
  const sent = scenario.traffic.spans;
  return [
    ...[scenario.key, scenario.title, whose, counted(sent), counted(spans)],
    ...[`${percentOf(spans, sent)} %`, counted(duplicates), counted(refused), `${seconds.toFixed(1)} s`],
  ];
}

function padded(cell: string, column: number, width: number): string {
  return LEFT.has(column) ? cell.padEnd(width) : cell.padStart(width);
}

function counted(count: number): string {
  return count.toLocaleString('en');
}

/** Rounded down: 100.0 means all. */
function percentOf(part: number, whole: number): string {
  return (Math.floor((part / whole) * 1_000) / 10).toFixed(1);
}

/** Whether everything that was sent through spanflow has arrived. */
export function isWhole(results: readonly Result[]): boolean {
  const ours = results.filter(({ whose }) => whose === 'spanflow');
  return ours.length > 0 && ours.every(({ scenario, spans }) => spans === scenario.traffic.spans);
}
