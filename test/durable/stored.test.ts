// What becomes of `stored` on its way back: to a batcher, a fan-out, a port, and the sender of a request.

import { MessageChannel } from 'node:worker_threads';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { asapScheduler, from, lastValueFrom, merge, of, scheduled, share, throwError, toArray } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  adaptiveBatch,
  createLedger,
  ExportError,
  exportTo,
  fanOut,
  type Outcome,
  rebatch,
  type Sink,
} from '../../src/index.ts';
import { encodeTraces } from '../../src/otlp/index.ts';
import { requestShares } from '../../src/strategies/requestShares.ts';
import { fromPort, toPort } from '../../src/workers/index.ts';
import { open as openReceiver, PROTOBUF, requestOf } from '../inputs/otlpReceiver/support.ts';
import { brokenBooks } from '../support/books.ts';
import { generatedSpans } from '../support/spans.ts';
import { open } from './support.ts';

const storing: Sink<number> = { name: 'storing', export: ({ items }) => of({ stored: items.length }) };
const away: Sink<ReadableSpan> = {
  name: 'away',
  export: () => throwError(() => new ExportError({ kind: 'retryable' }, 'away')),
};

describe('stored items', () => {
  test('are handed on in the books of the batcher and of the export, and in none twice', async () => {
    const ledger = createLedger();
    const partly: Sink<number> = { name: 'partly', export: () => of({ stored: 2, rejected: 1, unencodable: 1 }) };
    const outcome = await lastValueFrom(
      from([1, 2, 3, 4, 5]).pipe(adaptiveBatch({ ledger }), exportTo(partly, { ledger })),
    );
    expect(outcome).toMatchObject({
      delivered: 1,
      rejected: 1,
      stored: 2,
      lost: [{ count: 1, reason: 'unencodable' }],
    });
    expect(ledger.stats()).toMatchObject({
      accepted: 5,
      delivered: 1,
      rejected: 1,
      handedOn: 2,
      removed: 0,
      pending: 0,
    });
    expect(brokenBooks(ledger.stats())).toEqual([]);
  });

  test('an answer that claims more than there was is cut', async () => {
    const boasting: Sink<number> = { name: 'boasting', export: () => of({ stored: 99 }) };
    expect(await lastValueFrom(of([1, 2]).pipe(exportTo(boasting)))).toMatchObject({ delivered: 0, stored: 2 });
  });

  test('count as safe where the branch that has delivered least speaks', async () => {
    const failing: Sink<number> = {
      name: 'failing',
      export: () => throwError(() => new ExportError({ kind: 'permanent' }, 'no')),
    };
    const ledger = createLedger();
    await lastValueFrom(
      from([1, 2]).pipe(adaptiveBatch({ ledger }), fanOut({ disk: storing, backend: failing }, { ledger }), toArray()),
    );
    expect(ledger.stats().stages.adaptiveBatch).toMatchObject({ lost: { permanent: 2 }, handedOn: 0, pending: 0 });
    expect(ledger.stats().routes.disk).toMatchObject({ handedOn: 2 });
  });

  test('count as safe where the holder of a batch that has delivered least speaks', async () => {
    const losing: Sink<number> = { name: 'losing', export: () => of({ unencodable: 1 }) };
    const ledger = createLedger();
    const batches$ = scheduled([1, 2], asapScheduler).pipe(adaptiveBatch<number>({ ledger }), share());
    await lastValueFrom(merge(batches$.pipe(exportTo(losing)), batches$.pipe(exportTo(storing))));
    expect(ledger.stats().stages.adaptiveBatch).toMatchObject({ delivered: 1, lost: { unencodable: 1 }, handedOn: 0 });
  });

  test('are shared out among requests; one that may have lost something has one stored item less', () => {
    const tally = {
      delivered: 0,
      rejected: 0,
      stored: 5,
      lost: [{ count: 1, reason: 'retriesExhausted', stage: 's' } as const],
    };
    const shares = requestShares(tally, [3, 3]);
    const sums = shares.map(({ stored = 0, lost }) => stored + lost.reduce((sum, { count }) => sum + count, 0));
    expect(sums).toEqual([3, 3]);
    expect(shares.every(({ lost }) => lost.length > 0)).toBe(true);
    expect(requestShares({ delivered: 0, rejected: 0, stored: 6, lost: [] }, [2, 4])).toMatchObject([
      { stored: 2 },
      { stored: 4 },
    ]);
  });

  test('come back through rebatch and through a port', async () => {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => {
      port1.close();
      port2.close();
    });
    const receiving = fromPort<number>(port2).pipe(exportTo(storing)).subscribe();
    onTestFinished(() => receiving.unsubscribe());
    const outcomes = await lastValueFrom(
      from([1, 2, 3]).pipe(adaptiveBatch<number>(), rebatch(), exportTo(toPort<number>(port1)), toArray()),
    );
    expect(outcomes).toMatchObject([{ delivered: 0, stored: 3, lost: [] } satisfies Partial<Outcome<number>>]);
  });

  test("make a receiver with acknowledge 'delivered' say OK, while the backend is away", async () => {
    const queue = open(away);
    const { url, receiver } = await openReceiver({ acknowledge: 'delivered' });
    const outcomes: Outcome<ReadableSpan>[] = [];
    const running = receiver.traces$.pipe(exportTo(queue)).subscribe((outcome) => outcomes.push(outcome));
    onTestFinished(() => running.unsubscribe());
    const body = requestOf(7) as Uint8Array<ArrayBuffer>;
    const { status } = await fetch(`${url}/v1/traces`, { method: 'POST', headers: PROTOBUF, body });
    expect(status).toBe(200);
    expect(queue.stats()).toMatchObject({ accepted: 7, pending: 7, disk: { items: 7 } });
    expect(outcomes).toMatchObject([{ stored: 7 }]);
  });

  test('what was received is written as the bytes that came', async () => {
    const spans = generatedSpans({ count: 20 });
    const sent: Uint8Array[] = [];
    const sink: Sink<ReadableSpan> = {
      name: 'bytes',
      export: ({ items }) => {
        sent.push(encodeTraces(items));
        return of({});
      },
    };
    const queue = open(sink, { flush: 'delivered' });
    await lastValueFrom(of(spans).pipe(exportTo(queue)));
    await queue.forceFlush();
    expect(sent).toEqual([encodeTraces(spans)]);
  });
});
