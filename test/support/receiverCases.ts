// What the authors of other receivers wrote down about requests over HTTP, recorded beside the project; its equivalents where that is absent.

import { readFileSync } from 'node:fs';
import { dataFile } from './data.ts';

/** A request, or a situation of which only the name says what it is, and what a receiver answers. */
export interface ReceiverCase {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly body?: string;
  /** Of an attribute, in JSON. */
  readonly anyValue?: unknown;
  /** A status, or a sentence. */
  readonly expect?: number | string;
  readonly retryAfter?: string | null;
  readonly responseContentType?: string;
  /** From codes of gRPC to statuses. */
  readonly map?: Readonly<Record<string, number>>;
}

/** By kind of field, JSON text and whether it is refused (`ERR`) or what it means. */
export type ScalarRules = Readonly<Record<string, readonly (readonly [text: string, meaning: unknown])[]>>;

export function receiverCases(): readonly ReceiverCase[] {
  const file = dataFile('hostile/otlp_http_receiver_cases.json', 'BUILT-IN equivalents are tested instead');
  if (file === undefined) return BUILT_IN;
  return (JSON.parse(readFileSync(file, 'utf8')) as { cases: ReceiverCase[] }).cases;
}

export function scalarRules(): ScalarRules {
  const file = dataFile('hostile/json_scalar_cases.json', 'BUILT-IN equivalents are tested instead');
  if (file === undefined) return BUILT_IN_SCALARS;
  return (JSON.parse(readFileSync(file, 'utf8')) as { rules: ScalarRules }).rules;
}

/** A body that every receiver takes. */
export const VALID_BODY = 'valid GenerateTraces(2)';

const valid = { method: 'POST', path: '/v1/traces', body: VALID_BODY, expect: 200 } as const;
const posted = { method: 'POST', path: '/v1/traces' } as const;

const BUILT_IN: readonly ReceiverCase[] = [
  ...['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON', 'application/x-protobuf'].flatMap(
    (contentType) =>
      ['', 'gzip', 'zstd'].map((contentEncoding) => ({
        ...{ ...valid, contentType, contentEncoding, name: `${contentType} ${contentEncoding}` },
        responseContentType: 'same media type without parameters',
      })),
  ),
  { ...posted, name: "content type ''", contentType: '', body: '1234', expect: 415 },
  { ...posted, name: 'invalid request', contentType: 'application/json', body: '1234', expect: 400 },
  { name: 'wrong method', method: 'GET', path: '/v1/traces', contentType: 'application/json', expect: 405 },
  { ...posted, name: 'no gzip', contentType: 'application/json', contentEncoding: 'gzip', body: '{}', expect: 400 },
  { name: 'consumer fails: retryable error', expect: 503 },
  { name: 'consumer fails: status InvalidArgument', expect: 400 },
  { name: 'ResourceExhausted + RetryInfo 13s', expect: 429, retryAfter: '13' },
  { name: 'MaxRequestBodySize == len(body)', expect: 200 },
  { name: 'MaxRequestBodySize == len(body)-1', expect: 400 },
  { name: 'AnyValue container', anyValue: { arrayValue: { values: 'not-an-array' } }, expect: 400 },
  { name: 'AnyValue container', anyValue: { kvlistValue: {} }, expect: '2xx, value kept as empty kvlist' },
  { name: 'unknown path /v1/invalid', path: '/v1/invalid', expect: 404 },
];

const BUILT_IN_SCALARS: ScalarRules = {
  'int32/int64': [
    ['1', 1],
    ['"-1"', -1],
    ['"3.f14"', 'ERR'],
    ['true', 'ERR'],
  ],
  'uint32/uint64': [
    ['"1"', 1],
    ['-1', 'ERR'],
  ],
  double: [
    ['"3.14"', 3.14],
    ['"NaN"', 'NaN'],
    ['true', 'ERR'],
  ],
  enum: [
    ['1', 'ok'],
    ['"baz" (unknown name)', 'ERR'],
  ],
  ids: [
    ['"--"', 'ERR'],
    ['"" ', 'empty'],
  ],
  'unknown fields': [
    ['{"resourceSpans":[],"unexpected":"value"}', 'ignored by default'],
    ['{"extra":"", "resourceSpans": "extra"}', 'ERR'],
  ],
};
