import type { MeterProvider } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exponentialBackoff, otlpHttp, type Sink, spanPipeline } from '../../src/index.ts';
import { statsToMetrics } from '../../src/observability/index.ts';
import { otlpGrpc } from '../../src/sinks/otlpGrpc/index.ts';
import { type BackendScript, otlpBackend } from '../../src/testing/index.ts';
import { grpcBackend } from '../support/grpcBackend.ts';
import { spanWith } from '../support/spans.ts';
import { DURATION, metered, type Reading, SPAN } from './support.ts';

async function backendWith(answers: BackendScript) {
  const backend = await otlpBackend({ answers });
  onTestFinished(() => backend.close());
  return backend;
}

/** Ours, with metrics. */
function ours(sink: Sink<never>, meterProvider: MeterProvider, maxQueueSize = 100): SpanProcessor {
  const retry = { backoff: exponentialBackoff({ initialMillis: 1, maxMillis: 1 }), maxAttempts: 2 };
  const pipeline = spanPipeline({ sink, environment: {}, scheduledDelayMillis: 1, retry, maxQueueSize });
  statsToMetrics(pipeline, { meterProvider });
  return pipeline.processor;
}

/** Ends so many spans, exports them, shuts down, and ends one more. */
async function run(processor: SpanProcessor, spans: number): Promise<void> {
  for (let count = 0; count < spans; count += 1) processor.onEnd(spanWith());
  await processor.forceFlush().catch(() => {});
  await processor.shutdown();
  processor.onEnd(spanWith());
  await new Promise(setImmediate);
}

describe('the duration of an export has the status of its last attempt', () => {
  test.each<[string, BackendScript, object]>([
    ['a success', 'ok', { 'http.response.status_code': 200 }],
    ['a success after a retry', [{ status: 503 }, 'ok'], { 'http.response.status_code': 200 }],
    [
      'a partial success',
      { partialSuccess: { rejected: 1 } },
      { 'http.response.status_code': 200, 'error.type': 'rejected' },
    ],
    ['a refusal', { status: 400 }, { 'http.response.status_code': 400, 'error.type': 'permanent' }],
    [
      'refusals for the time being',
      { status: 503 },
      { 'http.response.status_code': 503, 'error.type': 'retries_exhausted' },
    ],
    ['no answer after one', [{ status: 503 }, 'reset'], { 'error.type': 'unconfirmed' }],
  ])('over HTTP: %s', async (_, answers, attributes) => {
    const { meterProvider, read } = metered();
    const { url, port } = await backendWith(answers);
    await run(ours(otlpHttp({ url, environment: {} }), meterProvider), 2);
    const type = 'otlp_http_span_exporter';
    const component = { 'otel.component.type': type, 'otel.component.name': `${type}/0` };
    const duration = (await read()).find(DURATION);
    expect(duration?.attributes).toEqual({
      ...component,
      'server.address': '127.0.0.1',
      'server.port': port,
      ...attributes,
    });
    expect(duration?.value).toBe(1);
  });

  test.each([
    ['a success', 0, { 'rpc.status_code': 'OK' }],
    ['a refusal', 3, { 'rpc.status_code': 'INVALID_ARGUMENT', 'error.type': 'permanent' }],
  ])('over gRPC: %s', async (_, code, attributes) => {
    const { meterProvider, read } = metered();
    const { url, port } = await grpcBackend({ answers: { code } });
    await run(ours(otlpGrpc({ url, environment: {} }), meterProvider), 2);
    const duration = (await read()).find(DURATION);
    expect(duration?.attributes).toMatchObject({
      'otel.component.type': 'otlp_grpc_span_exporter',
      'server.port': port,
      ...attributes,
    });
  });
});

describe('beside the official processor and exporter', () => {
  const scripts: [string, BackendScript, number, object][] = [
    ['what is accepted', 'ok', 10, { processed: { ok: 10, already_shutdown: 1 }, exported: { ok: 10 } }],
    ['a full queue', 'ok', 103, { processed: { ok: 100, queue_full: 3, already_shutdown: 1 }, exported: { ok: 100 } }],
    [
      'a partial success',
      { partialSuccess: { rejected: 7 } },
      10,
      { processed: { ok: 10, already_shutdown: 1 }, exported: { ok: 3, rejected: 7 } },
    ],
    [
      'a refusal',
      { status: 400 },
      10,
      { processed: { ok: 10, already_shutdown: 1 }, exported: { ok: 0, permanent: 10 } },
    ],
  ];

  test.for(scripts)('%s', async ([, answers, spans, expected], { annotate }) => {
    const { url } = await backendWith(answers);
    const [mine, theirs] = [metered(), metered()];
    await run(ours(otlpHttp({ url, environment: {} }), mine.meterProvider), spans);
    await run(officialWith(OTLPTraceExporter, url, theirs.meterProvider), spans);
    const [read, official] = await Promise.all([mine.read(), theirs.read()]);
    expect(countsOf(read)).toEqual(expected);
    // What the official ones say is recorded, in the README of the folder, too, and not held against them here.
    await annotate(`official: ${JSON.stringify(countsOf(official))}`);
  });

  test('the same instruments, with the same units and attributes', async () => {
    const { url } = await backendWith('ok');
    const [mine, theirs] = [metered(), metered()];
    const processors = [
      ours(otlpHttp({ url, environment: {} }), mine.meterProvider),
      officialWith(OTLPTraceExporter, url, theirs.meterProvider),
    ];
    for (const processor of processors) {
      processor.onEnd(spanWith());
      await processor.forceFlush();
    }
    const [read, official] = await Promise.all([mine.read(), theirs.read()]);
    const shapes = ({ series }: Reading) =>
      Object.fromEntries(series.map(({ name, unit, attributes }) => [name, { unit, attributes }]));
    const found = shapes(read);
    for (const [name, { unit, attributes }] of Object.entries(shapes(official))) {
      expect(found[name]?.unit).toBe(unit);
      const { 'otel.component.name': number, ...others } = attributes;
      expect(found[name]?.attributes).toMatchObject(others);
      expect(number).toMatch(/_(processor|exporter)\/\d+$/);
    }
    expect(Object.keys(found).toSorted()).toEqual(Object.keys(shapes(official)).toSorted());
    await Promise.all(processors.map((processor) => processor.shutdown()));
  });

  test('JSON is told apart', async ({ annotate }) => {
    const { url } = await backendWith('ok');
    const [mine, theirs] = [metered(), metered()];
    await run(ours(otlpHttp({ url, encoding: 'json', environment: {} }), mine.meterProvider), 1);
    await run(officialWith(JsonExporter, url, theirs.meterProvider), 1);
    const [read, official] = await Promise.all([mine.read(), theirs.read()]);
    expect(read.find(SPAN.exported)?.attributes).toMatchObject({
      'otel.component.type': 'otlp_http_json_span_exporter',
    });
    await annotate(`official: ${official.find(SPAN.exported)?.attributes['otel.component.type']}`);
  });

  test('a call of gRPC has a status by its name', async ({ annotate }) => {
    const { url } = await grpcBackend({ answers: { code: 3 } });
    const [mine, theirs] = [metered(), metered()];
    await run(ours(otlpGrpc({ url, environment: {} }), mine.meterProvider), 1);
    await run(officialWith(GrpcExporter, url, theirs.meterProvider), 1);
    const [read, official] = await Promise.all([mine.read(), theirs.read()]);
    expect(read.find(DURATION)?.attributes).toMatchObject({ 'rpc.status_code': 'INVALID_ARGUMENT' });
    await annotate(`official: ${JSON.stringify(official.find(DURATION)?.attributes)}`);
  });
});

function countsOf(reading: Reading) {
  return { processed: reading.byError(SPAN.processed), exported: reading.byError(SPAN.exported) };
}

function officialWith(
  Exporter: new (options: never) => SpanExporter,
  url: string,
  meterProvider: MeterProvider,
): SpanProcessor {
  const exporter = new Exporter({ url, timeoutMillis: 1_000, selfObsMeterProvider: meterProvider } as never);
  return new BatchSpanProcessor({ exporter, maxQueueSize: 100, selfObsMeterProvider: meterProvider } as never);
}
