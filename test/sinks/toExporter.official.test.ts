import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exportTo, toExporter } from '../../src/index.ts';
import { WatchedExporter } from '../support/httpExporters.ts';
import { exportOnce, failureOf, outcomeOf, startBackend } from '../support/httpExports.ts';
import { requestJsonOf } from '../support/spanJson.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';
import { decodeRequest } from '../support/wire.ts';

const SPANS = [spanWith(), spanWith()];

const REAL: readonly [string, (url: string) => SpanExporter][] = [
  ['the official JSON exporter', (url) => new JsonExporter({ url })],
  ['the official protobuf exporter', (url) => new ProtoExporter({ url })],
];

/** The official exporter, shut down after the test. */
function watched(exporterFor: (url: string) => SpanExporter, url: string): WatchedExporter {
  const exporter = new WatchedExporter(exporterFor(url));
  onTestFinished(() => exporter.shutdown());
  return exporter;
}

describe.each(REAL)('%s', (_, exporterFor) => {
  it('delivers', async () => {
    const backend = await startBackend();
    const outcome = await outcomeOf(toExporter(watched(exporterFor, backend.url)), SPANS);
    expect(outcome).toMatchObject({ delivered: 2, rejected: 0, lost: [], attempts: 1 });
    expect([backend.spans, backend.requests[0]?.problem]).toEqual([2, undefined]);
  });

  it('is never called twice at once, whatever the concurrency', async () => {
    const backend = await startBackend();
    const exporter = watched(exporterFor, backend.url);
    const batches = Array.from({ length: 20 }, () => SPANS);
    const outcomes = from(batches).pipe(exportTo(toExporter(exporter), { concurrency: 8 }), toArray());
    expect((await lastValueFrom(outcomes)).map(({ delivered }) => delivered)).toEqual(Array(20).fill(2));
    expect([exporter.calls, exporter.maxUnderWay, backend.maxInFlight, backend.spans]).toEqual([20, 1, 1, 40]);
  });

  it('is never called twice at once by two pipelines either', async () => {
    const backend = await startBackend();
    const exporter = watched(exporterFor, backend.url);
    const sink = toExporter(exporter);
    const pipelines = [1, 2, 3].map(() => lastValueFrom(from([SPANS, SPANS, SPANS]).pipe(exportTo(sink), toArray())));
    await Promise.all(pipelines);
    expect([exporter.calls, exporter.maxUnderWay, backend.spans]).toEqual([9, 1, 18]);
  });

  it.each([
    [400, 'permanent'],
    [401, 'permanent'],
    [413, 'tooLarge'],
    [500, 'permanent'],
  ] as const)('that fails with %i fails as %s', async (status, kind) => {
    const backend = await startBackend({ answers: { status } });
    const { failure } = await failureOf(toExporter(watched(exporterFor, backend.url)), SPANS);
    expect([failure, backend.requestCount]).toEqual([{ kind }, 1]);
  });

  it('that gives up on a 503 is tried again', async () => {
    // It gives up at once where the wait is longer than its own limit.
    const answers = [{ status: 503, headers: { 'retry-after': '3600' } }, 'ok'] as const;
    const backend = await startBackend({ answers });
    const exporter = watched(exporterFor, backend.url);
    expect(await outcomeOf(toExporter(exporter), SPANS)).toMatchObject({ delivered: 2, attempts: 2 });
    expect([exporter.calls, backend.requestCount, backend.spans]).toEqual([2, 2, 2]);
  });

  it('is flushed and shut down with the sink', async () => {
    const backend = await startBackend();
    const exporter = watched(exporterFor, backend.url);
    const sink = toExporter(exporter);
    await sink.forceFlush?.();
    await sink.shutdown?.();
    expect([exporter.flushes, exporter.shutdowns]).toEqual([1, 1]);
  });
});

describe('the official protobuf exporter', () => {
  it('sends the same spans as otlpHttp', async () => {
    const spans = generatedSpans({ seed: 3, count: 20 });
    const backend = await startBackend();
    await exportOnce(toExporter(watched((url) => new ProtoExporter({ url }), backend.url)), spans);
    expect(decodeRequest(backend.requests[0]?.body ?? new Uint8Array())).toEqual(requestJsonOf(spans));
  });
});
