import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OTLP_FETCH_DEFAULTS } from '../../src/sinks/otlpFetch/options.ts';
import { OTLP_GRPC_DEFAULTS } from '../../src/sinks/otlpGrpc/options.ts';
import { OTLP_HTTP_DEFAULTS } from '../../src/sinks/otlpHttp/options.ts';

const SINKS = { otlpHttp: OTLP_HTTP_DEFAULTS, otlpGrpc: OTLP_GRPC_DEFAULTS, otlpFetch: OTLP_FETCH_DEFAULTS };
const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'src', 'sinks', 'README.md'), 'utf8');

/** The cells of the table of options, without its head. */
const rows = [...PAGE.matchAll(/^\| `(\w+)` \| (yes|no) \| (yes|no) \| (yes|no) \| (.*)\|$/gm)].map(
  ([, option = '', http, grpc, fetch, why = '']) => ({ option, has: [http, grpc, fetch], why: why.trim() }),
);

it('says for each option which of the sinks have it', () => {
  const options = [...new Set(Object.values(SINKS).flatMap((defaults) => Object.keys(defaults)))];
  const has = (option: string) => Object.values(SINKS).map((defaults) => (option in defaults ? 'yes' : 'no'));
  const byName = (one: { option: string }, other: { option: string }) => one.option.localeCompare(other.option);
  const written = rows.map(({ option, has: cells }) => ({ option, has: cells }));
  expect(written.sort(byName)).toEqual(options.map((option) => ({ option, has: has(option) })).sort(byName));
});

it('says why one of them lacks it', () => {
  const unexplained = rows.filter(({ has, why }) => has.includes('no') && why === '');
  expect([rows.length > 10, unexplained]).toEqual([true, []]);
});
