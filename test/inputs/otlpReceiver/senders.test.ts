// Real senders: our sinks and the official exporters, of all signals, over both protocols.

import { isDeepStrictEqual } from 'node:util';
import { OTLPLogExporter as GrpcLogExporter } from '@opentelemetry/exporter-logs-otlp-grpc';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as GrpcMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exportTo, otlpHttp, type Sink } from '../../../src/index.ts';
import { type OtlpReceiver, otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { decodeTraces, encodeTraces } from '../../../src/otlp/index.ts';
import { otlpFetch } from '../../../src/sinks/otlpFetch/index.ts';
import { otlpGrpc } from '../../../src/sinks/otlpGrpc/index.ts';
import { astronomy } from '../../support/data.ts';
import { spanJson } from '../../support/spanJson.ts';
import { generatedSpans } from '../../support/spans.ts';

async function openBoth() {
  const receiver = otlpReceiver({ http: { port: 0 }, grpc: { port: 0 } });
  const { spans, logs, points } = listen(receiver);
  const { http, grpc } = await receiver.listen();
  onTestFinished(() => receiver.shutdown({ timeoutMillis: 100 }).catch(() => {}));
  return { receiver, http: http?.url ?? '', grpc: grpc?.url ?? '', spans, logs, points };
}

function listen(receiver: OtlpReceiver) {
  const spans: ReadableSpan[] = [];
  const logs: unknown[] = [];
  const points: string[] = [];
  receiver.traces$.subscribe(({ items }) => spans.push(...items));
  receiver.logs$.subscribe(({ items }) => logs.push(...items.map(({ body }) => body)));
  receiver.metrics$.subscribe(({ items }) => points.push(...items.map(({ metric }) => metric.descriptor.name)));
  return { spans, logs, points };
}

describe('our sinks', () => {
  test.each(['otlpHttp', 'otlpHttp JSON', 'otlpHttp gzip', 'otlpHttp zstd', 'otlpFetch', 'otlpGrpc', 'otlpGrpc gzip'])(
    '%s: what arrives is what was sent',
    async (name) => {
      const { http, grpc, spans } = await openBoth();
      const environment = {};
      const sinks: Record<string, Sink<ReadableSpan>> = {
        otlpHttp: otlpHttp({ url: `${http}/v1/traces`, environment }),
        'otlpHttp JSON': otlpHttp({ url: `${http}/v1/traces`, environment, encoding: 'json' }),
        'otlpHttp gzip': otlpHttp({ url: `${http}/v1/traces`, environment, compression: 'gzip' }),
        'otlpHttp zstd': otlpHttp({ url: `${http}/v1/traces`, environment, compression: 'zstd' }),
        otlpFetch: otlpFetch({ url: `${http}/v1/traces` }),
        otlpGrpc: otlpGrpc({ url: grpc, environment }),
        'otlpGrpc gzip': otlpGrpc({ url: grpc, environment, compression: 'gzip' }),
      };
      const sink = sinks[name] as Sink<ReadableSpan>;
      onTestFinished(() => sink.shutdown?.());
      const sent = generatedSpans({ seed: 3, count: 20 });
      const outcomes = await lastValueFrom(from([sent]).pipe(exportTo(sink), toArray()));
      expect(outcomes).toMatchObject([{ delivered: 20 }]);
      expect(spans.map(spanJson)).toEqual(decodeTraces(encodeTraces(sent)).map(spanJson));
    },
  );

  test('the recorded requests, each as it came', async () => {
    const { http, spans } = await openBoth();
    const sink = otlpHttp({ url: `${http}/v1/traces`, environment: {} });
    onTestFinished(() => sink.shutdown?.());
    const requests = [...astronomy().requests()].slice(0, 40).map((bytes) => decodeTraces(bytes));
    const sent = requests.flat();
    const outcomes = await lastValueFrom(from(requests).pipe(exportTo(sink, { concurrency: 1 }), toArray()));
    expect(outcomes.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(sent.length);
    const differing = spans.filter(
      (span, index) => !isDeepStrictEqual(spanJson(span), spanJson(sent[index] as ReadableSpan)),
    );
    expect([spans.length, differing.length]).toEqual([sent.length, 0]);
  });
});

interface Urls {
  readonly http: string;
  readonly grpc: string;
}

describe('the official exporters', () => {
  test.each([
    ['protobuf', ({ http }: { http: string }) => new OTLPTraceExporter({ url: `${http}/v1/traces` })],
    ['JSON', ({ http }: { http: string }) => new JsonTraceExporter({ url: `${http}/v1/traces` })],
    ['gRPC', ({ grpc }: { grpc: string }) => new GrpcTraceExporter({ url: grpc })],
  ] as const)('spans over %s', async (_, exporterOf) => {
    const open = await openBoth();
    const exporter: SpanExporter = exporterOf(open);
    const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
    const tracer = provider.getTracer('senders');
    for (let index = 0; index < 100; index += 1) tracer.startSpan(`span ${index}`, { attributes: { index } }).end();
    await provider.shutdown();
    expect(open.spans.map(({ name, attributes }) => `${name} ${attributes.index}`)).toEqual(
      Array.from({ length: 100 }, (_, index) => `span ${index} ${index}`),
    );
  });

  test.each([
    [
      'protobuf',
      ({ http }: Urls) => new OTLPLogExporter({ url: `${http}/v1/logs` }),
      ({ http }: Urls) => new OTLPMetricExporter({ url: `${http}/v1/metrics` }),
    ],
    [
      'gRPC',
      ({ grpc }: Urls) => new GrpcLogExporter({ url: grpc }),
      ({ grpc }: Urls) => new GrpcMetricExporter({ url: grpc }),
    ],
  ] as const)('log records and metrics over %s', async (_, logExporterOf, metricExporterOf) => {
    const open = await openBoth();
    const provider = new LoggerProvider({
      processors: [new BatchLogRecordProcessor({ exporter: logExporterOf(open) })],
    });
    for (let index = 0; index < 50; index += 1) provider.getLogger('senders').emit({ body: `hello ${index}` });
    await provider.shutdown();
    const reader = new PeriodicExportingMetricReader({ exporter: metricExporterOf(open) });
    const meters = new MeterProvider({ readers: [reader] });
    meters.getMeter('senders').createCounter('requests').add(1);
    meters.getMeter('senders').createHistogram('durations').record(7);
    await meters.shutdown();
    expect(open.logs).toEqual(Array.from({ length: 50 }, (_, index) => `hello ${index}`));
    expect(open.points).toEqual(['requests', 'durations']);
  });

  test('send again what was refused for the time being, after the time that they were told', async () => {
    const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' });
    const seen: string[] = [];
    receiver.traces$.subscribe((batch) => {
      seen.push(...batch.items.map(({ name }) => name));
      const { length: count } = batch.items;
      const lost = seen.length === 1 ? [{ count, reason: 'retriesExhausted', stage: 'backend' } as const] : [];
      const delivered = count - lost.length;
      batch.hold().settle({ delivered, rejected: 0, lost, attempts: 1, attemptMillis: 1, elapsedMillis: 1 });
    });
    const { http } = await receiver.listen();
    const exporter = new OTLPTraceExporter({ url: `${http?.url}/v1/traces` });
    const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
    provider.getTracer('senders').startSpan('again').end();
    await provider.shutdown();
    expect(seen).toEqual(['again', 'again']);
    expect(receiver.stats().answers.http).toEqual({ 200: 1, 503: 1 });
    await receiver.shutdown();
  });
});
