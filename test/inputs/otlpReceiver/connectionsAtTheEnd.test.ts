// Connections that stay open while a receiver ends. Each test waits for the server to close them, and times out if it does not.

import { once } from 'node:events';
import { connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exportTo, rebatch, runPipeline, toMemory } from '../../../src/index.ts';
import { otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { SIGNALS } from '../../../src/otlp/signals.ts';
import { authority } from '../../support/httpCertificates.ts';
import { closed, connected, requestOf, until } from './support.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const NO_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const HEAD =
  'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: 10000000\r\n\r\n';

async function running(tls?: { cert: string; key: string }) {
  const options = { port: 0, ...(tls && { tls }) };
  const receiver = otlpReceiver({ http: options, grpc: options, acknowledge: 'delivered' });
  const memory = toMemory<ReadableSpan>();
  const pipeline = runPipeline(receiver, receiver.traces$.pipe(rebatch(), exportTo(memory)));
  const { http, grpc } = await receiver.listen();
  onTestFinished(() => receiver.shutdown({ timeoutMillis: 1 }).catch(() => {}));
  return { receiver, pipeline, memory, ports: { http: http?.port ?? 0, grpc: grpc?.port ?? 0 } };
}

type Running = Awaited<ReturnType<typeof running>>;

/** A connection that the receiver has, on which this is sent. */
async function connectedTo({ receiver, ports }: Running, server: 'http' | 'grpc', ...sent: (string | Buffer)[]) {
  const before = receiver.stats().connections;
  const socket = connected(ports[server]);
  for (const part of sent) socket.write(part);
  await until(() => receiver.stats().connections > before);
  return socket;
}

/** A client of HTTP/2 that has been greeted, and does not heed GOAWAY: it reads no more. */
async function staying(of: Running): Promise<Socket> {
  const socket = await connectedTo(of, 'grpc', PREFACE, NO_SETTINGS);
  await once(socket, 'readable');
  return socket;
}

const IDLE: [kind: string, connection: (of: Running) => Promise<Socket>][] = [
  ['on which nothing was said, over HTTP', (of) => connectedTo(of, 'http')],
  ['on which nothing was said, over gRPC', (of) => connectedTo(of, 'grpc')],
  ['of a client that stays, over gRPC', staying],
];

describe.each(IDLE)('a connection %s', (_, connection) => {
  test('is closed at the end of a run', async () => {
    const it = await running();
    await connection(it);
    await it.pipeline.shutdown();
    await until(() => it.receiver.stats().connections === 0);
  });

  test('makes no shutdown of the receiver fail, not even one that is shorter than its patience', async () => {
    const it = await running();
    await connection(it);
    await it.receiver.shutdown({ timeoutMillis: 500 });
    await until(() => it.receiver.stats().connections === 0);
    expect(it.receiver.stats()).toMatchObject({ connections: 0, openRequests: 0 });
  });
});

test.each(['http', 'grpc'] as const)(
  'a handshake of TLS that never comes is closed at the end, over %s',
  async (server) => {
    const { cert, key } = authority('test').issue('localhost', ['localhost']);
    const it = await running({ cert, key });
    await connectedTo(it, server, Buffer.from([22]));
    await it.pipeline.shutdown();
    await until(() => it.receiver.stats().connections === 0);
  },
);

describe('at the deadline of a run', () => {
  test('a body that trickles ends with its connection', async () => {
    const it = await running();
    const socket = await connectedTo(it, 'http', HEAD, Buffer.alloc(1_000));
    await until(() => it.receiver.stats().openRequests === 1);
    const end = closed(socket);
    await it.pipeline.shutdown({ deadlineMillis: 50 });
    await end;
    await until(() => it.receiver.stats().openRequests === 0);
  });

  test('a call that has come by half does, too', async () => {
    const it = await running();
    const call = begunCall(it.ports.grpc, requestOf(1));
    await until(() => it.receiver.stats().bytesInFlight > 0);
    await it.pipeline.shutdown({ deadlineMillis: 50 });
    await call.gone;
    await until(() => it.receiver.stats().connections === 0);
  });
});

test('a call that is being read when the end begins is read, and answered', async () => {
  const it = await running();
  const call = begunCall(it.ports.grpc, requestOf(3));
  await until(() => it.receiver.stats().bytesInFlight > 0);
  const shutdown = it.receiver.shutdown();
  call.finish();
  expect(await call.status).toBe('0');
  await shutdown;
  await call.gone;
  expect(it.memory.items).toHaveLength(3);
});

/** A call whose last byte has not been sent. */
function begunCall(port: number, message: Uint8Array) {
  const session = connect(`http://127.0.0.1:${port}`).on('error', () => {});
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ...{ ':method': 'POST', ':path': SIGNALS.traces.method, 'content-type': 'application/grpc', te: 'trailers' },
  });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.on('error', () => {}).resume();
  stream.write(Buffer.concat([prefix, message.subarray(0, -1)]));
  const status = new Promise((resolve) => stream.on('trailers', (trailers) => resolve(trailers['grpc-status'])));
  const gone = new Promise<void>((resolve) => session.on('close', () => resolve()));
  return { status, gone, finish: () => stream.end(message.subarray(-1)) };
}
