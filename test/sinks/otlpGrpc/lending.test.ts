import { createRequire } from 'node:module';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AttemptPhase } from '../../../src/model/sink.ts';
import { prepare } from '../../../src/sinks/otlpGrpc/message.ts';
import { otlpGrpcSettings } from '../../../src/sinks/otlpGrpc/settings.ts';
import { type GrpcBackend, grpcBackend } from '../../support/grpcBackend.ts';
import { openGrpcSink } from '../../support/grpcExports.ts';
import { http2Server, succeed } from '../../support/http2Server.ts';
import { batchOf, exportOnce, failureOf } from '../../support/httpExports.ts';
import { closedPort } from '../../support/httpServer.ts';
import { bodyOf, Gate, largeBatch, recordLendings, spoiltOnceRead } from '../../support/lending.ts';
import { spanWith } from '../../support/spans.ts';

const KIBIBYTES = [100, 300, 900, 1_500, 100, 300];

type Sink = ReturnType<typeof openGrpcSink>;

/** Which of the bodies arrived, in the order in which they were made; -1 for one that was not made so. */
function arrivedOf({ arrivals }: GrpcBackend, bodies: readonly Buffer[]): number[] {
  return arrivals.map(({ message }) => bodies.findIndex((body) => body.equals(message))).sort((a, b) => a - b);
}

/** A way to a backend that can be closed for what is sent: the kernel's buffers fill up, and then those of the sender. */
async function relayTo(port: number) {
  const sockets = new Map<Socket, Socket>(); // of clients, and to the backend
  const server = createServer((client) => {
    const backend = connect(port, '127.0.0.1');
    for (const socket of [client, backend]) socket.on('error', () => {});
    client.pipe(backend).pipe(client);
    sockets.set(client, backend);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const both of sockets) for (const socket of both) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    close: () => {
      for (const [client, backend] of sockets) client.unpipe(backend).pause();
    },
    open: () => {
      for (const [client, backend] of sockets) client.pipe(backend);
    },
  };
}

/** Begins an export. `sent` resolves when the call leaves the process. */
function begin(sink: Sink, items: Parameters<typeof batchOf>[0]) {
  const [sent, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const enter = (phase: AttemptPhase) => phase === 'sending' && sent.resolve();
  const subscription = sink
    .export(batchOf(items) as never, { timeoutMillis: 60_000, enter, answered() {} })
    .subscribe({ complete: ended.resolve, error: ended.reject });
  return { sent: sent.promise, ended: ended.promise, cancel: () => subscription.unsubscribe() };
}

/** Holds the compression of messages until it is let go, and says then what is compressed. */
function holdGzip(): { readonly gate: Gate; readonly read: Buffer[] } {
  const [gate, read] = [new Gate(), [] as Buffer[]];
  const zlib = createRequire(import.meta.url)('node:zlib') as typeof import('node:zlib');
  const { gzip } = zlib;
  const hold = (message: Buffer, done: Parameters<typeof gzip>[2]) =>
    gate.hold(() => {
      read.push(Buffer.from(message));
      gzip(message, {}, done);
    });
  const held = vi.spyOn(zlib, 'gzip').mockImplementation(hold as never);
  onTestFinished(() => held.mockRestore());
  return { gate, read };
}

describe.each(['none', 'gzip'] as const)('large messages over gRPC, compressed: %s,', (compression) => {
  it('arrive as they were made, and take the same buffers again', async () => {
    const lendings = recordLendings();
    const backend = await grpcBackend();
    const sink = openGrpcSink({ url: backend.url, compression });
    const bodies: Buffer[] = [];
    for (let round = 0; round < 3; round++) {
      const batches = KIBIBYTES.map((kibibytes, index) => largeBatch(10 * round + index, kibibytes));
      bodies.push(...batches.map(bodyOf));
      await Promise.all(batches.map((batch) => exportOnce(sink, spoiltOnceRead(batch))));
    }
    expect(arrivedOf(backend, bodies)).toEqual(bodies.map((_, index) => index));
    expect(lendings.givenBack).toHaveLength(bodies.length);
    expect(lendings.takenAgain.length).toBeGreaterThan(0);
    expect(lendings.givenBackTwice).toEqual([]);
  });

  it('arrive as they were made at a backend that reads late, beside others that are cancelled half sent', async () => {
    const lendings = recordLendings();
    const backend = await grpcBackend();
    const relay = await relayTo(backend.port);
    const sink = openGrpcSink({ url: relay.url, compression });
    const batches = [largeBatch(0, 1), ...Array.from({ length: 6 }, (_, index) => largeBatch(index + 1, 900))];
    const bodies = batches.map(bodyOf);
    await exportOnce(sink, batches.shift() ?? []);
    relay.close();
    const calls = batches.map((batch) => begin(sink, spoiltOnceRead(batch)));
    await Promise.all(calls.map(({ sent }) => sent));
    for (const index of [0, 2, 4]) calls[index]?.cancel();
    const last = largeBatch(7, 900);
    bodies.push(bodyOf(last));
    const call = begin(sink, spoiltOnceRead(last));
    await call.sent;
    relay.open();
    await Promise.all([call, ...[1, 3, 5].map((index) => calls[index])].map((each) => each?.ended));
    const arrived = arrivedOf(backend, bodies);
    expect(arrived).toEqual(expect.arrayContaining([0, 2, 4, 6, 7]));
    expect(arrived).not.toContain(-1);
    expect(lendings.givenBackTwice).toEqual([]);
  });

  it('give their buffer back after a failure as well', async () => {
    const lendings = recordLendings();
    const backend = await grpcBackend({ answers: { code: 14, details: 'later' } });
    const sink = openGrpcSink({ url: backend.url, compression });
    for (let count = 1; count <= 3; count++) {
      await failureOf(sink, largeBatch(count, 300));
      expect(lendings.givenBack).toHaveLength(count);
    }
    expect(lendings.givenBackTwice).toEqual([]);
  });
});

describe('a message of which nothing can leave', () => {
  it('gives its buffer back: the port is closed, or the attempt ends before there is a call', async () => {
    const lendings = recordLendings();
    await failureOf(openGrpcSink({ url: `http://127.0.0.1:${await closedPort()}` }), largeBatch(1, 300));
    expect(lendings.givenBack).toHaveLength(1);
    const fails = () => {
      throw new Error('no token');
    };
    await failureOf(openGrpcSink({ url: 'http://127.0.0.1:9', headers: { authorization: fails } }), largeBatch(2, 300));
    expect(lendings.givenBack).toHaveLength(2);
  });
});

describe('a message that gRPC still compresses', () => {
  it('is not written over when the backend has answered already', async () => {
    const lendings = recordLendings();
    const { gate, read } = holdGzip();
    const server = await http2Server({ begun: succeed });
    const sink = openGrpcSink({ url: server.url, compression: 'gzip' });
    const batch = largeBatch(1, 300);
    await exportOnce(sink, spoiltOnceRead(batch));
    await gate.reached;
    expect(lendings.givenBack).toHaveLength(1);
    gate.open();
    expect(read[0]?.equals(bodyOf(batch))).toBe(true);
  });

  it('is not written over when its call was cancelled', async () => {
    const lendings = recordLendings();
    const { gate, read } = holdGzip();
    const backend = await grpcBackend();
    const sink = openGrpcSink({ url: backend.url, compression: 'gzip' });
    const [cancelled, batch] = [largeBatch(1, 300), largeBatch(2, 300)];
    const call = begin(sink, spoiltOnceRead(cancelled));
    await Promise.all([call.sent, gate.reached]);
    call.cancel();
    const answered = exportOnce(sink, spoiltOnceRead(batch));
    await vi.waitFor(() => expect(lendings.givenBack).toHaveLength(1));
    gate.open();
    await answered;
    expect(read.map((bytes) => bytes.equals(bodyOf(cancelled)))).toEqual([true, false]);
    expect(arrivedOf(backend, [bodyOf(batch)])).toEqual([0]);
    expect(lendings.givenBackTwice).toEqual([]);
  });
});

describe('a message that is lent in one piece', () => {
  it('is not given back: gRPC reads it for longer than can be known', async () => {
    const told: string[] = [];
    const piece = Uint8Array.of(1, 2, 3);
    const lend = async () => ({
      pieces: [piece],
      length: 3,
      unencodable: 0,
      giveBack: () => void told.push('given back'),
    });
    const settings = otlpGrpcSettings({ environment: {} });
    const context = { settings, wait: async () => {}, lender: { lend } as never, countBytes: () => {} };
    const message = await prepare([spanWith()], context, new AbortController().signal);
    message.end();
    expect([message.bytes, told]).toEqual([piece, []]);
  });
});
