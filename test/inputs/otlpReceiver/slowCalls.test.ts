// Senders of gRPC that are slow, on real connections. Time is the receiver's scheduler's, and goes on when the test says so.

import { connect, type IncomingHttpHeaders } from 'node:http2';
import { status } from '@grpc/grpc-js';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { VirtualTimeScheduler } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import type { Batch } from '../../../src/index.ts';
import { otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { retryInfoMillis } from '../../../src/otlp/responses/retryInfo.ts';
import { SIGNALS } from '../../../src/otlp/signals.ts';
import { bareClient, call } from '../../support/grpcCalls.ts';
import { connected, requestOf, until } from './support.ts';

const MIB = 1024 * 1024;

async function opened(options: Parameters<typeof otlpReceiver>[0] = {}) {
  const scheduler = new VirtualTimeScheduler();
  const receiver = otlpReceiver({
    grpc: { port: 0 },
    maxRequestBytes: MIB,
    maxBytesInFlight: 4 * MIB,
    scheduler,
    ...options,
  });
  const batches: Batch<ReadableSpan>[] = [];
  receiver.traces$.subscribe((batch) => batches.push(batch));
  const { grpc } = await receiver.listen();
  onTestFinished(() => {
    void receiver.shutdown({ timeoutMillis: 0 }).catch(() => {});
    scheduler.maxFrames = Number.POSITIVE_INFINITY;
    scheduler.flush();
  });
  const advanceTo = (millis: number) => {
    scheduler.maxFrames = millis;
    scheduler.flush();
  };
  return { receiver, batches, port: grpc?.port ?? 0, advanceTo };
}

/** How a call has ended: its code, and after how long it may be sent again. */
interface Ending {
  code: number;
  retryAfterMillis: number | undefined;
}

/** A connection whose calls are written by hand. */
function connection(port: number) {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  const endings: Ending[] = [];
  const begin = (path: string, start: Uint8Array) => {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
    });
    const ended = (answer: IncomingHttpHeaders) => {
      if (answer['grpc-status'] === undefined) return;
      const details = Buffer.from(String(answer['grpc-status-details-bin'] ?? ''), 'base64');
      endings.push({ code: Number(answer['grpc-status']), retryAfterMillis: retryInfoMillis(details) });
    };
    stream
      .on('error', () => {})
      .on('response', ended)
      .on('trailers', ended);
    stream.write(start);
    return stream;
  };
  return {
    endings,
    /** Begins a call, and sends so many bytes of its message, which do not end it. */
    begin: (bytes: number) => begin(SIGNALS.traces.method, framed(new Uint8Array(MIB)).subarray(0, 5 + bytes)),
    /** Resolves when the receiver has seen all that was begun on this connection before: it refuses another method at once. */
    seen: async () => {
      const before = endings.length;
      begin('/a.B/C', new Uint8Array()).end();
      await until(() => endings.length > before);
      endings.pop();
    },
    whole: (message: Uint8Array) => begin(SIGNALS.traces.method, framed(message)).end(),
  };
}

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function quickCall(port: number) {
  const client = bareClient(port, undefined, { 'grpc.use_local_subchannel_pool': 1 });
  onTestFinished(() => client.close());
  return call(client, requestOf(2));
}

test('what has come of their messages is counted, until they are gone', async () => {
  const { receiver, port } = await opened();
  const slow = connection(port);
  const streams = [slow.begin(1_000), slow.begin(200)];
  await until(() => receiver.stats().bytesInFlight === 1_200);
  streams[0]?.write(Buffer.alloc(300));
  await until(() => receiver.stats().bytesInFlight === 1_500);
  for (const stream of streams) stream.close();
  await until(() => receiver.stats().openRequests === 0 && receiver.stats().bytesInFlight === 0);
});

test('bytes over gRPC and over HTTP are bounded together', async () => {
  const { receiver, port } = await opened({ http: { port: 0 }, maxBytesInFlight: MIB });
  const slow = connection(port);
  slow.begin(1_000);
  await until(() => receiver.stats().bytesInFlight === 1_000);
  const headers = { 'content-type': 'application/x-protobuf' };
  const body = new Uint8Array(MIB - 500);
  const { status: answered } = await fetch(`${receiver.address.http?.url}/v1/traces`, {
    method: 'POST',
    headers,
    body,
  });
  expect(answered).toBe(429);
});

test('a message of just the size that is allowed is read, where no more is', async () => {
  const maxRequestBytes = requestOf(2).length;
  const { port } = await opened({ maxRequestBytes, maxBytesInFlight: maxRequestBytes });
  expect((await quickCall(port)).code).toBe(0);
});

test('a call that finds the bytes taken is refused, and may be sent again', async () => {
  const { receiver, port } = await opened({ http: { port: 0 }, maxBytesInFlight: MIB });
  const socket = connected(receiver.address.http?.port ?? 0);
  const head = 'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n';
  socket.write(`${head}content-length: ${MIB - 500}\r\n\r\n`);
  await until(() => receiver.stats().bytesInFlight === MIB - 500);
  const slow = connection(port);
  slow.begin(1_000);
  await until(() => slow.endings.length === 1);
  expect(slow.endings).toEqual([{ code: status.RESOURCE_EXHAUSTED, retryAfterMillis: 1_000 }]);
  await until(() => receiver.stats().bytesInFlight === MIB - 500);
});

test('a connection that holds all slots gives one back to another one that waits for a second, and is told to try again', async () => {
  const { receiver, port, batches, advanceTo } = await opened();
  const slow = connection(port);
  for (let index = 0; index < 6; index += 1) slow.begin(1_000);
  await until(() => receiver.stats().bytesInFlight === 4_000); // the others wait
  const quick = connection(port);
  quick.whole(requestOf(2));
  await quick.seen();
  advanceTo(900);
  expect(batches).toHaveLength(0);
  advanceTo(1_000);
  await until(() => quick.endings.length === 1);
  expect([quick.endings[0]?.code, batches.length]).toEqual([0, 1]);
  await until(() => slow.endings.length > 0);
  expect(slow.endings[0]).toEqual({ code: status.RESOURCE_EXHAUSTED, retryAfterMillis: 1_000 });
});

test('calls that trickle are refused from their fifth second on, and who waited is read', async () => {
  const { receiver, port, batches, advanceTo } = await opened();
  const slow = Array.from({ length: 4 }, () => connection(port));
  for (const { begin } of slow) begin(1_000);
  await until(() => receiver.stats().bytesInFlight === 4_000);
  const answer = quickCall(port);
  await until(() => receiver.stats().connections === 5);
  advanceTo(4_900);
  expect(batches).toHaveLength(0);
  advanceTo(6_000);
  expect((await answer).code).toBe(0);
  await until(() => slow.every(({ endings }) => endings.length === 1));
  for (const { endings } of slow)
    expect(endings).toEqual([{ code: status.DEADLINE_EXCEEDED, retryAfterMillis: undefined }]);
});
