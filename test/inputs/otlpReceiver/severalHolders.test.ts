// Requests whose batches have several holders, of which one loses items.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { filter, type Observable } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Batch, ExportError, exportTo, fanOut, inBatches, rebatch, type Sink } from '../../../src/index.ts';
import { otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { post, requestOf } from './support.ts';

const GOOD: Sink<ReadableSpan> = { name: 'good', export: async () => ({}) };
const REFUSING = failing('refusing', { kind: 'permanent' });
const DOWN = failing('down', { kind: 'retryable' });
const ONCE = { retry: { maxAttempts: 1 } };

function failing(name: string, failure: ConstructorParameters<typeof ExportError>[0]): Sink<ReadableSpan> {
  return { name, export: () => Promise.reject(new ExportError(failure, name)) };
}

/** How a request of two spans is answered. */
async function answerWith(subscribe: (traces$: Observable<Batch<ReadableSpan>>) => void): Promise<number> {
  const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' });
  onTestFinished(() => receiver.shutdown());
  subscribe(receiver.traces$);
  const { http } = await receiver.listen();
  return (await post(http?.url ?? '', requestOf(2))).status;
}

describe('a request is to be sent again (503) where one holder has lost items that may be tried again, and another one', () => {
  test('takes all out', async () => {
    const status = await answerWith((traces$) => {
      traces$.pipe(inBatches(filter(() => false)), exportTo(GOOD)).subscribe();
      traces$.pipe(exportTo(DOWN, ONCE)).subscribe();
    });
    expect(status).toBe(503);
  });

  test('delivers as many, and takes the others out', async () => {
    let calls = 0;
    const half: Sink<ReadableSpan> = { name: 'half', export: (batch) => (calls++ === 1 ? DOWN : GOOD).export(batch) };
    let seen = 0;
    const status = await answerWith((traces$) => {
      traces$.pipe(inBatches(filter(() => seen++ === 0)), exportTo(GOOD)).subscribe();
      traces$.pipe(rebatch({ maxExportBatchSize: 1 }), exportTo(half, { ...ONCE, concurrency: 1 })).subscribe();
    });
    expect(status).toBe(503);
  });

  test('loses all for good', async () => {
    const status = await answerWith((traces$) => {
      traces$.pipe(exportTo(REFUSING)).subscribe();
      traces$.pipe(exportTo(DOWN, ONCE)).subscribe();
    });
    expect(status).toBe(503);
  });

  test('is a branch that loses all for good', async () => {
    const branches = { refusing: { sink: REFUSING }, down: { sink: DOWN, ...ONCE } };
    expect(await answerWith((traces$) => traces$.pipe(fanOut(branches)).subscribe())).toBe(503);
  });
});

test('a request is refused for good (400) where one holder refuses all, and another one takes all out', async () => {
  const status = await answerWith((traces$) => {
    traces$.pipe(inBatches(filter(() => false)), exportTo(GOOD)).subscribe();
    traces$.pipe(exportTo(REFUSING)).subscribe();
  });
  expect(status).toBe(400);
});
