import type { Result } from './compare.ts';

const HEADINGS = ['', 'scenario', 'who', 'sent', 'delivered', '', 'twice', 'refused', 'each', 'took'];
const LEFT = new Set([0, 1, 2]);

/** One line for each result, in columns. */
export function tableOf(results: readonly Result[]): string {
  return columnsOf([HEADINGS, ...results.map(rowOf)], LEFT);
}

/** Cells in columns, as wide as their widest cell. */
export function columnsOf(rows: readonly (readonly string[])[], left: ReadonlySet<number>): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number) =>
    left.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

function rowOf({ scenario, whose, spans, duplicates, requests, refused, seconds }: Result): string[] {
  const sent = scenario.traffic.spans;
  return [
    ...[scenario.key, scenario.title, whose, counted(sent), counted(spans)],
    ...[`${percentOf(spans, sent)} %`, counted(duplicates), counted(refused)],
    ...[requestsForEach(requests, refused), `${seconds.toFixed(1)} s`],
  ];
}

function counted(count: number): string {
  return count.toLocaleString('en');
}

/** Requests for each one that delivered its batch. */
function requestsForEach(requests: number, refused: number): string {
  return requests === 0 ? '-' : ((requests + refused) / requests).toFixed(2);
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
