// The recorded requests through a receiver, rebatch and two sinks.

import { isDeepStrictEqual } from 'node:util';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { fanOut, type Response, rebatch, runPipeline } from '../../../src/index.ts';
import { otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { ExportError } from '../../../src/model/sink.ts';
import { decodeTraces } from '../../../src/otlp/index.ts';
import { astronomy } from '../../support/data.ts';
import { spanJson } from '../../support/spanJson.ts';
import { post } from './support.ts';

/** Keeps what it is given, and refuses each batch that holds such a span as often as told. */
function keeping(name: string, refuses: (span: ReadableSpan) => boolean = () => false) {
  const spans: ReadableSpan[] = [];
  const refused: ReadableSpan[] = [];
  const sink = {
    name,
    export: async ({ items }: { readonly items: readonly ReadableSpan[] }): Promise<Response> => {
      if (items.some(refuses)) {
        refused.push(...items);
        throw new ExportError({ kind: 'permanent' }, 'refused');
      }
      spans.push(...items);
      return {};
    },
  };
  return { sink, spans, refused };
}

test('each span of the recorded requests arrives at both sinks, field by field, and the requests of what one refuses fail, and only those', async () => {
  const requests = [...astronomy().requests()].slice(0, 60);
  const sent = requests.map((bytes) => decodeTraces(bytes));
  const all = sent.flat();
  const [bad] = sent[7] ?? [];
  const badId = bad?.spanContext().spanId;
  const main = keeping('main');
  const picky = keeping('picky', (span) => span.spanContext().spanId === badId);
  const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' });
  const pipeline = runPipeline(
    receiver,
    receiver.traces$.pipe(
      rebatch<ReadableSpan>({ maxExportBatchSize: 500, scheduledDelayMillis: 10 }),
      fanOut({ main: main.sink, picky: picky.sink }, { retry: { maxAttempts: 1 } }),
    ),
  );
  const { http } = await receiver.listen();
  const statuses: number[] = [];
  for (let index = 0; index < requests.length; index += 6) {
    const few = requests.slice(index, index + 6);
    statuses.push(...(await Promise.all(few.map(async (body) => (await post(http?.url ?? '', body)).status))));
  }
  await pipeline.shutdown();

  const arrived = new Map(main.spans.map((span) => [span.spanContext().spanId, span]));
  const differing = all.filter((span) => {
    const twin = arrived.get(span.spanContext().spanId);
    return twin === undefined || !isDeepStrictEqual(spanJson(twin), spanJson(span));
  });
  expect([main.spans.length, differing.length]).toEqual([all.length, 0]);

  const lostIds = new Set(picky.refused.map((span) => span.spanContext().spanId));
  const isConcerned = (spans: readonly ReadableSpan[]) => spans.some((span) => lostIds.has(span.spanContext().spanId));
  const isWhollyLost = (spans: readonly ReadableSpan[]) =>
    spans.every((span) => lostIds.has(span.spanContext().spanId));
  expect(picky.spans.length + picky.refused.length).toBe(all.length);
  // For good: all of a request, or a part of it, which is a partial success.
  for (const [index, spans] of sent.entries())
    expect(statuses[index]).toBe(isConcerned(spans) && isWhollyLost(spans) ? 400 : 200);
  expect(lostIds.has(badId ?? '')).toBe(true);
});
