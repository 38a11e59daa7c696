import { columnsOf } from '../scenarios/table.ts';
import { SIGNALS } from './collector/configuration.ts';
import type { Finding } from './equality.ts';
import { BOTH, type Protocol } from './refusals.ts';

/** What became of a refusal over one protocol. */
export interface RefusalFinding {
  readonly says: string;
  readonly protocol: Protocol;
  /** What of it is not as it should be, or `undefined`. */
  readonly wrong: string | undefined;
}

const TITLES: Readonly<Record<Protocol, string>> = { http: 'HTTP', grpc: 'gRPC' };

/** A row for each way and a column for each signal, and below them a line for each difference. */
export function tableOf(title: string, findings: readonly Finding[]): string {
  const cells = findings.map(({ way, signal, items, difference }) => {
    return { row: way, column: signal, is: `equal (${items})`, not: difference };
  });
  return tableOfCells(title, SIGNALS, cells);
}

/** A row for each refusal and a column for each protocol, and below them a line for each that does not end as it should. */
export function refusalTableOf(findings: readonly RefusalFinding[]): string {
  const cells = findings.map(({ says, protocol, wrong }) => {
    return { row: says, column: TITLES[protocol], is: 'yes', not: wrong };
  });
  const columns = BOTH.map((protocol) => TITLES[protocol]);
  return tableOfCells('what the Collector refuses, and what has to become of it', columns, cells);
}

interface Cell {
  readonly row: string;
  readonly column: string;
  readonly is: string;
  readonly not: string | undefined;
}

function tableOfCells(title: string, columns: readonly string[], cells: readonly Cell[]): string {
  const rows = [...Map.groupBy(cells, ({ row }) => row)].map(([row, inRow]) => [
    row,
    ...columns.map((column) => shown(inRow.find((cell) => cell.column === column))),
  ]);
  const lines = cells.flatMap(({ row, column, not }) => (not === undefined ? [] : [`${row}, ${column}: ${not}`]));
  const left = new Set(Array.from({ length: columns.length + 1 }, (_, column) => column));
  return [columnsOf([[title, ...columns], ...rows], left), ...lines].join('\n\n');
}

function shown(cell: Cell | undefined): string {
  if (cell === undefined) return '–';
  return cell.not === undefined ? cell.is : 'NO';
}
