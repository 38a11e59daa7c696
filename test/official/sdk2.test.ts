import { SpanStatusCode } from '@opentelemetry/api';
import * as sdk2 from 'opentelemetry-sdk-trace-2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { otlpHttp, type Sink, spanPipeline } from '../../src/index.ts';
import { startBackend } from '../support/httpExports.ts';
import { burst } from '../support/httpOfficial.ts';
import { type RequestJson, spansOf } from '../support/otlpJson.ts';
import { decodeRequest } from '../support/wire.ts';

/** A provider of SDK 2 whose spans end in our processor. */
async function startSdk2() {
  const backend = await startBackend({ decode: (body) => decodeRequest(body) });
  const sink = otlpHttp({ url: backend.url, environment: {} });
  const pipeline = spanPipeline({ sink, environment: {} });
  const provider = new sdk2.TracerProvider({ spanProcessors: [pipeline.processor] });
  onTestFinished(() => provider.shutdown());
  return { backend, pipeline, provider, tracer: provider.getTracer('two', '1.0') };
}

describe('SDK 2', () => {
  it('gives our processor its spans, with all that is in them', async () => {
    const { backend, pipeline, provider, tracer } = await startSdk2();
    const parent = tracer.startSpan('parent', { kind: 1, attributes: { 'http.route': '/cart' } });
    const links = [{ context: parent.spanContext(), attributes: { why: 'test' } }];
    const child = tracer.startSpan('child', { links, startTime: [1_700_000_000, 123_456_789] });
    child.addEvent('cache miss', { key: 'k' }).setStatus({ code: SpanStatusCode.ERROR, message: 'no' }).end();
    parent.end();
    await provider.forceFlush();
    const [first, second] = backend.requests.flatMap(({ decoded }) => [...spansOf(decoded as RequestJson)]);
    expect(first).toMatchObject({
      name: 'child',
      startTimeUnixNano: '1700000000123456789',
      events: [{ name: 'cache miss' }],
      links: [{ spanId: parent.spanContext().spanId }],
      status: { code: 2, message: 'no' },
    });
    expect(second).toMatchObject({ name: 'parent', spanId: parent.spanContext().spanId });
    expect(pipeline.stats()).toMatchObject({ delivered: 2, lost: {}, pending: 0 });
  });

  it('loses none of a burst of 10,000', async () => {
    const { backend, provider, tracer } = await startSdk2();
    burst(tracer, 10_000);
    await provider.forceFlush();
    expect(backend.spans).toBe(10_000);
  });

  it('leaves out what is not sampled', async () => {
    const pipeline = spanPipeline({ sink: neverCalled(), environment: {} });
    const sampler = new sdk2.AlwaysOffSampler();
    const provider = new sdk2.TracerProvider({ sampler, spanProcessors: [pipeline.processor] });
    provider.getTracer('two').startSpan('unsampled').end();
    await provider.forceFlush();
    await provider.shutdown();
    expect(pipeline.stats().offered).toBe(0);
  });
});

function neverCalled(): Sink<never> {
  return {
    name: 'neverCalled',
    export: () => {
      throw new Error('it was called');
    },
  };
}
