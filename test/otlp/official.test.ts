import assert from 'node:assert/strict';
import { context, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import * as sdk3 from '@opentelemetry/sdk-trace';
import * as sdk2 from 'opentelemetry-sdk-trace-2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { traceRequest } from '../support/otlpSchema.ts';
import { requestJsonOf } from '../support/spanJson.ts';
import { generatedSpans } from '../support/spans.ts';
import { decodeRequest } from '../support/wire.ts';

function official(spans: ReadableSpan[]): Uint8Array {
  const bytes = ProtobufTraceSerializer.serializeRequest(spans);
  assert.ok(bytes);
  return bytes;
}

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterAll(() => {
  context.disable();
});

/** Spans of the real SDK: nested, with events, links, errors and attributes of every kind. */
function realSpans({ InMemorySpanExporter, SimpleSpanProcessor, TracerProvider }: typeof sdk3): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop', list: ['a', 'b'] }, { schemaUrl: 'https://schema' }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('tests', '1.2.3', { schemaUrl: 'https://scope' });
  const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: true };
  const parent = tracer.startSpan('request', { kind: SpanKind.SERVER }, trace.setSpanContext(context.active(), remote));
  const links = [{ context: remote, attributes: { 'link.kind': 'retry' } }];
  const child = tracer.startSpan('query', { kind: SpanKind.CLIENT, links }, trace.setSpan(context.active(), parent));
  child.setAttributes({ text: 'Grüße 🛒', whole: 42, part: 0.5, flag: true, list: [1, 2, 3], words: ['x', ''] });
  child.addEvent('retry', { attempt: 2 });
  child.recordException(new Error('gone'));
  child.setStatus({ code: 2, message: 'gone' });
  child.end();
  parent.end();
  return exporter.getFinishedSpans();
}

describe('the official encoder', () => {
  // The same classes by the same names: the tests need no more of the older one's types than that.
  test.each([
    ['3.x', sdk3],
    ['2.x', sdk2 as unknown as typeof sdk3],
  ])('says of the real spans of SDK %s what ours says', (_, sdk) => {
    const spans = realSpans(sdk);
    const ours = decodeRequest(encodeTraces(spans));
    expect(spans.map(({ name }) => name)).toEqual(['query', 'request']);
    assert.deepStrictEqual(decodeRequest(official(spans)), ours);
    assert.deepStrictEqual(requestJsonOf(spans), ours);
  });

  test('says of 1,000 generated spans what ours says, in bytes too once its explicit zeros are gone', () => {
    for (let seed = 0; seed < 10; seed++) {
      const spans = generatedSpans({ seed, count: 100 });
      const bytes = official(spans);
      assert.deepStrictEqual(decodeRequest(bytes), decodeRequest(encodeTraces(spans)));
      expect(Buffer.compare(traceRequest.encode(traceRequest.decode(bytes)), encodeTraces(spans))).toBe(0);
    }
  });

  test('takes decoded spans as its own', () => {
    const spans = generatedSpans({ seed: 3, count: 50 });
    const decoded = decodeTraces(encodeTraces(spans));
    assert.deepStrictEqual(decodeRequest(official(decoded)), decodeRequest(encodeTraces(decoded)));
  });
});
