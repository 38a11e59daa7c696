import { constants } from 'node:http2';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Failure } from '../../../src/index.ts';
import { blackholePort } from '../../support/blackhole.ts';
import { grpcBackend } from '../../support/grpcBackend.ts';
import { namesIn, openGrpcSink } from '../../support/grpcExports.ts';
import { GRPC_HEAD, type Http2Request, http2Server, succeed } from '../../support/http2Server.ts';
import { exportOnce, failureOf, outcomeOf, startBackend } from '../../support/httpExports.ts';
import { closedPort, hangUpPort } from '../../support/httpServer.ts';
import { LeapingClock } from '../../support/leapingClock.ts';
import { spanWith } from '../../support/spans.ts';
import { outcomeTimedOutIn } from '../../support/timedOut.ts';

const SPANS = [spanWith()];
const urlOf = (port: number) => `http://127.0.0.1:${port}`;
/** An attempt without limit: it ends by what the test does. */
const unlimited = (url: string) => openGrpcSink({ url, timeoutMillis: Number.POSITIVE_INFINITY });

describe('nothing has arrived', () => {
  it('where nobody listens', async () => {
    const url = urlOf(await closedPort());
    const { failure, message } = await failureOf(openGrpcSink({ url }), SPANS);
    expect(failure).toEqual({ kind: 'retryable', connectionRefused: true });
    expect(message).toContain(
      `no answer from ${url} while connecting: No connection established. Last error: Error: connect ECONNREFUSED`,
    );
  });

  it('where everybody is hung up on', async () => {
    const { failure } = await failureOf(openGrpcSink({ url: urlOf(await hangUpPort()) }), SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
  });

  it('where the name is not known', async () => {
    const { failure, message } = await failureOf(openGrpcSink({ url: 'http://nowhere.invalid:4317' }), SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toContain('no answer from http://nowhere.invalid:4317 while connecting: Name resolution failed');
  });

  it('where HTTP/1 is spoken', async () => {
    const backend = await startBackend();
    const { failure } = await failureOf(openGrpcSink({ url: urlOf(backend.port) }), SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
  });

  it.each([
    ['accepts nobody', blackholePort],
    ['accepts and says nothing', silentPort],
  ])('where a host %s, until the time is up', async (_, portOf) => {
    const sink = openGrpcSink({ url: urlOf(await portOf()) });
    const outcome = await outcomeTimedOutIn('connecting', sink, SPANS, { maxAttempts: 1 });
    expect(outcome).toMatchObject({ attempts: 1, lost: [{ count: 1, reason: 'retriesExhausted' }] });
    expect(outcome.error?.message).toContain('aborted while connecting to http://127.0.0.1');
  });

  it('where the server refuses the stream', async () => {
    const server = await http2Server({ begun: ({ stream }) => stream.close(constants.NGHTTP2_REFUSED_STREAM) });
    const { failure, message } = await failureOf(openGrpcSink({ url: server.url }), SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toBe(`${server.url} took no request: Stream refused by server`);
    // gRPC would try again by itself, transparently.
    expect(server.requests).toHaveLength(1);
  });
});

describe('what was sent may have arrived', () => {
  const RST = (code: number) => (request: Http2Request) => request.stream.close(code);
  const broken: readonly (readonly [string, (request: Http2Request) => void])[] = [
    ['the connection breaks', ({ session }) => session.destroy()],
    ['the socket is reset', ({ session }) => session.socket.resetAndDestroy?.()],
    ['the stream is cancelled', RST(constants.NGHTTP2_CANCEL)],
    ['the stream fails', RST(constants.NGHTTP2_INTERNAL_ERROR)],
    ['the stream ends', RST(constants.NGHTTP2_NO_ERROR)],
    ['the stream breaks a rule', RST(constants.NGHTTP2_PROTOCOL_ERROR)],
    ['the server asks for calm', RST(constants.NGHTTP2_ENHANCE_YOUR_CALM)],
    [
      'the answer breaks off behind its head',
      ({ stream, session }) => {
        stream.respond(GRPC_HEAD);
        setImmediate(() => session.destroy());
      },
    ],
    [
      'half a message comes',
      ({ stream }) => {
        stream.respond(GRPC_HEAD);
        stream.write(Buffer.from([0, 0, 0, 0, 9, 1]));
        setImmediate(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
      },
    ],
  ];

  it.each(broken)('when %s', async (_, whole) => {
    const server = await http2Server({ whole });
    const { failure, message } = await failureOf(unlimited(server.url), SPANS);
    expect(failure).toEqual({ kind: 'unknownOutcome' });
    expect(message).toContain(`no answer from ${server.url} to what was sent: `);
  });

  it('when the server is closed during the call', async () => {
    const backend = await grpcBackend({ answers: 'never' });
    const failed = failureOf(unlimited(backend.url), SPANS);
    await backend.until(({ arrivals }) => arrivals.length === 1);
    await backend.close();
    expect((await failed).failure).toEqual({ kind: 'unknownOutcome' });
  });

  it('when no answer comes in time', async () => {
    const backend = await grpcBackend({ answers: 'never' });
    const scheduler = new LeapingClock();
    const outcome = outcomeOf(openGrpcSink({ url: backend.url, timeoutMillis: 60_000 }), SPANS, {
      retry: { maxAttempts: 1 },
      scheduler,
    });
    await backend.until(({ arrivals }) => arrivals.length === 1);
    scheduler.leap(60_000);
    expect(await outcome).toMatchObject({ timeouts: 1, lost: [{ count: 1, reason: 'unconfirmed' }] });
    await backend.until(({ arrivals }) => arrivals.every(({ isCancelled }) => isCancelled));
  });
});

describe('an answer that is none of gRPC', () => {
  const answered = (status: number, body: string) => (request: Http2Request) => {
    request.stream.respond({ ':status': status, 'content-type': 'text/html' });
    request.stream.end(body);
  };

  it.each<[number, Failure]>([
    [503, { kind: 'retryable' }],
    [404, { kind: 'permanent' }],
    [401, { kind: 'permanent' }],
  ])('of status %d is that of whoever stands before the backend', async (status, failure) => {
    const server = await http2Server({ whole: answered(status, '<html>nobody is here</html>') });
    const error = await failureOf(openGrpcSink({ url: server.url }), SPANS);
    expect(error.failure).toEqual(failure);
    expect(error.message).toContain(`Received HTTP status code ${status}`);
  });
});

describe('GOAWAY', () => {
  it('lets calls in flight end, and sends the next one over another connection', async () => {
    const server = await http2Server({
      whole: (request, index) => {
        if (index === 0) request.session.close(); // sends GOAWAY, and waits for its streams
        setImmediate(() => succeed(request));
      },
    });
    const sink = openGrpcSink({ url: server.url });
    for (let round = 0; round < 3; round++) expect(await exportOnce(sink, SPANS)).toEqual({});
    expect(server.requests).toHaveLength(3);
    expect(server.sessions).toHaveLength(2);
  });
});

describe('a backend that comes back', () => {
  it('gets everything', async () => {
    const first = await grpcBackend();
    const sink = openGrpcSink({ url: first.url });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    await first.close();
    await failureOf(sink, SPANS);
    expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'retryable', connectionRefused: true });
    const second = await grpcBackend({ port: first.port });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    expect(namesIn(second.arrivals)).toEqual([['span']]);
  });
});

async function silentPort(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}
