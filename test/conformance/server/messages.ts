// The few messages of the server's side, written by hand: no code of src is on this side of the wire.

import { gunzipSync } from 'node:zlib';
import { logsRequest, metricsRequest, traceRequest } from '../../support/otlpSchema.ts';
import type { Encoding, SignalName } from '../subjects/subject.ts';
import type { Arrival, Reply } from './script.ts';

type Accepted = Extract<Reply, { as: 'accept' }>;

const REJECTED_IN_JSON: Readonly<Record<SignalName, string>> = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
};

/** An `Export…ServiceResponse`: `partial_success` = 1, in it `rejected_…` = 1 and `error_message` = 2; field 15 is unknown. */
export function response({ rejected = 0, message = '', unknownFields = false }: Omit<Accepted, 'as'>): Buffer {
  const parts: Buffer[] = [];
  if (rejected > 0) parts.push(Buffer.from([0x08, ...varint(rejected)]));
  if (message !== '') parts.push(delimited(2, Buffer.from(message)));
  const unknown = unknownFields ? [delimited(15, Buffer.from('of a later version'))] : [];
  return Buffer.concat([...(parts.length > 0 ? [delimited(1, Buffer.concat(parts))] : []), ...unknown]);
}

/** The same in JSON. */
export function responseJson({ rejected, message, unknownFields }: Omit<Accepted, 'as'>, signal: SignalName): Buffer {
  const isPartial = rejected !== undefined || message !== undefined;
  const partialSuccess = { [REJECTED_IN_JSON[signal]]: String(rejected ?? 0), errorMessage: message };
  return Buffer.from(JSON.stringify({ ...(isPartial && { partialSuccess }), ...(unknownFields && { later: [1] }) }));
}

/** A `google.rpc.Status` with a `RetryInfo`: `details` = 3, an `Any` of `type_url` = 1 and `value` = 2; in it `retry_delay` = 1 with `seconds` = 1. */
export function statusWithRetryInfo(code: number, seconds: number): Buffer {
  const delay = delimited(1, Buffer.from([0x08, ...varint(seconds)]));
  const url = delimited(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo'));
  return Buffer.concat([Buffer.from([0x08, code]), delimited(3, Buffer.concat([url, delimited(2, delay)]))]);
}

function delimited(field: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(content.length)]), content]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** What a request consists of: how many items, and which envelopes have nothing in them. */
export interface Contents {
  readonly items: number;
  readonly emptyEnvelopes: readonly string[];
}

type Tree = Readonly<Record<string, unknown>>;

const LEVELS: Readonly<Record<SignalName, readonly string[]>> = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics', 'dataPoints'],
};

const DECODERS: Readonly<Record<SignalName, (bytes: Uint8Array) => object>> = {
  traces: traceRequest.decode,
  logs: logsRequest.decode,
  metrics: metricsRequest.decode,
};

/** The message of a request: what it has as a body, decompressed if a header says that it is compressed. */
export function messageOf({ headers, body, isFlaggedCompressed }: Arrival): Buffer {
  const isZipped =
    headers['content-encoding'] === 'gzip' || (isFlaggedCompressed && headers['grpc-encoding'] === 'gzip');
  return isZipped ? gunzipSync(body) : body;
}

export function contentsOf(arrival: Arrival, signal: SignalName, encoding: Encoding): Contents {
  const message = messageOf(arrival);
  const tree = encoding === 'json' ? (JSON.parse(message.toString()) as object) : DECODERS[signal](message);
  const emptyEnvelopes: string[] = [];
  let level: Tree[] = [tree as Tree];
  for (const name of LEVELS[signal]) {
    const below = level.map((envelope) => listIn(envelope, name));
    // A request without an envelope is an empty one itself.
    if (below.some(({ length }) => length === 0)) emptyEnvelopes.push(name);
    level = below.flat();
  }
  return { items: level.length, emptyEnvelopes };
}

/** Data points are one level deeper, in whatever kind of metric it is. */
function listIn(envelope: Tree, name: string): Tree[] {
  const data = name === 'dataPoints' ? (envelope.sum ?? envelope.gauge ?? envelope.histogram) : envelope;
  return ((data as Tree | undefined)?.[name] ?? []) as Tree[];
}
