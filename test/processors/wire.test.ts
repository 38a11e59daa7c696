import { createTraceState } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { lastValueFrom, of, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { adaptiveBatch, exportTo, otlpHttp } from '../../src/index.ts';
import { decodeMetrics, decodeTraces, encodeMetrics, encodeTraces, viewTraces } from '../../src/otlp/index.ts';
import { enrich, type MetricDataPoint, redact, spanMetrics, tailSample } from '../../src/processors/index.ts';
import { otlpBackend } from '../../src/testing/index.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';

const EXPONENTIAL_HISTOGRAM = 1;
const SUM = 3;
const SHOP = { 'service.name': 'shop' };

test('received spans are redacted, enriched and sampled, and sent on: the threshold is on the wire', async () => {
  const traceId = '0123456789abcdef01f0000000000000'; // its randomness is f0000000000000
  const traceState = createTraceState('vendor=1,ot=th:8');
  const context = { traceId, spanId: '0123456789abcdef', traceFlags: 1, traceState };
  const original = spanWith({ spanContext: () => context, attributes: { 'user.pin': '1234', a: 1 } });
  const received = decodeTraces(encodeTraces([original]));
  const processed = await lastValueFrom(
    of(...received).pipe(
      redact({ keys: ['user.pin'] }),
      enrich({ region: 'eu' }),
      tailSample({ policies: [{ kind: 'probabilistic', ratio: 0.1 }] }),
      toArray(),
    ),
  );
  const [sent] = decodeTraces(encodeTraces(processed));
  expect(sent?.attributes).toEqual({ 'user.pin': '[redacted]', a: 1, region: 'eu' });
  expect(sent?.spanContext().traceState?.serialize()).toBe('ot=th:e666,vendor=1');
  expect(received[0]?.attributes).toEqual({ 'user.pin': '1234', a: 1 });
  expect(received[0]?.spanContext().traceState?.serialize()).toBe('vendor=1,ot=th:8');
});

test('the metrics of received spans decode none of their attributes', async () => {
  const body = encodeTraces([spanWith({ attributes: { key: 'a?b' }, resource: resourceFromAttributes(SHOP) })]);
  body[Buffer.from(body).indexOf('a?b') + 1] = 0xff;
  let malformed = 0;
  const onMalformedText = () => {
    malformed += 1;
  };
  const [span] = viewTraces(body, { onMalformedText });
  const points = await lastValueFrom(of(span as ReadableSpan).pipe(spanMetrics(), toArray()));
  expect(points[0]?.point.attributes).toMatchObject(SHOP);
  expect(malformed).toBe(0);
  expect(span?.attributes).toEqual({ key: 'a\ufffdb' });
  expect(malformed).toBe(1);
});

test('points of spans go over a real socket to a backend of metrics', async () => {
  const backend = await otlpBackend();
  try {
    const spans = generatedSpans({ count: 200 });
    const points = await lastValueFrom(
      of(...spans).pipe(spanMetrics({ epochMillis: () => 1_700_000_000_123.5 }), toArray()),
    );
    const decoded = decodeMetrics(encodeMetrics(points));
    const ofKind = (all: readonly MetricDataPoint[], kind: number) =>
      all.filter(({ metric }) => metric.dataPointType === kind).map(({ metric, point }) => ({ metric, point }));
    for (const kind of [SUM, EXPONENTIAL_HISTOGRAM]) expect(ofKind(decoded, kind)).toMatchObject(ofKind(points, kind));
    const sink = otlpHttp({ url: backend.url.replace('traces', 'metrics'), signal: 'metrics', environment: {} });
    const outcomes = await lastValueFrom(of(...points).pipe(adaptiveBatch(), exportTo(sink), toArray()));
    expect(outcomes.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(points.length);
    await sink.shutdown?.();
  } finally {
    await backend.close();
  }
});
