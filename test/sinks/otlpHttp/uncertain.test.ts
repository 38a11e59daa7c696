import { from, lastValueFrom, map, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createLedger, exponentialBackoff, exportTo } from '../../../src/index.ts';
import { openSink } from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import { spanWith } from '../../support/spans.ts';

const retry = { backoff: exponentialBackoff({ initialMillis: 1, maxMillis: 5 }), maxAttempts: 4 };
const EMPTY = rawAnswer(200, { 'content-length': 0 }, '');

const batches = (count: number) => from(Array.from({ length: count }, () => [spanWith(), spanWith()]));

describe('a backend that stores what it does not answer for', () => {
  it('and takes it again has it twice: that is counted', async () => {
    let requests = 0;
    const server = await rawServer(({ socket }) => {
      requests += 1;
      if (requests === 1) socket.resetAndDestroy();
      else socket.write(EMPTY);
    });
    const ledger = createLedger();
    const exported = batches(3).pipe(exportTo(openSink({ url: server.url }), { concurrency: 1, retry, ledger }));
    const outcomes = await lastValueFrom(exported.pipe(toArray()));
    expect(outcomes.map(({ delivered }) => delivered)).toEqual([2, 2, 2]);
    expect(outcomes.map(({ possibleDuplicates = 0 }) => possibleDuplicates).sort()).toEqual([0, 0, 2]);
    expect(ledger.stats()).toMatchObject({ delivered: 6, possibleDuplicates: 2, pending: 0 });
  });

  it.each([400, 401, 413])('and refuses it with %i afterwards may have it: it is unconfirmed', async (status) => {
    let requests = 0;
    const server = await rawServer(({ socket }) => {
      requests += 1;
      if (requests === 1) socket.resetAndDestroy();
      else socket.write(rawAnswer(status, { 'content-length': 0 }, ''));
    });
    const ledger = createLedger();
    await lastValueFrom(batches(1).pipe(exportTo(openSink({ url: server.url }), { retry, ledger })));
    expect(ledger.stats()).toMatchObject({ delivered: 0, lost: { unconfirmed: 2 }, pending: 0 });
  });
});

describe('a backend that says when to come back', () => {
  it('gets what was in flight and nothing else before, though many batches come', async () => {
    const askedAt: number[] = [];
    const server = await rawServer(({ socket }) => {
      askedAt.push(performance.now());
      const answer = askedAt.length <= 8 ? rawAnswer(429, { 'retry-after': 1, 'content-length': 0 }, '') : EMPTY;
      socket.write(answer);
    });
    const exported = batches(40).pipe(exportTo(openSink({ url: server.url }), { concurrency: 8, retry }));
    const outcomes = await lastValueFrom(
      exported.pipe(
        map(({ delivered }) => delivered),
        toArray(),
      ),
    );
    expect(outcomes).toEqual(Array.from({ length: 40 }, () => 2));
    const [first = 0] = askedAt;
    // A second after the first refusal was read, which is after it was asked: eight were in flight, or fewer if that one was read before the others were sent.
    const early = askedAt.filter((at) => at - first < 1_000);
    expect(early.length).toBeLessThanOrEqual(8);
  });
});
