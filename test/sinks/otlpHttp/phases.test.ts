import { createServer, type Server } from 'node:net';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Attempt, ExportError, type ObservableSink, type Response } from '../../../src/index.ts';
import { authority } from '../../support/httpCertificates.ts';
import { batchOf, openSink, startBackend } from '../../support/httpExports.ts';
import { recorder } from '../../support/httpRecorder.ts';
import { closedPort, rawAnswer, rawServer } from '../../support/httpServer.ts';
import { answerBegins, largeBatch } from '../../support/lending.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];
const never = new Promise<never>(() => {});

/** Follows attempts. */
class Follower implements Attempt {
  readonly phases: string[] = [];
  readonly places = new Set<string | undefined>();
  answer: Response | ExportError | undefined;
  readonly #told: (() => void)[] = [];

  enter(phase: string, where?: string): void {
    this.phases.push(phase);
    this.places.add(where);
    for (const tell of this.#told) tell();
  }

  answered(answer: Response | ExportError): void {
    this.answer = answer;
  }

  reaches(phase: string): Promise<void> {
    return new Promise((resolve) => {
      const look = () => this.phases.includes(phase) && resolve();
      this.#told.push(look);
      look();
    });
  }
}

/** An attempt that is given up when it has come so far: what it had told until then. */
async function givenUpAt(sink: ObservableSink<ReadableSpan>, spans: ReadableSpan[], phase: string): Promise<Follower> {
  const follower = new Follower();
  const attempt = sink.export(batchOf(spans), follower).subscribe({ error: () => {} });
  await follower.reaches(phase);
  attempt.unsubscribe();
  return follower;
}

async function silentServer(): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

describe('an attempt', () => {
  it('tells each phase that it enters, and names the URL without its query', async () => {
    const backend = await startBackend();
    const follower = new Follower();
    const sink = openSink({ url: `${backend.url}?key=secret` });
    await lastValueFrom(sink.export(batchOf(SPANS), follower));
    expect(follower.phases).toEqual(['preparing', 'connecting', 'sending', 'waiting', 'reading']);
    expect([...follower.places]).toEqual([backend.url]);
    const second = new Follower();
    await lastValueFrom(sink.export(batchOf(SPANS), second));
    expect(second.phases).toEqual(['preparing', 'sending', 'waiting', 'reading']);
  });

  it('tells of the look-up of a name, and of the TLS handshake', async () => {
    const authorityOfTest = authority('spanflow phases');
    const server = await recorder(() => 'atOnce', authorityOfTest.issue('localhost', ['localhost']));
    const follower = new Follower();
    const url = server.url.replace('127.0.0.1', 'localhost');
    const sink = openSink({ url, tls: { ca: authorityOfTest.cert } });
    await lastValueFrom(sink.export(batchOf(SPANS), follower));
    const distinct = [...new Set(follower.phases)];
    expect(distinct).toEqual(['preparing', 'resolving', 'connecting', 'securing', 'sending', 'waiting', 'reading']);
  });

  it('whose TLS handshake is not answered has sent nothing', async () => {
    const sink = openSink({ url: `https://127.0.0.1:${await silentServer()}/v1/traces` });
    expect((await givenUpAt(sink, SPANS, 'securing')).phases).toEqual(['preparing', 'connecting', 'securing']);
  });

  it('whose header or resource does not come has sent nothing', async () => {
    const backend = await startBackend();
    const header = openSink({ url: backend.url, headers: { authorization: () => never } });
    expect((await givenUpAt(header, SPANS, 'preparing')).phases).toEqual(['preparing']);
    const resource = { attributes: {}, asyncAttributesPending: true, waitForAsyncAttributes: () => never };
    const detecting = [spanWith({ resource: resource as never })];
    expect((await givenUpAt(openSink({ url: backend.url }), detecting, 'preparing')).phases).toEqual(['preparing']);
    expect(backend.connections).toBe(0);
  });

  it('that waits for a connection has sent nothing, while another one is sending', async () => {
    const server = await recorder(() => 'never');
    const sink = openSink({ url: server.url });
    const sending = new Follower();
    const attempt = sink.export(batchOf(largeBatch(1, 3_000)), sending).subscribe();
    await sending.reaches('sending');
    expect(sending.phases).toEqual(['preparing', 'connecting', 'sending']);
    attempt.unsubscribe();
  });

  it('whose connection is refused fails with connectionRefused', async () => {
    const port = await closedPort();
    const follower = new Follower();
    const exported = openSink({ url: `http://127.0.0.1:${port}/x` }).export(batchOf(SPANS), follower);
    await expect(lastValueFrom(exported)).rejects.toMatchObject({
      message: `no answer from http://127.0.0.1:${port}/x while connecting: connect ECONNREFUSED 127.0.0.1:${port}`,
      failure: { kind: 'retryable', connectionRefused: true },
    });
    expect(follower.phases).toEqual(['preparing', 'connecting']);
  });
});

describe('a status', () => {
  it.each([
    [200, {}, { message: 'the answer broke off after its status' }],
    [400, {}, { failure: { kind: 'permanent' } }],
    [503, {}, { failure: { kind: 'retryable' } }],
    [429, { 'retry-after': '60' }, { failure: { kind: 'throttled', retryAfterMillis: 60_000 } }],
  ])('%i is told as soon as it is there, and counts when the body stands still', async (status, headers, meaning) => {
    const server = await rawServer(({ socket }) => {
      socket.write(rawAnswer(status, { ...headers, 'content-length': 10 }, ''));
    });
    const follower = new Follower();
    const exported = lastValueFrom(openSink({ url: server.url }).export(batchOf(SPANS), follower));
    const result = exported.catch((error: unknown) => error);
    await follower.reaches('reading');
    expect(follower.answer).toMatchObject(meaning);
    // It does not wait for the timeout of the attempt, which is not reached here.
    expect(await result).toMatchObject(meaning);
    expect((await result) instanceof ExportError).toBe('failure' in meaning);
    await server.until(({ closedConnections }) => closedConnections === 1);
  });

  it('counts when the deadline of an export without an attempt is over while its body comes', async () => {
    const server = await rawServer(({ socket }) => {
      socket.write(rawAnswer(200, { 'transfer-encoding': 'chunked' }, '1\r\nx\r\n'));
    });
    // Those of RxJS, which the deadline has, and not those of undici.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const answered = answerBegins();
    const response = lastValueFrom(openSink({ url: server.url, timeoutMillis: 300 }).export(batchOf(SPANS)));
    await answered;
    vi.advanceTimersByTime(300);
    expect(await response).toEqual({ message: 'the answer broke off after its status' });
  });
});

describe('an export without an attempt', () => {
  it('has the deadline of the sink', async () => {
    const backend = await startBackend({ answers: 'hang' });
    const exported = openSink({ url: backend.url, timeoutMillis: 50 }).export(batchOf(SPANS));
    await expect(lastValueFrom(exported)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('with an attempt has no deadline of the sink: the caller keeps its own', async () => {
    const server = await rawServer(() => {});
    const sink = openSink({ url: server.url, timeoutMillis: 1 });
    const follower = new Follower();
    const exported = lastValueFrom(sink.export(batchOf(SPANS), follower));
    await server.until(({ requests }) => requests.length === 1);
    // Other exports, which the sink ends at its own limit, take longer than that.
    await expect(lastValueFrom(sink.export(batchOf(SPANS)))).rejects.toMatchObject({ code: 'TIMEOUT' });
    // The other one may have arrived too.
    server.requests[0]?.socket.write(rawAnswer(200, { 'content-length': 0 }, ''));
    await expect(exported.catch((error: unknown) => error)).resolves.toEqual({});
  });
});
