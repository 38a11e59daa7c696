// What the tests of the receiver have in common.

import { connect, type Socket } from 'node:net';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { onTestFinished } from 'vitest';
import type { Batch, Hold, Tally } from '../../../src/index.ts';
import { type OtlpReceiver, type OtlpReceiverOptions, otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { generatedSpans } from '../../support/spans.ts';

/** A receiver on loopback whose spans are taken, and how often which name has come. */
export interface OpenReceiver {
  readonly receiver: OtlpReceiver;
  /** Of OTLP/HTTP. */
  readonly url: string;
  readonly port: number;
  /** Each batch of spans that has come, in its order. */
  readonly batches: Batch<ReadableSpan>[];
  /** The holds on them. */
  readonly holds: Hold[];
}

/** @param taken what becomes of each batch: nobody holds it (`dropped`), it is held and settled as a tally says, or held by the test */
export async function open(
  options: OtlpReceiverOptions = {},
  taken: 'dropped' | 'held' | ((batch: Batch<ReadableSpan>) => Partial<Tally>) = 'dropped',
): Promise<OpenReceiver> {
  const receiver = otlpReceiver({ ...options, http: { port: 0, ...options.http } });
  const batches: Batch<ReadableSpan>[] = [];
  const holds: Hold[] = [];
  receiver.traces$.subscribe((batch) => {
    batches.push(batch);
    if (taken === 'dropped') return;
    const hold = batch.hold();
    holds.push(hold);
    if (taken !== 'held') hold.settle(tallyOf(taken(batch)));
  });
  const { http } = await receiver.listen();
  onTestFinished(async () => {
    const shutdown = receiver.shutdown().catch(() => {});
    for (const hold of holds) hold.settle(tallyOf({}));
    await shutdown;
  });
  return { receiver, url: http?.url ?? '', port: http?.port ?? 0, batches, holds };
}

export function tallyOf(tally: Partial<Tally>): Tally {
  return { delivered: 0, rejected: 0, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1, ...tally };
}

export const PROTOBUF = { 'content-type': 'application/x-protobuf' };
export const JSON_TYPE = { 'content-type': 'application/json' };

/** The body of a request with so many spans. */
export function requestOf(count: number, seed = 1): Uint8Array {
  return encodeTraces(generatedSpans({ seed, count }));
}

/** The same in JSON, with one span of this name. */
export function jsonOf(name: string): string {
  const span = {
    ...{ traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174', name, kind: 2 },
    ...{ startTimeUnixNano: '1', endTimeUnixNano: '2' },
  };
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
}

export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export async function post(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = PROTOBUF,
  path = '/v1/traces',
): Promise<Posted> {
  const response = await fetch(`${url}${path}`, { method: 'POST', body: body as Uint8Array<ArrayBuffer>, headers });
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

/** What a server sends on a connection on which these bytes were sent, until it closes it. */
export function talk(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connected(port);
  for (const part of parts) socket.write(part);
  return closed(socket);
}

export function connected(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** What has come by the end of a connection. */
export function closed(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1'))));
}

/** Resolves when it holds; looked at in each turn of the event loop. A test that waits in vain times out. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
