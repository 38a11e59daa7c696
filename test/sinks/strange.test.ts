import { TraceFlags } from '@opentelemetry/api';
import { type ReadableSpan, type Span, TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type SpanPipeline, spanPipeline } from '../../src/index.ts';
import type { OtlpBackend } from '../../src/testing/index.ts';
import { openSink, recordWarnings, startBackend } from '../support/httpExports.ts';
import { type RequestJson, type SpanJson, spansOf } from '../support/otlpJson.ts';
import { spanWith } from '../support/spans.ts';
import { decodeRequest } from '../support/wire.ts';

/** A pipeline to a backend that reads by code that is not ours. */
async function startPipeline(): Promise<{ pipeline: SpanPipeline; backend: OtlpBackend }> {
  const backend = await startBackend({ decode: (body) => decodeRequest(body) });
  const sink = openSink({ url: backend.url });
  const pipeline = spanPipeline({ sink, environment: {}, exitDeadlineMillis: 0 });
  onTestFinished(() => pipeline.shutdown());
  return { pipeline, backend };
}

function arrivedAt(backend: OtlpBackend): SpanJson[] {
  return backend.requests.flatMap(({ decoded }) => [...spansOf(decoded as RequestJson)]);
}

/** A tracer whose ids are ours to choose. */
function tracerFor(pipeline: SpanPipeline) {
  let count = 0;
  const ids = { traceId: () => '', spanId: () => '' };
  const sound = {
    traceId: () => {
      count += 1;
      return count.toString(16).padStart(32, 'a');
    },
    spanId: () => count.toString(16).padStart(16, 'b'),
  };
  Object.assign(ids, sound);
  const idGenerator = { generateTraceId: () => ids.traceId(), generateSpanId: () => ids.spanId() };
  const tracer = new TracerProvider({ spanProcessors: [pipeline.processor], idGenerator }).getTracer('strange');
  const start = (name: string) => tracer.startSpan(name) as unknown as Span & ReadableSpan;
  const withIds = (odd: Partial<typeof ids>, name: string) => {
    Object.assign(ids, odd);
    const span = start(name);
    Object.assign(ids, sound);
    return span;
  };
  return { start, withIds };
}

const throws = (): never => {
  throw new Error('a getter of the program throws');
};
const circular: Record<string, unknown> = {};
circular.self = [circular];

function deep(): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < 10_000; level++) value = [value];
  return value;
}

/** What an instrumentation can do to a span of the real SDK while it runs: its attributes are a plain object. */
const UNENCODABLE: readonly [string, (span: ReadableSpan) => void][] = [
  ['a circular value', ({ attributes }) => Object.assign(attributes, { circular })],
  ['a value that is nested too deep', ({ attributes }) => Object.assign(attributes, { deep: deep() })],
  [
    'a getter that throws',
    ({ attributes }) => Object.defineProperty(attributes, 'x', { enumerable: true, get: throws }),
  ],
  [
    'an event whose attributes throw',
    ({ events }) =>
      void events.push({
        time: [1, 1],
        name: 'e',
        get attributes() {
          return throws();
        },
      }),
  ],
  ['a link without context', ({ links }) => void links.push({} as never)],
  ['a name that throws', (span) => Object.defineProperty(span, 'name', { get: throws })],
  ['a resource that throws', (span) => Object.defineProperty(span, 'resource', { get: throws })],
  ['a time that is no number', (span) => Object.assign(span, { startTime: [Number.NaN, 0] })],
];

describe('a span of the SDK with', () => {
  it.each(UNENCODABLE)('%s is counted as unencodable, and the rest of its batch arrives', async (_, spoil) => {
    const warnings = recordWarnings();
    const { pipeline, backend } = await startPipeline();
    const { start } = tracerFor(pipeline);
    start('before').end();
    const span = start('spoilt');
    spoil(span);
    expect(() => span.end()).not.toThrow();
    start('after').end();
    await pipeline.forceFlush();
    expect(arrivedAt(backend).map(({ name }) => name)).toEqual(['before', 'after']);
    expect(pipeline.stats()).toMatchObject({
      accepted: 3,
      delivered: 2,
      lost: { unencodable: 1 },
      pending: 0,
    });
    expect(warnings).toEqual(['spanflow: lost items: 1 unencodable at exportTo(otlpHttp)']);
  });

  it('wrong ids is counted as unencodable, and the rest of its batch arrives', async () => {
    const { pipeline, backend } = await startPipeline();
    const { start, withIds } = tracerFor(pipeline);
    start('before').end();
    withIds({ traceId: () => 'xyz' }, 'trace').end();
    withIds({ spanId: () => '' }, 'span').end();
    withIds({ traceId: () => '1'.repeat(31) }, 'short').end();
    start('after').end();
    await pipeline.forceFlush();
    expect(arrivedAt(backend).map(({ name }) => name)).toEqual(['before', 'after']);
    expect(pipeline.stats()).toMatchObject({ delivered: 2, lost: { unencodable: 3 }, pending: 0 });
  });

  it('NaN, infinities, BigInts, lone surrogates and bytes arrives', async () => {
    const { pipeline, backend } = await startPipeline();
    const span = tracerFor(pipeline).start('na\ud800me');
    span.setAttributes({ nan: Number.NaN, infinite: Number.NEGATIVE_INFINITY, surrogate: 'a\udc00b', 'ke\ud800y': 1 });
    // The SDK's own setter refuses these.
    Object.assign(span.attributes, { small: 5n, large: 2n ** 70n, bytes: Uint8Array.of(1, 2) });
    span.end();
    await pipeline.forceFlush();
    const [arrived] = arrivedAt(backend);
    expect(arrived?.name).toBe('na\ufffdme');
    expect(arrived?.attributes).toEqual([
      { key: 'nan', value: { doubleValue: 'NaN' } },
      { key: 'infinite', value: { doubleValue: '-Infinity' } },
      { key: 'surrogate', value: { stringValue: 'a\ufffdb' } },
      { key: 'ke\ufffdy', value: { intValue: '1' } },
      { key: 'small', value: { intValue: '5' } },
      { key: 'large', value: { stringValue: (2n ** 70n).toString() } },
      { key: 'bytes', value: { bytesValue: 'AQI=' } },
    ]);
    expect(pipeline.stats()).toMatchObject({ delivered: 1, lost: {} });
  });

  it('a function or a symbol arrives without it, and says so', async () => {
    const { pipeline, backend } = await startPipeline();
    const span = tracerFor(pipeline).start('span');
    Object.assign(span.attributes, { kept: true, work: () => {}, symbol: Symbol('s') });
    span.end();
    await pipeline.forceFlush();
    const [arrived] = arrivedAt(backend);
    expect(arrived?.attributes).toEqual([{ key: 'kept', value: { boolValue: true } }]);
    expect(arrived?.droppedAttributesCount).toBe(2);
  });
});

describe('a batch of unencodable spans only', () => {
  it('makes no request, and is counted', async () => {
    const { pipeline, backend } = await startPipeline();
    const { start } = tracerFor(pipeline);
    for (let count = 0; count < 10; count++) {
      const span = start('spoilt');
      Object.assign(span.attributes, { circular });
      span.end();
    }
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ delivered: 0, lost: { unencodable: 10 }, pending: 0 });
    expect(backend.connections).toBe(0);
  });

  it('does not stop what comes later', async () => {
    const { pipeline, backend } = await startPipeline();
    const { start } = tracerFor(pipeline);
    const outcomes: number[] = [];
    pipeline.outcomes$.subscribe(({ delivered }) => outcomes.push(delivered));
    const spoilt = start('spoilt');
    Object.assign(spoilt.attributes, { circular });
    spoilt.end();
    await pipeline.forceFlush();
    start('later').end();
    await pipeline.forceFlush();
    expect(outcomes).toEqual([0, 1]);
    expect(arrivedAt(backend).map(({ name }) => name)).toEqual(['later']);
  });
});

describe('a value that is no span', () => {
  it.each([
    ['null', null],
    ['a text', 'span'],
    ['an empty object', {}],
    ['a context that throws', { spanContext: throws }],
    ['a context that is not there', { spanContext: () => undefined }],
    ['a revoked proxy', revokedProxy()],
  ])('(%s) hurts nobody, and is counted as an error of a callback', async (_, odd) => {
    const { pipeline, backend } = await startPipeline();
    expect(() => pipeline.processor.onEnd(odd as never)).not.toThrow();
    pipeline.processor.onEnd(spanWith());
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ accepted: 1, delivered: 1, callbackErrors: 1 });
    expect(backend.spans).toBe(1);
  });

  it('(a context and nothing more) is counted as unencodable', async () => {
    const { pipeline, backend } = await startPipeline();
    const context = { ...spanWith().spanContext(), traceFlags: TraceFlags.SAMPLED };
    pipeline.processor.onEnd({ spanContext: () => context } as ReadableSpan);
    pipeline.processor.onEnd(spanWith());
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ accepted: 2, delivered: 1, lost: { unencodable: 1 }, pending: 0 });
    expect(backend.spans).toBe(1);
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
