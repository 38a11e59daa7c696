import { ExportResultCode } from '@opentelemetry/core';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLedger, exportTo, toExporter } from '../../src/index.ts';
import { logPipeline } from '../../src/logs.ts';
import { metricPipeline } from '../../src/metrics.ts';
import type { MetricDataPoint } from '../../src/model/metricDataPoint.ts';
import { decodeLogs, decodeMetrics } from '../../src/otlp/index.ts';
import type { ExportResult } from '../../src/sinks/toExporter/exporters.ts';
import { dataPointWith } from '../support/dataPoints.ts';
import { failureOf, outcomeOf, SWIFT_RETRIES, startBackend } from '../support/httpExports.ts';
import { logRecordWith } from '../support/logRecords.ts';

type Answer = ExportResult | 'later';
const SUCCESS = { code: ExportResultCode.SUCCESS };
const failed = (code: number) => ({ code: ExportResultCode.FAILED, error: Object.assign(new Error('no'), { code }) });

/** An exporter of metrics that answers as it is told, and keeps what it is given. */
class ScriptedMetricExporter {
  readonly names: string[][] = []; // of the services, by attempts to call it
  readonly called = Promise.withResolvers<void>();
  underWay = 0;
  maxUnderWay = 0;
  readonly #answers: Answer[];

  constructor(...answers: Answer[]) {
    this.#answers = answers;
  }

  export({ resource, scopeMetrics }: ResourceMetrics, answer: (result: ExportResult) => void): void {
    this.called.resolve();
    this.underWay += 1;
    this.maxUnderWay = Math.max(this.maxUnderWay, this.underWay);
    const metrics = scopeMetrics.flatMap((scope) => scope.metrics.map(({ descriptor }) => descriptor.name));
    this.names.push([String(resource.attributes['service.name']), ...metrics]);
    setImmediate(() => {
      this.underWay -= 1;
      answer((this.#answers.shift() ?? SUCCESS) as ExportResult);
    });
  }

  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

/** Points of several services, mixed. */
function pointsOf(...services: string[]): MetricDataPoint[] {
  const resources = new Map(services.map((name) => [name, resourceFromAttributes({ 'service.name': name })]));
  return services.map((name) => dataPointWith({}, undefined, { resource: resources.get(name) as never }));
}

describe('the official exporter of logs', () => {
  it('delivers what a logger of the SDK emits', async () => {
    const backend = await startBackend();
    const url = backend.url.replace('traces', 'logs');
    const sink = toExporter(new OTLPLogExporter({ url }), { signal: 'logs' });
    const pipeline = logPipeline({ sink, environment: {} });
    const provider = new LoggerProvider({ processors: [pipeline.processor] });
    const logger = provider.getLogger('shop');
    for (let index = 0; index < 100; index++) logger.emit({ body: `order ${index}` });
    await pipeline.shutdown();
    const bodies = backend.requests.flatMap(({ body }) => decodeLogs(body)).map(({ body }) => body);
    expect(bodies).toEqual(Array.from({ length: 100 }, (_, index) => `order ${index}`));
    expect(pipeline.stats()).toMatchObject({ accepted: 100, delivered: 100, lost: {}, pending: 0 });
  });

  it('fails as its status says', async () => {
    const backend = await startBackend({ answers: { status: 413 } });
    const exporter = new OTLPLogExporter({ url: backend.url.replace('traces', 'logs') });
    onTestFinished(() => exporter.shutdown());
    const sink = toExporter(exporter, { signal: 'logs' });
    expect((await failureOf(sink, [logRecordWith()])).failure).toEqual({ kind: 'tooLarge' });
  });
});

describe('the official exporter of metrics', () => {
  it('delivers what a meter of the SDK collects', async () => {
    const backend = await startBackend();
    const url = backend.url.replace('traces', 'metrics');
    const sink = toExporter(new OTLPMetricExporter({ url }), { signal: 'metrics' });
    const pipeline = metricPipeline({ sink, environment: {} });
    const reader = new PeriodicExportingMetricReader({ ...pipeline.readerOptions });
    const provider = new MeterProvider({ readers: [reader] });
    const orders = provider.getMeter('shop').createCounter('orders');
    for (let index = 0; index < 3; index++) orders.add(index + 1, { index });
    await provider.shutdown();
    const points = backend.requests.flatMap(({ body }) => decodeMetrics(body));
    expect(points.map(({ metric, point }) => [metric.descriptor.name, point.value])).toEqual([
      ['orders', 1],
      ['orders', 2],
      ['orders', 3],
    ]);
    expect(pipeline.stats()).toMatchObject({ delivered: 3, lost: {}, pending: 0 });
  });
});

describe('an exporter of metrics', () => {
  it('gets one collection for each resource, one call after the other, whatever the concurrency', async () => {
    const exporter = new ScriptedMetricExporter();
    const sink = toExporter(exporter, { signal: 'metrics' });
    const batches = Array.from({ length: 5 }, () => pointsOf('a', 'b', 'a'));
    const outcomes = await lastValueFrom(from(batches).pipe(exportTo(sink, { concurrency: 4 }), toArray()));
    expect(outcomes.map(({ delivered }) => delivered)).toEqual([3, 3, 3, 3, 3]);
    expect(exporter.names).toEqual(
      batches.flatMap(() => [
        ['a', 'requests', 'requests'],
        ['b', 'requests'],
      ]),
    );
    expect(exporter.maxUnderWay).toBe(1);
  });

  it.each([
    ['is retried: nothing has arrived', [failed(503)], { possibleDuplicates: 0, delivered: 2, lost: {} }, 3],
    [
      'is retried, and what had arrived is there twice',
      [SUCCESS, failed(503)],
      { possibleDuplicates: 2, delivered: 2, lost: {} },
      4,
    ],
    ['for good may have arrived in part', [SUCCESS, failed(400)], { delivered: 0, lost: { unconfirmed: 2 } }, 2],
    ['for good is lost', [failed(400)], { delivered: 0, lost: { permanent: 2 } }, 1],
  ] as const)('that fails %s', async (_, answers, stats, calls) => {
    const exporter = new ScriptedMetricExporter(...answers);
    const ledger = createLedger();
    const sink = toExporter(exporter, { signal: 'metrics' });
    await outcomeOf(sink, pointsOf('a', 'b'), { retry: SWIFT_RETRIES, ledger });
    expect([ledger.stats(), exporter.names.length]).toMatchObject([{ ...stats, pending: 0 }, calls]);
  });

  it('that is given up between two calls gets no further one', async () => {
    const exporter = new ScriptedMetricExporter();
    const sink = toExporter(exporter, { signal: 'metrics' });
    const attempt = sink.export({ items: pointsOf('a', 'b'), bytes: 0, closedBy: 'count', hold: () => ({}) as never });
    const running = attempt.subscribe();
    await exporter.called.promise;
    running.unsubscribe();
    await outcomeOf(sink, pointsOf('c'));
    expect(exporter.names).toEqual([
      ['a', 'requests'],
      ['c', 'requests'],
    ]);
  });
});

describe('the types of toExporter', () => {
  it('let each exporter be one of its own signal only', () => {
    const traces = new OTLPTraceExporter();
    const logs = new OTLPLogExporter();
    const metrics = new OTLPMetricExporter();
    toExporter(traces);
    toExporter(traces, { signal: 'traces' });
    // @ts-expect-error: an exporter of logs
    toExporter(logs);
    // @ts-expect-error: an exporter of metrics
    toExporter(metrics);
    // @ts-expect-error: an exporter of metrics
    toExporter(metrics, { signal: 'logs' });
    // @ts-expect-error: an exporter of spans
    toExporter(traces, { signal: 'metrics' });
  });

  it('and a wrong signal is refused at the call', () => {
    expect(() => toExporter(new OTLPTraceExporter(), { signal: 'profiles' as 'traces' })).toThrow(
      "toExporter.signal must be one of 'traces', 'logs', 'metrics', but was given",
    );
  });
});
