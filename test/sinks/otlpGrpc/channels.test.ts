import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { bodyMemory } from '../../../src/flow/memory.ts';
import type { ObservableSink } from '../../../src/index.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { blackholePort } from '../../support/blackhole.ts';
import { type GrpcAnswer, grpcBackend } from '../../support/grpcBackend.ts';
import { openGrpcSink } from '../../support/grpcExports.ts';
import { http2Server } from '../../support/http2Server.ts';
import { batchOf, exportOnce, failureOf, outcomeOf } from '../../support/httpExports.ts';
import { generatedSpans, spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];

async function exports(sink: ObservableSink<ReadableSpan>, count: number): Promise<void> {
  for (let done = 0; done < count; done++) await exportOnce(sink, SPANS);
}

/** The next socket that a client in this process makes. */
function nextClientSocket(): Promise<Socket> {
  return new Promise((resolve) => {
    const take = (message: unknown) => {
      unsubscribe('net.client.socket', take);
      resolve((message as { socket: Socket }).socket);
    };
    subscribe('net.client.socket', take);
  });
}

describe('one connection', () => {
  it('serves all exports, also those at the same time', async () => {
    const backend = await grpcBackend();
    const sink = openGrpcSink({ url: backend.url });
    await Promise.all(Array.from({ length: 20 }, () => exports(sink, 3)));
    expect([backend.arrivals.length, backend.connections]).toEqual([60, 1]);
  });

  it('is made with the first export', async () => {
    const backend = await grpcBackend();
    openGrpcSink({ url: backend.url });
    await exports(openGrpcSink({ url: backend.url }), 1);
    expect(backend.connections).toBe(1);
  });

  it.each([
    [0, 3],
    [Number.POSITIVE_INFINITY, 1],
  ])('is replaced at maxConnectionAgeMillis %d', async (maxConnectionAgeMillis, connections) => {
    const backend = await grpcBackend();
    await exports(openGrpcSink({ url: backend.url, maxConnectionAgeMillis }), 3);
    expect(backend.connections).toBe(connections);
    await backend.until(({ openConnections }) => openConnections === 1);
  });

  it('is replaced after an answer that says to try again', async () => {
    const answers = (_: unknown, index: number): GrpcAnswer => (index < 2 ? { code: 14 } : {});
    const backend = await grpcBackend({ answers });
    const sink = openGrpcSink({ url: backend.url });
    expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 1 });
    await exports(sink, 2);
    expect([backend.arrivals.length, backend.connections]).toEqual([5, 3]);
  });

  it('is kept after a refusal for good', async () => {
    const answers = (_: unknown, index: number): GrpcAnswer => (index === 0 ? { code: 3 } : {});
    const backend = await grpcBackend({ answers });
    const sink = openGrpcSink({ url: backend.url });
    await failureOf(sink, SPANS);
    await exports(sink, 2);
    expect(backend.connections).toBe(1);
  });

  it('that the backend has ended is made anew without a failure', async () => {
    const server = await http2Server();
    const sink = openGrpcSink({ url: server.url });
    const socket = nextClientSocket();
    await exports(sink, 1);
    const noticed = once(await socket, 'close');
    server.sessions[0]?.close();
    await noticed;
    await exports(sink, 1);
    expect(server.sessions).toHaveLength(2);
  });
});

describe('unsubscribing', () => {
  it('cancels the call, and leaves the connection to others', async () => {
    const backend = await grpcBackend({ answers: (_, index) => (index === 0 ? 'never' : {}) });
    const sink = openGrpcSink({ url: backend.url });
    const attempt = sink.export(batchOf(SPANS)).subscribe();
    await backend.until(({ arrivals }) => arrivals.length === 1);
    attempt.unsubscribe();
    await backend.until(({ arrivals }) => arrivals[0]?.isCancelled === true);
    await exports(sink, 1);
    expect(backend.connections).toBe(1);
  });

  it('ends an attempt to connect that nobody else waits for', async () => {
    const connecting = () => process.getActiveResourcesInfo().filter((name) => name === 'ConnectWrap').length;
    const before = connecting();
    const sink = openGrpcSink({ url: `http://127.0.0.1:${await blackholePort()}` });
    const attempts = [1, 2].map(() => sink.export(batchOf(SPANS)).subscribe());
    await expect.poll(connecting).toBe(before + 1);
    attempts[0]?.unsubscribe();
    await new Promise((resolve) => setImmediate(resolve));
    expect(connecting()).toBe(before + 1);
    attempts[1]?.unsubscribe();
    await expect.poll(connecting).toBe(before);
  });
});

describe('an attempt that is given up when its time is over', () => {
  it('has the silent connection replaced', async () => {
    const backend = await grpcBackend({ answers: (_, index) => (index === 0 ? 'never' : {}) });
    const sink = openGrpcSink({ url: backend.url });
    const attempt = { timeoutMillis: 60_000, enter: () => {}, answered: () => {} };
    const silent = sink.export(batchOf(SPANS), attempt).subscribe();
    await backend.until(({ arrivals }) => arrivals.length === 1);
    const nowMillis = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(nowMillis + 60_000);
    onTestFinished(() => clock.mockRestore());
    silent.unsubscribe();
    await backend.until(({ arrivals }) => arrivals[0]?.isCancelled === true);
    await exports(sink, 1);
    expect(backend.connections).toBe(2);
  });
});

describe('memory', () => {
  it('of messages is given back, whatever becomes of them, and used again only then', async () => {
    const answers: readonly GrpcAnswer[] = [{}, { code: 14 }, { code: 3 }, 'never'];
    const backend = await grpcBackend({ answers: (_, index) => answers[index % 4] as GrpcAnswer });
    const before = bodyMemory().heldBytes;
    const sink = openGrpcSink({ url: backend.url });
    const batches = [1, 2, 3].map((seed) => generatedSpans({ count: 300, seed }));
    const expected = batches.map((spans) => Buffer.from(encodeTraces(spans)));
    for (let round = 0; round < 12; round++) {
      const attempt = sink.export(batchOf(batches[round % 3] as ReadableSpan[]));
      const ended = new Promise<void>((resolve) => {
        const subscription = attempt.subscribe({ complete: resolve, error: () => resolve() });
        if (round % 4 === 3)
          void backend
            .until(({ arrivals }) => arrivals.length === round + 1)
            .then(() => {
              subscription.unsubscribe();
              resolve();
            });
      });
      await ended;
    }
    await expect.poll(() => bodyMemory().heldBytes).toBe(before);
    for (const [round, { message }] of backend.arrivals.entries())
      expect(message.equals(expected[round % 3] as Buffer), `${round}`).toBe(true);
  });
});

describe('shutdown', () => {
  it('ends the connection, and what comes later is told so', async () => {
    const backend = await grpcBackend();
    const sink = openGrpcSink({ url: backend.url });
    await exports(sink, 1);
    await sink.shutdown?.();
    await backend.until(({ openConnections }) => openConnections === 0);
    const { failure, message } = await failureOf(sink, SPANS);
    expect([failure, message]).toEqual([{ kind: 'permanent' }, 'otlpGrpc was shut down']);
  });

  it('ends calls in flight as unknown, and attempts to connect as retryable', async () => {
    const backend = await grpcBackend({ answers: 'never' });
    const calling = openGrpcSink({ url: backend.url });
    const called = failureOf(calling, SPANS);
    await backend.until(({ arrivals }) => arrivals.length === 1);
    await calling.shutdown?.();
    expect((await called).failure).toEqual({ kind: 'unknownOutcome' });
    await backend.until(({ openConnections }) => openConnections === 0);
  });

  it('of a sink that was never used does nothing', async () => {
    await openGrpcSink({ url: 'http://127.0.0.1:1' }).shutdown?.();
  });
});
