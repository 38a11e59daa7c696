// What the wire shows of ours, beside the official exporter.

import { gunzipSync } from 'node:zlib';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import type { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeTraces, encodeTraces } from '../../../src/otlp/index.ts';
import { grpcBackend } from '../../support/grpcBackend.ts';
import { openGrpcSink } from '../../support/grpcExports.ts';
import { type Http2Request, http2Server, type ScriptedHttp2Server } from '../../support/http2Server.ts';
import { exportOnce, outcomeOf } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = Array.from({ length: 20 }, (_, index) => spanWith({ name: `span ${index}`, attributes: { index } }));

function officialTo(url: string, compression: 'gzip' | 'none'): OTLPTraceExporter {
  const exporter = new OTLPTraceExporter({ url, compression: compression as CompressionAlgorithm });
  onTestFinished(() => exporter.shutdown());
  return exporter;
}

function official(exporter: OTLPTraceExporter, spans: ReadableSpan[]): Promise<ExportResultCode> {
  return new Promise((resolve) => exporter.export(spans, ({ code }) => resolve(code)));
}

/** The message in the one frame of a request, as it was before compression. */
function messageIn({ body }: Http2Request): Buffer {
  const content = body.subarray(5);
  expect(body.readUInt32BE(1)).toBe(content.length);
  return body[0] === 1 ? gunzipSync(content) : content;
}

function spansIn(request: Http2Request): unknown[] {
  const spans = decodeTraces(messageIn(request));
  return spans.map(({ name, attributes, startTime, kind, status }) => ({ name, attributes, startTime, kind, status }));
}

/** The headers without those that tell who sends, where to and until when. */
function plainHeaders({ headers }: Http2Request): Record<string, unknown> {
  const { 'user-agent': _, ':authority': __, 'grpc-timeout': ___, ...rest } = headers;
  return { ...rest };
}

describe.each(['none', 'gzip'] as const)('a call with compression %s', (compression) => {
  it('has the headers and the message of the official exporter', async () => {
    const server: ScriptedHttp2Server = await http2Server();
    expect(await official(officialTo(server.url, compression), SPANS)).toBe(ExportResultCode.SUCCESS);
    expect(await exportOnce(openGrpcSink({ url: server.url, compression }), SPANS)).toEqual({});
    const [theirs, ours] = server.requests as [Http2Request, Http2Request];
    expect(plainHeaders(ours)).toEqual(plainHeaders(theirs));
    expect(ours.headers['grpc-timeout']).toMatch(/^\d+m$|^\d+S$/);
    expect(ours.headers['grpc-encoding']).toBe(compression === 'gzip' ? 'gzip' : undefined);
    expect(ours.body[0]).toBe(compression === 'gzip' ? 1 : 0);
    expect(messageIn(ours).equals(Buffer.from(encodeTraces(SPANS)))).toBe(true);
    expect(spansIn(ours)).toEqual(spansIn(theirs));
  });
});

describe('UNAVAILABLE for a moment', () => {
  it('loses nothing here, and the batch there', async () => {
    const ours = await grpcBackend({ answers: (_, index) => (index === 0 ? { code: 14 } : {}) });
    const theirs = await grpcBackend({ answers: (_, index) => (index === 0 ? { code: 14 } : {}) });
    expect(await outcomeOf(openGrpcSink({ url: ours.url }), SPANS)).toMatchObject({ delivered: 20 });
    expect(await official(officialTo(theirs.url, 'none'), SPANS)).toBe(ExportResultCode.FAILED);
    expect([ours.arrivals.length, theirs.arrivals.length]).toEqual([2, 1]);
  });
});
