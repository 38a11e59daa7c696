import type { IncomingMessage } from 'node:http';
import type { SignalName } from '../../../model/signal.ts';
import { SIGNAL_NAMES } from '../../../otlp/signals.ts';
import type { Format } from '../readRequest.ts';
import { RECEIVED } from '../signals.ts';
import { malformed, type Verdict } from '../verdict.ts';
import { CODINGS, type Coding } from './codings.ts';

/** What a request is, by its head. */
export interface Route {
  readonly signal: SignalName;
  readonly format: Format;
  readonly coding: Coding | undefined;
  /** `undefined` where the sender does not say. */
  readonly contentLength: number | undefined;
}

const FORMATS: Readonly<Record<string, Format>> = {
  'application/x-protobuf': 'protobuf',
  'application/json': 'json',
};

/** The format that the request names, and in which it is answered; `undefined` for another. */
export function formatOf({ headers }: Pick<IncomingMessage, 'headers'>): Format | undefined {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  return lookUp(FORMATS, type.trim().toLowerCase());
}

/** What the request is, or why there is no such request. */
export function routeOf(request: Pick<IncomingMessage, 'headers' | 'method' | 'url'>): Route | Verdict {
  const { headers, method } = request;
  const [path] = (request.url ?? '').split('?', 1);
  const signal = SIGNAL_NAMES.find((name) => RECEIVED[name].path === path);
  const format = formatOf(request);
  const named = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (signal === undefined) return { status: 404, code: 5, message: `there is nothing here; ${paths()}` };
  if (method !== 'POST') return { status: 405, code: 12, message: 'requests are sent by POST' };
  if (format === undefined)
    return { status: 415, code: 3, message: `the content type has to be ${Object.keys(FORMATS).join(' or ')}` };
  const coding = lookUp(CODINGS, named);
  if (coding === undefined && named !== 'identity')
    return { status: 415, code: 3, message: `the content encoding has to be ${Object.keys(CODINGS).join(', ')}` };
  const { 'content-length': length } = headers;
  return { signal, format, coding, contentLength: length === undefined ? undefined : Number(length) };
}

export function isVerdict(found: object): found is Verdict {
  return 'status' in found;
}

export const emptyCompressed = malformed('the body is empty, and was to be compressed');

function paths(): string {
  return `requests go to ${SIGNAL_NAMES.map((name) => RECEIVED[name].path).join(', ')}`;
}

/** Names come from outside: `constructor` is none of ours. */
function lookUp<V>(table: Readonly<Record<string, V>>, name: string): V | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
