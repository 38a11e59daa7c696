// Operators between the receiver and the next stage that throw, in a run.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, merge, type Observable } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Batch, exportTo, rebatch, runPipeline, type Sink } from '../../../src/index.ts';
import { otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { post, requestOf } from './support.ts';

const GOOD: Sink<ReadableSpan> = { name: 'good', export: async () => ({}) };

/** Throws for batches of more than one span. */
const fragile = map((batch: Batch<ReadableSpan>) => {
  if (batch.items.length > 1) throw new Error('mine');
  return batch;
});

const exported = (batches$: Observable<Batch<ReadableSpan>>) => batches$.pipe(rebatch(), exportTo(GOOD));

async function running(compose: (traces$: Observable<Batch<ReadableSpan>>) => Observable<unknown>) {
  const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' });
  const pipeline = runPipeline(receiver, compose(receiver.traces$));
  onTestFinished(() => pipeline.shutdown().then(() => receiver.shutdown()));
  const { http } = await receiver.listen();
  const send = async (count: number) => (await post(http?.url ?? '', requestOf(count))).status;
  return { pipeline, send };
}

describe('an operator behind a receiver that throws', () => {
  test('has its sender told to send again; the requests before and behind pass', async () => {
    const { pipeline, send } = await running((traces$) => exported(traces$.pipe(fragile)));
    expect([await send(1), await send(2), await send(1)]).toEqual([200, 503, 200]);
    const expected = { accepted: 4, delivered: 2, lost: { operatorFailed: 2 }, between: 0, pending: 0 };
    expect(pipeline.stats()).toMatchObject(expected);
  });

  test('and that is the last one', async () => {
    const { send } = await running((traces$) => traces$.pipe(fragile));
    expect([await send(1), await send(2), await send(1)]).toEqual([200, 503, 200]);
  });

  test('beside another subscriber that delivers the batch, whichever is first', async () => {
    for (const isFirst of [true, false]) {
      const { send } = await running((traces$) => {
        const ways = [exported(traces$.pipe(fragile)), exported(traces$)];
        return merge(...(isFirst ? ways : ways.reverse()));
      });
      expect([await send(1), await send(2), await send(1)]).toEqual([200, 503, 200]);
    }
  });

  test('behind the export takes nothing back', async () => {
    let count = 0;
    const throwing = map(() => {
      if (count++ === 1) throw new Error('mine');
    });
    const { send } = await running((traces$) => traces$.pipe(exportTo(GOOD), throwing));
    expect([await send(1), await send(2)]).toEqual([200, 200]);
  });
});
