import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@grpc/grpc-js';
import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { spanPipeline } from '../../../src/index.ts';
import { VERSION } from '../../../src/internal/version.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { type GrpcAnswer, grpcBackend } from '../../support/grpcBackend.ts';
import { namesIn, openGrpcSink, partialSuccess } from '../../support/grpcExports.ts';
import { authority } from '../../support/httpCertificates.ts';
import { batchOf, exportOnce, failureOf, openSink, outcomeOf, startBackend } from '../../support/httpExports.ts';
import { recordTracing, useSynchronousContext } from '../../support/httpTracing.ts';
import { generatedSpans, spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];

describe('a call', () => {
  it('carries the very bytes that otlpHttp sends, to the method of the signal', async () => {
    const spans = generatedSpans({ count: 300 });
    const [grpc, http] = [await grpcBackend(), await startBackend()];
    expect(await exportOnce(openGrpcSink({ url: grpc.url }), spans)).toEqual({});
    expect(await exportOnce(openSink({ url: http.url }), spans)).toEqual({});
    const [call] = grpc.arrivals;
    expect(call?.method).toBe('/opentelemetry.proto.collector.trace.v1.TraceService/Export');
    expect(call?.message.equals(Buffer.from(encodeTraces(spans)))).toBe(true);
    expect(http.spans).toBe(300);
  });

  it('tells who sends and how much time there is', async () => {
    const backend = await grpcBackend();
    await exportOnce(openGrpcSink({ url: backend.url, timeoutMillis: 50_000, userAgent: 'shop/2' }), SPANS);
    const own = `shop/2 spanflow/${VERSION} OTel-OTLP-Exporter-JavaScript/${VERSION} grpc-node-js/`;
    expect(backend.arrivals[0]?.metadata['user-agent']).toContain(own);
    expect(backend.arrivals[0]?.leftMillis).toBeGreaterThan(10_000);
    expect(backend.arrivals[0]?.leftMillis).toBeLessThan(51_000);
  });

  it('is not limited in time with Infinity', async () => {
    const backend = await grpcBackend();
    await exportOnce(openGrpcSink({ url: backend.url, timeoutMillis: Number.POSITIVE_INFINITY }), SPANS);
    expect(backend.arrivals[0]?.leftMillis).toBe(Number.POSITIVE_INFINITY);
  });

  it('has the metadata of the moment: functions are asked at each attempt', async () => {
    const answers = (_: unknown, index: number): GrpcAnswer => (index < 2 ? { code: 14 } : {});
    const backend = await grpcBackend({ answers });
    let count = 0;
    const headers = { Authorization: async () => `Bearer ${++count}`, 'x-fixed': 'yes' };
    const environment = { OTEL_EXPORTER_OTLP_HEADERS: 'x-fixed=no,x-other=1' };
    expect(await outcomeOf(openGrpcSink({ url: backend.url, headers, environment }), SPANS)).toMatchObject({
      delivered: 1,
      attempts: 3,
    });
    expect(backend.arrivals.map(({ metadata }) => metadata)).toMatchObject(
      ['1', '2', '3'].map((n) => ({ authorization: `Bearer ${n}`, 'x-fixed': 'yes', 'x-other': '1' })),
    );
  });

  it('has the credentials of the URL', async () => {
    const backend = await grpcBackend();
    await exportOnce(openGrpcSink({ url: backend.url.replace('//', '//user:s3cret@') }), SPANS);
    expect(backend.arrivals[0]?.metadata.authorization).toBe(`Basic ${Buffer.from('user:s3cret').toString('base64')}`);
  });

  it('is encoded once with a call to another sink, and leaves its spans to both', async () => {
    const [grpc, http] = [await grpcBackend(), await startBackend()];
    const spans = generatedSpans({ count: 50 });
    let reads = 0;
    for (const span of spans) {
      const { name } = span;
      Object.defineProperty(span, 'name', {
        get: () => {
          reads += 1;
          return name;
        },
      });
    }
    encodeTraces(spans);
    const once = reads;
    const batch = batchOf(spans);
    const sinks = [openGrpcSink({ url: grpc.url }), openSink({ url: http.url })];
    await Promise.all(sinks.map((sink) => firstValueFrom(sink.export(batch))));
    expect([grpc.arrivals.length, http.spans, reads - once]).toEqual([1, 50, once]);
  });

  it('goes through a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spanflow-grpc-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const backend = await grpcBackend({ path: join(folder, 'otlp.sock') });
    expect(await exportOnce(openGrpcSink({ url: backend.url }), SPANS)).toEqual({});
    expect(await exportOnce(openGrpcSink({ url: `unix://${join(folder, 'otlp.sock')}` }), SPANS)).toEqual({});
    expect(namesIn(backend.arrivals)).toEqual([['span'], ['span']]);
  });

  it('makes no span, and none of the program around it', async () => {
    const { tracer, names } = recordTracing();
    const backend = await grpcBackend();
    const headers = {
      'x-token': () => {
        tracer.startSpan('GET /token').end();
        return 'token';
      },
    };
    await tracer.startActiveSpan('work', async (span) => {
      await exportOnce(openGrpcSink({ url: backend.url, headers }), SPANS);
      span.end();
    });
    expect(names()).toEqual(['work']);
  });

  it('is suppressed where an instrumentation of gRPC would see it, also where awaiting loses the context', async () => {
    useSynchronousContext();
    const seen: boolean[] = [];
    const { makeUnaryRequest } = Client.prototype;
    const instrumented = vi.spyOn(Client.prototype, 'makeUnaryRequest');
    instrumented.mockImplementation(function (this: Client, ...args: unknown[]) {
      seen.push(isTracingSuppressed(context.active()));
      return Reflect.apply(makeUnaryRequest, this, args);
    });
    onTestFinished(() => instrumented.mockRestore());
    const backend = await grpcBackend();
    await exportOnce(openGrpcSink({ url: backend.url }), SPANS);
    expect(seen).toEqual([true]);
  });

  it('is compressed by gzip, and read as before', async () => {
    const backend = await grpcBackend();
    const spans = generatedSpans({ count: 100 });
    const sink = openGrpcSink({ url: backend.url, compression: 'gzip' });
    for (let round = 0; round < 3; round++) expect(await exportOnce(sink, spans)).toEqual({});
    for (const { message } of backend.arrivals) expect(message.equals(Buffer.from(encodeTraces(spans)))).toBe(true);
  });
});

describe('an answer', () => {
  it.each([
    ['a partial success', partialSuccess(2, 'too old'), { rejected: 2, message: 'too old' }],
    ['a warning', partialSuccess(0, 'slow down'), { message: 'slow down' }],
    ['garbage', Buffer.from([0xff]), { message: expect.stringContaining('the answer cannot be read') }],
    ['nothing', Buffer.alloc(0), {}],
  ])('with %s', async (_, message, response) => {
    const backend = await grpcBackend({ answers: { message } });
    expect(await exportOnce(openGrpcSink({ url: backend.url }), SPANS)).toEqual(response);
  });

  it('counts what OTLP cannot express', async () => {
    const backend = await grpcBackend();
    const sink = openGrpcSink({ url: backend.url });
    const bad = spanWith({ startTime: undefined as never });
    expect(await exportOnce(sink, [bad, ...SPANS])).toEqual({ unencodable: 1 });
    expect(await exportOnce(sink, [bad])).toEqual({ unencodable: 1 });
    expect(backend.arrivals).toHaveLength(1);
  });

  it('over maxResponseBytes is permanent, and the spans may have arrived', async () => {
    const backend = await grpcBackend({ answers: { message: partialSuccess(0, 'x'.repeat(500)) } });
    const { failure, message } = await failureOf(openGrpcSink({ url: backend.url, maxResponseBytes: 100 }), SPANS);
    expect(failure).toEqual({ kind: 'permanent', mayHaveArrived: true });
    expect(message).toContain(`${backend.url} answered 8 RESOURCE_EXHAUSTED: Received message larger than max`);
  });
});

describe('a batch over the limit', () => {
  const spans = generatedSpans({ count: 64 });
  const length = encodeTraces(spans).length;

  it('of the sink is not sent, and arrives in parts', async () => {
    const backend = await grpcBackend();
    const sink = openGrpcSink({ url: backend.url, maxRequestBytes: Math.floor(length / 3) });
    const { failure, message } = await failureOf(sink, spans);
    expect(failure).toEqual({ kind: 'tooLarge' });
    expect(message).toContain(`a request of ${length} bytes (64 spans) is not sent: it is over maxRequestBytes`);
    expect(await outcomeOf(sink, spans)).toMatchObject({ delivered: 64 });
    expect(namesIn(backend.arrivals).flat().sort()).toEqual(spans.map(({ name }) => name).sort());
    for (const arrival of backend.arrivals) expect(arrival.message.length).toBeLessThanOrEqual(length / 3);
  });

  it('of the server arrives in parts', async () => {
    const backend = await grpcBackend({ maxMessageBytes: Math.floor(length / 3) });
    const sink = openGrpcSink({ url: backend.url });
    expect((await failureOf(sink, spans)).failure).toEqual({ kind: 'tooLarge' });
    expect(await outcomeOf(sink, spans)).toMatchObject({ delivered: 64 });
    expect(namesIn(backend.arrivals).flat().sort()).toEqual(spans.map(({ name }) => name).sort());
  });

  it('of 4 MiB, which servers have, is not even tried by default', async () => {
    const backend = await grpcBackend();
    const name = 'x'.repeat(1_000_000);
    const large = Array.from({ length: 9 }, () => spanWith({ name }));
    expect(await outcomeOf(openGrpcSink({ url: backend.url }), large)).toMatchObject({ delivered: 9 });
    expect(namesIn(backend.arrivals).flat()).toHaveLength(9);
    expect(backend.arrivals.every(({ message }) => message.length < 4 * 1024 * 1024)).toBe(true);
  });
});

describe('TLS', () => {
  const ours = authority('spanflow test authority');
  const identity = ours.issue('backend', ['127.0.0.1', 'localhost']);

  it('works with a trusted authority, and fails as retryable with another', async () => {
    const backend = await grpcBackend({ identity });
    expect(await exportOnce(openGrpcSink({ url: backend.url, tls: { ca: [ours.cert] } }), SPANS)).toEqual({});
    const strange = openGrpcSink({ url: backend.url, tls: { ca: authority('another').cert } });
    const { failure, message } = await failureOf(strange, SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toMatch(/while connecting: No connection established.*(certificate|issuer|signature)/);
  });

  it('works without verification, and with a certificate of our own', async () => {
    const backend = await grpcBackend({ identity, clientAuthority: ours.cert });
    const client = ours.issue('client');
    const tls = { ...client, rejectUnauthorized: false };
    expect(await exportOnce(openGrpcSink({ url: backend.url, tls }), SPANS)).toEqual({});
    const nobody = openGrpcSink({ url: backend.url, tls: { ca: ours.cert } });
    expect((await failureOf(nobody, SPANS)).failure.kind).toMatch(/retryable|unknownOutcome/);
    expect(backend.arrivals).toHaveLength(1);
  });

  it('takes renewed certificates with each new connection', async () => {
    const renewed = authority('renewed');
    const first = await grpcBackend({ identity });
    let ca = ours.cert;
    const sink = openGrpcSink({ url: first.url, tls: { ca: () => ca }, maxConnectionAgeMillis: 0 });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    await first.close();
    const second = await grpcBackend({ identity: renewed.issue('backend', ['127.0.0.1']), port: first.port });
    expect((await failureOf(sink, SPANS)).failure.kind).toBe('retryable');
    ca = renewed.cert;
    expect(await exportOnce(sink, SPANS)).toEqual({});
    expect(second.arrivals).toHaveLength(1);
  });
});

describe('a pipeline', () => {
  it('delivers everything over gRPC, beside a branch over HTTP', async () => {
    const [grpc, http] = [await grpcBackend(), await startBackend()];
    const pipeline = spanPipeline({
      sinks: { grpc: openGrpcSink({ url: grpc.url }), http: openSink({ url: http.url }) },
    });
    for (let count = 0; count < 200; count++) pipeline.processor.onEnd(spanWith());
    await pipeline.shutdown();
    expect(namesIn(grpc.arrivals).flat()).toHaveLength(200);
    expect(http.spans).toBe(200);
  });
});
