import { AsyncLocalStorage } from 'node:async_hooks';
import { gzipSync } from 'node:zlib';
import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createLedger, type ExportError, exportTo, type Failure, type HeadersRequest } from '../../../src/index.ts';
import { openFetch, replaceFetch } from '../../support/fetchExports.ts';
import { batchOf, exportOnce, failureOf, outcomeOf, SWIFT_RETRIES, startBackend } from '../../support/httpExports.ts';
import { closedPort, rawAnswer, rawServer } from '../../support/httpServer.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith(), spanWith()];
const EMPTY = rawAnswer(200, { 'content-length': 0 }, '');
const STAGE = 'exportTo(otlpFetch)';

/** OTLP/HTTP "Failures", written down a second time. */
function kindOf(status: number): Failure['kind'] {
  if (status === 413) return 'tooLarge';
  return status === 429 || status === 502 || status === 503 || status === 504 ? 'retryable' : 'permanent';
}

/** What a browser's `fetch` throws, whatever has happened. */
const failedToFetch = () => Promise.reject(new TypeError('Failed to fetch'));

describe('an answer to fetch', () => {
  it('is a success from 200 to 299, and else what OTLP says of its status', async () => {
    const statuses = [200, 201, 202, 204, 299, 300, 304, 400, 403, 404, 413, 415, 429, 500, 501, 502, 503, 504, 599];
    const backend = await startBackend({ answers: (_, index) => ({ status: statuses[index] ?? 200 }) });
    const sink = openFetch({ url: backend.url });
    for (const status of statuses) {
      if (status < 300) expect(await exportOnce(sink, SPANS)).toEqual({});
      else expect([status, (await failureOf(sink, SPANS)).failure]).toEqual([status, { kind: kindOf(status) }]);
    }
  });

  it('is read: a partial success, Retry-After, the reason of a refusal', async () => {
    const backend = await startBackend({
      answers: [
        { partialSuccess: { rejected: 1, message: 'old' } },
        { status: 429, headers: { 'retry-after': '7' } },
        { status: 400, headers: { 'content-type': 'text/plain' }, body: 'no such tenant' },
      ],
    });
    const sink = openFetch({ url: backend.url });
    expect(await exportOnce(sink, SPANS)).toEqual({ rejected: 1, message: 'old' });
    expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'throttled', retryAfterMillis: 7_000 });
    expect((await failureOf(sink, SPANS)).message).toBe(`${backend.url} answered 400: no such tenant`);
  });

  it('is not followed where it is a redirect, as Node shows it and as browsers do', async () => {
    const backend = await startBackend({ answers: { status: 307, headers: { location: '/v1/logs' } } });
    const ofNode = await failureOf(openFetch({ url: backend.url }), SPANS);
    replaceFetch(async () => Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' }));
    const ofBrowsers = await failureOf(openFetch({ url: backend.url }), SPANS);
    expect([ofNode.failure, ofBrowsers.failure]).toEqual([{ kind: 'permanent' }, { kind: 'permanent' }]);
    expect([ofNode.message, ofBrowsers.message, backend.requestCount]).toEqual([
      expect.stringContaining('answered 307, and redirects are not followed') as string,
      `${backend.url} answered with a redirect, and redirects are not followed`,
      1,
    ]);
  });

  it('that is longer than maxResponseBytes, when it is decompressed, is a failure for good, and is left', async () => {
    const body = gzipSync(Buffer.alloc(1 << 20));
    const backend = await startBackend({ answers: { headers: { 'content-encoding': 'gzip' }, body } });
    const sink = openFetch({ url: backend.url, maxResponseBytes: 100_000 });
    expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'permanent', mayHaveArrived: true });
    const server = await rawServer(({ socket }) => {
      const more = () => {
        while (socket.writable && socket.write(`400\r\n${'x'.repeat(1_024)}\r\n`));
      };
      socket.write(rawAnswer(200, { 'transfer-encoding': 'chunked' }, ''));
      socket.on('drain', more);
      more();
    });
    const endless = openFetch({ url: server.url, maxResponseBytes: 100_000 });
    expect((await failureOf(endless, SPANS)).failure).toEqual({ kind: 'permanent', mayHaveArrived: true });
    await server.until(({ closedConnections }) => closedConnections === 1);
  });

  it('that breaks off behind its status counts by its status', async () => {
    const server = await rawServer(({ socket }) => {
      socket.write(rawAnswer(200, { 'content-length': 100 }, 'a'), () => socket.destroy());
    });
    const { message } = await exportOnce(openFetch({ url: server.url }), SPANS);
    expect(message).toBe('the answer broke off after its status');
  });

  it('401 to a function for headers is followed by one request with new ones, which the books count', async () => {
    const backend = await startBackend({ answers: [{ status: 401 }, 'ok', { status: 401 }] });
    const authorization = ({ refused }: HeadersRequest) => `Bearer ${refused ?? 'kept'}`;
    const ledger = createLedger();
    const sink = openFetch({ url: backend.url, headers: { authorization } });
    const options = { retry: SWIFT_RETRIES, concurrency: 1, ledger };
    await lastValueFrom(from([SPANS, SPANS]).pipe(exportTo(sink, options), toArray()));
    expect(ledger.stats()).toMatchObject({
      ...{ delivered: 2, lost: { permanent: 2 }, possibleDuplicates: 0, pending: 0 },
      ...{ attempts: 4, retries: 2 },
    });
    const sent = backend.requests.map(({ headers }) => headers.authorization);
    expect(sent).toEqual(['Bearer kept', 'Bearer 401', 'Bearer kept', 'Bearer 401']);
  });
});

describe('no answer to fetch', () => {
  it('is retryable where the error says that there was no connection', async () => {
    const port = await closedPort();
    const refused = await failureOf(openFetch({ url: `http://127.0.0.1:${port}/v1/traces` }), SPANS);
    expect(refused.failure).toEqual({ kind: 'retryable', connectionRefused: true });
    expect(refused.message).toContain(`while connecting: connect ECONNREFUSED 127.0.0.1:${port}`);
    const unknown = await failureOf(openFetch({ url: 'http://collector.invalid/v1/traces' }), SPANS);
    expect(unknown.failure).toEqual({ kind: 'retryable' });
  });

  it('is an unknown outcome where the connection broke: what is delivered later may be there twice', async () => {
    let requests = 0;
    const server = await rawServer(({ socket }) => {
      requests += 1;
      if (requests === 1) socket.resetAndDestroy();
      else socket.write(EMPTY);
    });
    const outcome = await outcomeOf(openFetch({ url: server.url }), SPANS);
    expect(outcome).toMatchObject({ delivered: 2, attempts: 2, possibleDuplicates: 2 });
  });

  it('is an unknown outcome where a browser says nothing: what never arrives counts as unconfirmed', async () => {
    replaceFetch(failedToFetch);
    const ledger = createLedger();
    const outcome = await outcomeOf(openFetch({}), SPANS, { ledger });
    expect(outcome).toMatchObject({
      delivered: 0,
      attempts: 3,
      lost: [{ count: 2, reason: 'unconfirmed', stage: STAGE }],
    });
    expect(outcome.error).toMatchObject({ failure: { kind: 'unknownOutcome' } satisfies ExportError['failure'] });
    expect(outcome.error?.message).toContain('http://localhost:4318/v1/traces while sending: Failed to fetch');
    expect(ledger.stats()).toMatchObject({ accepted: 2, delivered: 0, lost: { unconfirmed: 2 }, pending: 0 });
  });
});

describe('unsubscribing', () => {
  it('aborts the request', async () => {
    const server = await rawServer(() => {});
    const attempt = openFetch({ url: server.url }).export(batchOf(SPANS)).subscribe();
    await server.until(({ requests }) => requests.length === 1);
    attempt.unsubscribe();
    await server.until(({ closedConnections }) => closedConnections === 1);
  });

  it('at the deadline of an attempt makes it an unknown outcome', async () => {
    const server = await rawServer(() => {});
    const stop = new Subject<void>();
    const outcome = outcomeOf(openFetch({ url: server.url }), SPANS, { stopWhen: stop });
    await server.until(({ requests }) => requests.length === 1);
    stop.next();
    expect((await outcome).lost).toEqual([{ count: 2, reason: 'unconfirmed', stage: STAGE }]);
  });

  it('before anything was sent sends nothing', async () => {
    let requests = 0;
    replaceFetch(async () => {
      requests += 1;
      return new Response();
    });
    openFetch({}).export(batchOf(SPANS)).subscribe().unsubscribe();
    await new Promise(setImmediate);
    expect(requests).toBe(0);
  });
});

describe('a sink on fetch', () => {
  it('refuses exports after its shutdown', async () => {
    const sink = openFetch({});
    await sink.shutdown?.();
    expect(await failureOf(sink, SPANS)).toMatchObject({
      failure: { kind: 'permanent' },
      message: 'otlpFetch was shut down',
    });
  });

  it('calls fetch outside the context of whoever exports', async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    replaceFetch(async () => {
      seen.push(request.getStore());
      return new Response();
    });
    await request.run('a request', () => exportOnce(openFetch({}), SPANS));
    expect(seen).toEqual([undefined]);
  });
});
