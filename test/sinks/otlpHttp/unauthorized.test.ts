import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createLedger, exportTo, failover, type HeadersRequest } from '../../../src/index.ts';
import { exportOnce, failureOf, openSink, outcomeOf, SWIFT_RETRIES, startBackend } from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith(), spanWith()];

/** A token that is kept until the backend refuses it. */
function tokens() {
  const asked: (401 | undefined)[] = [];
  let fetched = 1;
  const authorization = ({ refused }: HeadersRequest) => {
    asked.push(refused);
    if (refused === 401) fetched += 1;
    return `Bearer ${fetched}`;
  };
  return { asked, authorization };
}

describe('401 to headers of a function', () => {
  it.each(['one header', 'all headers'])('is followed at once by one request with new ones: %s', async (kind) => {
    const { asked, authorization } = tokens();
    const all = (request: HeadersRequest) => ({ authorization: authorization(request) });
    const backend = await startBackend({ answers: [{ status: 401 }, 'ok'] });
    const sink = openSink({ url: backend.url, headers: kind === 'one header' ? { authorization } : all });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    await exportOnce(sink, SPANS);
    expect(asked).toEqual([undefined, 401, undefined]);
    expect(backend.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 2']);
    expect([backend.spans, backend.connections]).toEqual([4, 1]);
  });

  it('counts as an attempt in the outcome and in the books, which add up, and leaves no duplicate', async () => {
    const { authorization } = tokens();
    const backend = await startBackend({ answers: [{ status: 401 }, 'ok', { status: 503 }, { status: 401 }, 'ok'] });
    const sink = openSink({ url: backend.url, headers: { authorization } });
    const ledger = createLedger();
    const exported = from([SPANS, SPANS]).pipe(exportTo(sink, { retry: SWIFT_RETRIES, concurrency: 1, ledger }));
    const outcomes = await lastValueFrom(exported.pipe(toArray()));
    expect(outcomes).toMatchObject([
      { delivered: 2, attempts: 2, lost: [] },
      { delivered: 2, attempts: 3, lost: [] },
    ]);
    const { delivered, possibleDuplicates, attempts, retries, pending, lost } = ledger.stats();
    expect([delivered, possibleDuplicates, attempts, retries, pending, lost]).toEqual([4, 0, 5, 3, 0, {}]);
    expect([backend.spans, backend.requestCount]).toEqual([4, 5]);
  });

  it('again is permanent', async () => {
    const { asked, authorization } = tokens();
    const backend = await startBackend({ answers: { status: 401 } });
    const outcome = await outcomeOf(openSink({ url: backend.url, headers: { authorization } }), SPANS);
    expect(outcome).toMatchObject({ delivered: 0, attempts: 2 });
    expect(outcome.lost).toEqual([{ count: 2, reason: 'permanent', stage: 'exportTo(otlpHttp)' }]);
    expect([asked, backend.requestCount]).toEqual([[undefined, 401], 2]);
  });

  it('whose new headers cannot be made is tried again later, without a request', async () => {
    const backend = await startBackend({ answers: [{ status: 401 }, 'ok'] });
    let refusals = 0;
    const authorization = async ({ refused }: HeadersRequest) => {
      if (refused === 401) refusals += 1;
      if (refused === 401) throw new Error('no token yet');
      return 'Bearer 1';
    };
    const outcome = await outcomeOf(openSink({ url: backend.url, headers: { authorization } }), SPANS);
    expect(outcome).toMatchObject({ delivered: 2, attempts: 3 });
    expect([refusals, backend.requestCount]).toEqual([1, 2]);
  });

  it('and then no answer is no answer: what the first request was answered counts no more', async () => {
    const { authorization } = tokens();
    const backend = await startBackend({ answers: [{ status: 401 }, 'hang'] });
    const sink = openSink({ url: backend.url, headers: { authorization } });
    const stop = new Subject<void>();
    const outcome = outcomeOf(sink, SPANS, { stopWhen: stop });
    await backend.until(({ requestCount }) => requestCount === 2);
    stop.next();
    expect(await outcome).toMatchObject({ delivered: 0, attempts: 2 });
    expect((await outcome).lost).toEqual([{ count: 2, reason: 'unconfirmed', stage: 'exportTo(otlpHttp)' }]);
  });

  it('and then a connection that breaks is an unknown outcome: it may arrive twice', async () => {
    const { authorization } = tokens();
    let requests = 0;
    const server = await rawServer(({ socket }) => {
      requests += 1;
      if (requests === 2) socket.resetAndDestroy();
      else socket.write(rawAnswer(requests === 1 ? 401 : 200, { 'content-length': 0 }, ''));
    });
    const outcome = await outcomeOf(openSink({ url: server.url, headers: { authorization } }), SPANS);
    expect(outcome).toMatchObject({ delivered: 2, attempts: 3, possibleDuplicates: 2 });
  });

  it('counts behind a failover, too', async () => {
    const { authorization } = tokens();
    const backend = await startBackend({ answers: [{ status: 401 }, 'ok'] });
    const other = await startBackend();
    const sink = failover(openSink({ url: backend.url, headers: { authorization } }), openSink({ url: other.url }));
    expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 2, attempts: 2 });
    expect([backend.spans, other.spans]).toEqual([2, 0]);
  });
});

describe('401 without functions for headers', () => {
  it('is permanent: the next request would be the same', async () => {
    const backend = await startBackend({ answers: { status: 401 } });
    const { failure } = await failureOf(openSink({ url: backend.url, headers: { authorization: 'Bearer 1' } }), SPANS);
    expect([failure, backend.requestCount]).toEqual([{ kind: 'permanent' }, 1]);
  });

  it.each([400, 403, 407])('%i is permanent with functions, too', async (status) => {
    const { authorization } = tokens();
    const backend = await startBackend({ answers: { status } });
    await failureOf(openSink({ url: backend.url, headers: { authorization } }), SPANS);
    expect(backend.requestCount).toBe(1);
  });
});
