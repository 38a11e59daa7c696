// What other exporters' authors wrote down about statuses, recorded beside the project; its equivalents where that is absent.

import { existsSync, readFileSync } from 'node:fs';
import { dataFolder } from './data.ts';

export interface StatusCase {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A sentence that begins with `permanent`, `retryable`, `throttle` or `retry after`. */
  readonly expect: string;
}

export interface SinkResponseCases {
  readonly collector: { readonly cases: readonly StatusCase[] };
  readonly js: { readonly tables: readonly JsTable[] };
}

export type JsTable =
  | { readonly fn: 'parseRetryAfter'; readonly now: string; readonly cases: readonly (readonly [RetryAfter, Millis])[] }
  | { readonly fn: 'isRetryable'; readonly true: readonly number[]; readonly false: readonly number[] };

type RetryAfter = string | null;
type Millis = number | null;

export function sinkResponseCases(): SinkResponseCases {
  const path = `${dataFolder() ?? ''}/tables/sink_response_cases.json`;
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as SinkResponseCases;
  console.warn('NO RECORDED TABLE of sink responses: its BUILT-IN equivalents are tested instead.');
  return BUILT_IN;
}

const BUILT_IN: SinkResponseCases = {
  collector: {
    cases: [
      ...[400, 402, 404, 405, 413, 414, 431, 500].map((status) => ({ status, expect: 'permanent' })),
      ...[429, 502, 503, 504].map((status) => ({ status, expect: 'retryable' })),
      { status: 429, headers: { 'Retry-After': 'Mon, 10 Feb 2025 15:04:05 GMT' }, expect: 'throttle, in the past' },
      { status: 429, headers: { 'Retry-After': 'Malformed' }, expect: 'retryable' },
      { status: 503, headers: { 'Retry-After': '30' }, expect: 'retry after 30 s' },
    ],
  },
  js: {
    tables: [
      {
        fn: 'parseRetryAfter',
        now: '2023-01-20T00:00:00.000Z',
        cases: [
          [null, null],
          ['-100', -1],
          ['1000', 1_000_000],
          ['Fri, 20 Jan 2023 00:00:01 GMT', 1_000],
          ['Fri, 19 Jan 2023 23:59:59 GMT', 0],
        ],
      },
      { fn: 'isRetryable', true: [429, 502, 503, 504], false: [200, 201, 400, 401, 404, 500] },
    ],
  },
};
