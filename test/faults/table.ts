import { endsOf, type Protocol, type Row } from './row.ts';

/** The rows as a table of Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => `| ${row.name} | ${cellOf(row, 'http')} | ${cellOf(row, 'grpc')} |`);
  return ['| fault | `otlpHttp` | `otlpGrpc` |', '|---|---|---|', ...lines].join('\n');
}

function cellOf(row: Row, protocol: Protocol): string {
  const fault = row[protocol];
  if (typeof fault === 'string') return `– (${fault})`;
  const isFinal = row.isFinal?.includes(protocol) ? ', and not tried again' : '';
  return `${endsOf(row, protocol).join(' or ')}${isFinal}`;
}
