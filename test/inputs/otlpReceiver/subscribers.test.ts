import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ignoreElements, merge, mergeMap } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import {
  adaptiveBatch,
  createLedger,
  exportTo,
  type Ledger,
  rebatch,
  runPipeline,
  toMemory,
} from '../../../src/index.ts';
import { type OtlpReceiver, type OtlpReceiverOptions, otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { type MetricDataPoint, spanMetrics, statistics } from '../../../src/processors/index.ts';
import { checkBooks } from '../../properties/books.ts';
import { post, requestOf } from './support.ts';

const SPANS = 30; // of one request
const WHOLE = { offered: SPANS, accepted: SPANS, delivered: SPANS, removed: 0, pending: 0, lost: {}, between: 0 };

function receiving(options: OtlpReceiverOptions = {}): OtlpReceiver {
  const receiver = otlpReceiver({ http: { port: 0 }, ...options });
  onTestFinished(() => receiver.shutdown());
  return receiver;
}

async function send(receiver: OtlpReceiver): Promise<void> {
  const { http } = await receiver.listen();
  expect((await post(http?.url ?? '', requestOf(SPANS))).status).toBe(200);
}

const spansOf = ({ traces$ }: OtlpReceiver) => traces$.pipe(mergeMap(({ items }) => items));
const gatewayOf = ({ traces$ }: OtlpReceiver) => traces$.pipe(rebatch(), exportTo(toMemory<ReadableSpan>()));
const pointsOf = (receiver: OtlpReceiver, ledger?: Ledger) =>
  spansOf(receiver).pipe(spanMetrics({ dimensions: ['span.kind'], ...(ledger && { ledger }) }));

test.each(['before', 'after'])('a subscriber outside, %s the run, changes nothing in its books', async (order) => {
  const receiver = receiving();
  const seen: number[] = [];
  const look = () => {
    const counted$ = spansOf(receiver).pipe(statistics({ key: 'span.kind' }));
    counted$.subscribe(({ count }) => seen.push(count));
  };
  if (order === 'before') look();
  const pipeline = runPipeline(receiver, gatewayOf(receiver));
  if (order === 'after') look();
  await send(receiver);
  await pipeline.shutdown();
  expect(pipeline.stats()).toMatchObject(WHOLE);
  checkBooks(pipeline);
  expect(seen.reduce((sum, count) => sum + count, 0)).toBe(SPANS);
});

test('what is made of the spans has books of its own, in a run that is made after that of the receiver', async () => {
  const receiver = receiving();
  const points = toMemory<MetricDataPoint>();
  const pipeline = runPipeline(receiver, gatewayOf(receiver));
  const points$ = pointsOf(receiver);
  const metrics = runPipeline(points$, points$.pipe(adaptiveBatch(), exportTo(points)));
  await send(receiver);
  await pipeline.shutdown();
  await metrics.shutdown();
  expect(pipeline.stats()).toMatchObject(WHOLE);
  const made = points.items.length;
  expect(made).toBeGreaterThan(0);
  expect(metrics.stats()).toMatchObject({ offered: SPANS + made, removed: SPANS, delivered: made, between: 0 });
  for (const each of [pipeline, metrics]) checkBooks(each);
});

test('in one run they are best-effort routes, and the whole is that of the spans', async () => {
  const ledger = createLedger();
  const receiver = receiving({ ledger });
  const points = toMemory<MetricDataPoint>();
  const [ofPoints, ofConsole] = ['metrics', 'console'].map((name) => ledger.route(name, { required: false }));
  if (ofPoints === undefined || ofConsole === undefined) throw new Error('two routes');
  const exported$ = pointsOf(receiver, ofPoints).pipe(
    adaptiveBatch({ ledger: ofPoints }),
    exportTo(points, { ledger: ofPoints }),
  );
  const shown$ = spansOf(receiver).pipe(statistics({ key: 'span.kind', ledger: ofConsole }), ignoreElements());
  const pipeline = runPipeline(receiver, merge(gatewayOf(receiver), exported$, shown$));
  await send(receiver);
  await pipeline.shutdown();
  const made = points.items.length;
  expect(pipeline.stats()).toMatchObject({
    ...WHOLE,
    routes: { metrics: { delivered: made, removed: SPANS }, console: { delivered: 0, removed: SPANS } },
  });
  checkBooks(pipeline);
});

test('its queue counts once, however many subscribers there are', async () => {
  const receiver = receiving({ maxQueueSize: 1_000 });
  const pipeline = runPipeline(receiver, merge(spansOf(receiver), spansOf(receiver)).pipe(ignoreElements()));
  const outside = spansOf(receiver).subscribe();
  expect(pipeline.stats().queueCapacity).toBe(1_000);
  outside.unsubscribe();
  expect(pipeline.stats().queueCapacity).toBe(1_000);
  await pipeline.shutdown();
});
