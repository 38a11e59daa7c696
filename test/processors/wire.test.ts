import { createTraceState } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { adaptiveBatch, exportTo, otlpHttp } from '../../src/index.ts';
import { decodeMetrics, decodeTraces, encodeMetrics, encodeTraces, viewTraces } from '../../src/otlp/index.ts';
import { enrich, type MetricDataPoint, redact, spanMetrics, tailSample } from '../../src/processors/index.ts';
import { otlpBackend } from '../../src/testing/index.ts';
import { field } from '../support/bombs.ts';
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

describe('what comes twice in a received span, of which the last counts, does not get past a redaction', () => {
  const CARD = '4111 1111 1111 1111';
  const text = (value: string) => field(1, Buffer.from(value));
  const keyValue = (key: string, ...values: Buffer[]) => [text(key), ...values.map((value) => field(2, value))];
  const twice = (number: number, key: string) => [
    field(number, ...keyValue(key, text(CARD))),
    field(number, ...keyValue(key, text('ok'))),
  ];
  const map = field(6, ...twice(1, 'k'));
  const ids = [field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 1))];
  const another = field(9, ...keyValue('other', text('4222 2222 2222 2222')));
  const requestOf = (resource: Buffer[], span: Buffer[]) =>
    field(1, field(1, ...resource), field(2, field(2, ...ids, ...span)));

  test.each<[string, Buffer[], Buffer[]?]>([
    ['an attribute', twice(9, 'k')],
    ['an attribute beside one that is replaced', [another, ...twice(9, 'k')]],
    ['a value of an attribute', [field(9, ...keyValue('k', text(CARD), text('ok')))]],
    ['a text of a value', [field(9, ...keyValue('k', Buffer.concat([text(CARD), text('ok')])))]],
    ['a key of a map', [field(9, ...keyValue('map', map))]],
    ['a key of a map in an array', [field(9, ...keyValue('list', field(5, field(1, map))))]],
    ['an attribute of an event', [field(11, ...twice(3, 'k'))]],
    ['an attribute of a link', [field(13, ...ids, ...twice(4, 'k'))]],
    ['the message of a status', [field(15, field(2, Buffer.from(CARD)), field(2, Buffer.from('ok')))]],
    ['the status', [field(15, field(2, Buffer.from(CARD))), field(15, field(2, Buffer.from('ok')))]],
    ['an attribute of the resource', [], twice(1, 'k')],
    ['a key of a map of the resource', [], [field(1, ...keyValue('map', map))]],
  ])('%s', async (_, span, resource = []) => {
    const body = requestOf(resource, span);
    expect(Buffer.from(body).includes(CARD)).toBe(true);
    const patterns = [/\b\d{4}(?:[ -]?\d{4}){3}\b/];
    const redacted = await lastValueFrom(of(...viewTraces(body)).pipe(redact({ patterns }), toArray()));
    expect(redacted).toHaveLength(1);
    const sent = Buffer.from(encodeTraces(redacted));
    expect(sent.includes(CARD)).toBe(false);
    expect(sent.includes('ok')).toBe(true);
  });
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
