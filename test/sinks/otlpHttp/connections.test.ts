import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { describe as describeError } from '../../../src/sinks/shared/http/answer/noAnswer.ts';
import {
  batchOf,
  exportOnce,
  failureOf,
  openSink,
  outcomeOf,
  SWIFT_RETRIES,
  startBackend,
} from '../../support/httpExports.ts';
import { closedPort, hangUpPort, rawAnswer, rawServer } from '../../support/httpServer.ts';
import { onRequest } from '../../support/lending.ts';
import { spanWith } from '../../support/spans.ts';
import { outcomeTimedOutIn } from '../../support/timedOut.ts';

const SPANS = [spanWith(), spanWith()];

describe('connections', () => {
  it('are kept alive: a hundred exports in turn use one', async () => {
    const backend = await startBackend();
    const sink = openSink({ url: backend.url });
    for (let count = 0; count < 100; count++) await exportOnce(sink, SPANS);
    expect([backend.requestCount, backend.connections, backend.spans]).toEqual([100, 1, 200]);
  });

  it('are kept alive after permanent failures as well', async () => {
    const backend = await startBackend({ answers: { status: 400, body: 'no' } });
    const sink = openSink({ url: backend.url });
    for (let count = 0; count < 10; count++) await failureOf(sink, SPANS);
    expect([backend.requestCount, backend.connections]).toEqual([10, 1]);
  });

  it('are as many as there are concurrent exports', async () => {
    let answerAll = () => {};
    const allCame = new Promise<void>((resolve) => {
      answerAll = resolve;
    });
    const backend = await startBackend({
      answers: async () => {
        await allCame;
        return 'ok' as const;
      },
    });
    const sink = openSink({ url: backend.url });
    const exports = Array.from({ length: 20 }, () => exportOnce(sink, SPANS));
    await backend.until(({ inFlight }) => inFlight === 20);
    answerAll();
    await Promise.all(exports);
    expect([backend.connections, backend.maxInFlight]).toEqual([20, 20]);
  });

  it('are made anew when the backend has closed them', async () => {
    const server = await rawServer(({ socket }) => {
      socket.end(rawAnswer(200, { 'content-length': 0, connection: 'close' }, ''));
    });
    const sink = openSink({ url: server.url });
    for (let count = 0; count < 3; count++) await exportOnce(sink, SPANS);
    expect([server.requests.length, server.connections]).toEqual([3, 3]);
  });

  it('that ended while idle are replaced, and the request is sent once', async () => {
    const backend = await startBackend();
    const sink = openSink({ url: backend.url });
    const sockets: Socket[] = [];
    onRequest((socket) => void sockets.push(socket));
    await exportOnce(sink, SPANS);
    // Its end is not told before the next turn.
    sockets[0]?.destroy();
    expect(await exportOnce(sink, SPANS)).toEqual({});
    expect([backend.requestCount, backend.connections]).toEqual([2, 2]);
  });

  it('that become free are used by requests that wait for a new one', async () => {
    const server = await rawServer(({ socket }) => void socket.write(rawAnswer(200, { 'content-length': 0 }, '')));
    const sink = openSink({ url: server.url });
    await Promise.all(Array.from({ length: 5 }, () => exportOnce(sink, SPANS)));
    expect(server.requests.length).toBe(5);
    expect(server.connections).toBeLessThanOrEqual(5);
  });

  it('end with the sink', async () => {
    // So long that the client would not end it by itself while the test runs.
    const headers = { 'content-length': 0, 'keep-alive': 'timeout=600' };
    const server = await rawServer(({ socket }) => void socket.write(rawAnswer(200, headers, '')));
    const sink = openSink({ url: server.url });
    await exportOnce(sink, SPANS);
    expect(server.closedConnections).toBe(0);
    await sink.shutdown?.();
    await server.until(({ closedConnections }) => closedConnections === 1);
    await sink.shutdown?.();
  });

  it('are not opened for a request that has not begun when the sink is shut down', async () => {
    const backend = await startBackend();
    const sink = openSink({ url: backend.url });
    const exported = exportOnce(sink, SPANS).catch((error: unknown) => error);
    await sink.shutdown?.();
    expect(await exported).toMatchObject({ message: expect.stringContaining('closed') });
    expect(backend.connections).toBe(0);
  });

  it('are refused to a sink that was shut down, as a permanent failure', async () => {
    const backend = await startBackend();
    const sink = openSink({ url: backend.url });
    await sink.shutdown?.();
    const outcome = await outcomeOf(sink, SPANS);
    expect(outcome).toMatchObject({
      attempts: 1,
      lost: [{ count: 2, reason: 'permanent', stage: 'exportTo(otlpHttp)' }],
    });
    expect(outcome.error?.message).toContain('shut down');
    expect(backend.connections).toBe(0);
  });
});

describe('a connection that breaks', () => {
  it('before the answer leaves unknown whether the spans arrived', async () => {
    const backend = await startBackend({ answers: 'reset' });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome.lost).toEqual([{ count: 2, reason: 'unconfirmed', stage: 'exportTo(otlpHttp)' }]);
    expect(outcome.error?.message).toMatch(/no answer from http:.*ECONNRESET/);
    expect([outcome.attempts, backend.requestCount]).toEqual([3, 3]);
  });

  it('is retried, and the retry may succeed', async () => {
    const backend = await startBackend({ answers: ['reset', 'reset', 'ok'] });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome).toMatchObject({ delivered: 2, attempts: 3, lost: [] });
    expect(backend.spans).toBe(2);
  });

  it('in the middle of the headers leaves unknown whether the spans arrived', async () => {
    const server = await rawServer(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-le', () => socket.resetAndDestroy());
    });
    expect((await failureOf(openSink({ url: server.url }), SPANS)).failure).toEqual({ kind: 'unknownOutcome' });
  });
});

describe('a connection that cannot be made', () => {
  it('since the port is closed is certainly no arrival', async () => {
    const port = await closedPort();
    const outcome = await outcomeOf(openSink({ url: `http://127.0.0.1:${port}/v1/traces` }), SPANS);
    expect(outcome).toMatchObject({
      attempts: 3,
      lost: [{ count: 2, reason: 'retriesExhausted', stage: 'exportTo(otlpHttp)' }],
    });
    expect(outcome.error?.message).toBe(
      `no answer from http://127.0.0.1:${port}/v1/traces while connecting: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
  });

  it('since all addresses of a name refuse is certainly no arrival', async () => {
    const port = await closedPort();
    const { failure, message } = await failureOf(openSink({ url: `http://localhost:${port}/` }), SPANS);
    expect(failure).toEqual({ kind: 'retryable', connectionRefused: true });
    expect(message).toContain('ECONNREFUSED');
  });

  it('since the host does not exist is certainly no arrival', async () => {
    const { failure, message } = await failureOf(openSink({ url: 'http://collector.invalid:4318/v1/traces' }), SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toMatch(
      /no answer from http:\/\/collector\.invalid:4318\/v1\/traces while looking up the name: .*(ENOTFOUND|EAI_AGAIN)/,
    );
  });

  it('since it breaks within the TLS handshake is certainly no arrival', async () => {
    const sink = openSink({ url: `https://127.0.0.1:${await hangUpPort()}/v1/traces` });
    const { failure, message } = await failureOf(sink, SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toContain('ECONNRESET');
  });
});

describe('an abort', () => {
  it('by unsubscribing closes the socket', async () => {
    const backend = await startBackend({ answers: 'hang' });
    const subscription = openSink({ url: backend.url }).export(batchOf(SPANS)).subscribe();
    await backend.until(({ requestCount }) => requestCount === 1);
    subscription.unsubscribe();
    await backend.until(({ requests, inFlight }) => requests[0]?.aborted === true && inFlight === 0);
  });

  it('before the request is made prevents it', async () => {
    const backend = await startBackend();
    const sink = openSink({ url: backend.url });
    sink.export(batchOf(SPANS)).subscribe().unsubscribe();
    await exportOnce(sink, SPANS);
    expect([backend.requestCount, backend.connections]).toEqual([1, 1]);
  });

  it('does not affect other exports', async () => {
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const answers = async () => {
      await asked;
      return 'ok' as const;
    };
    const backend = await startBackend({ answers });
    const sink = openSink({ url: backend.url });
    const aborted = sink.export(batchOf(SPANS)).subscribe();
    const other = exportOnce(sink, SPANS);
    await backend.until(({ inFlight }) => inFlight === 2);
    aborted.unsubscribe();
    await backend.until(({ inFlight }) => inFlight === 1);
    answer();
    expect(await other).toEqual({});
  });
});

describe('the timeout of an attempt', () => {
  it('ends an attempt that hangs: the backend sees its socket closed, and whether the spans arrived is unknown', async () => {
    const backend = await startBackend({ answers: 'hang' });
    const sink = openSink({ url: backend.url, timeoutMillis: 200 });
    const outcome = await outcomeTimedOutIn('waiting', sink, SPANS, { maxAttempts: 3 });
    expect(outcome).toMatchObject({ attempts: 3, error: { code: 'TIMEOUT' } });
    expect(outcome.error?.message).toBe(
      `an export to otlpHttp took longer than 200 ms and was aborted while waiting for the answer of ${backend.url}`,
    );
    expect(outcome.lost).toEqual([{ count: 2, reason: 'unconfirmed', stage: 'exportTo(otlpHttp)' }]);
    await backend.until(({ requests }) => requests.length > 0 && requests.every(({ aborted }) => aborted));
  });

  it('ends an attempt whose answer never ends, and takes the meaning of its status', async () => {
    const server = await rawServer(({ socket }) => {
      socket.write(rawAnswer(200, { 'transfer-encoding': 'chunked' }, ''));
      const timer = setInterval(() => socket.write('1\r\nx\r\n'), 5);
      socket.on('close', () => clearInterval(timer));
    });
    const sink = openSink({ url: server.url, timeoutMillis: 100 });
    const outcome = await outcomeTimedOutIn('reading', sink, SPANS, { maxAttempts: 1 });
    expect(outcome).toMatchObject({ attempts: 1, delivered: 2, message: expect.stringContaining('broke off') });
    await server.until(({ closedConnections }) => closedConnections === 1);
  });

  it('may be a fraction of a millisecond', async () => {
    const backend = await startBackend();
    expect(await exportOnce(openSink({ url: backend.url, timeoutMillis: 9_999.5 }), SPANS)).toEqual({});
  });

  it('is followed by an attempt that may succeed', async () => {
    const backend = await startBackend({ answers: ['hang', 'ok'] });
    const retry = { ...SWIFT_RETRIES, maxAttempts: 20 };
    const outcome = await outcomeOf(openSink({ url: backend.url, timeoutMillis: 250 }), SPANS, { retry });
    expect(outcome).toMatchObject({ delivered: 2, lost: [] });
    expect(outcome.attempts).toBeGreaterThan(1);
    await backend.until(({ requests }) => requests[0]?.aborted === true);
  });
});

describe('the message of a failure to connect', () => {
  it('names all addresses that were tried, and escapes what came from outside', () => {
    const refused = (address: string) =>
      Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' });
    const errors = [refused('::1:4318'), refused('127.0.0.1:4318')];
    const both = Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' });
    expect(describeError(both)).toBe('connect ECONNREFUSED ::1:4318, connect ECONNREFUSED 127.0.0.1:4318');
    expect(describeError(new Error('cert is for "a\r\nb\u001b[2J"'))).toBe('cert is for "a\\r\\nb\\u001b[2J"');
  });
});
