import { SeverityNumber } from '@opentelemetry/api';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { estimateItemBytes } from '../../src/flow/itemBytes.ts';
import { dataPointBytes } from '../../src/flow/sizes/dataPointBytes.ts';
import { logRecordBytes } from '../../src/flow/sizes/logRecordBytes.ts';
import { spanBytes } from '../../src/flow/sizes/spanBytes.ts';
import { toMemory } from '../../src/index.ts';
import { logPipeline, type ReadableLogRecord } from '../../src/logs.ts';
import { type MetricDataPoint, metricPipeline } from '../../src/metrics.ts';
import { decodeLogs, encodeLogs, encodeMetrics } from '../../src/otlp/index.ts';
import { logRecordWith } from '../support/logRecords.ts';
import { spanWith } from '../support/spans.ts';

type LogRecord = Parameters<ReturnType<LoggerProvider['getLogger']>['emit']>[0];

/** The records that the SDK makes of these. */
async function recordsOf(count: number, made: (index: number) => LogRecord): Promise<readonly ReadableLogRecord[]> {
  const sink = toMemory<ReadableLogRecord>();
  const pipeline = logPipeline({ sink, environment: {} });
  const provider = new LoggerProvider({ processors: [pipeline.processor] });
  for (let index = 0; index < count; index += 1) provider.getLogger('test').emit(made(index));
  await provider.shutdown();
  return sink.items;
}

/** The points that the SDK makes of one instrument with so many series. */
async function pointsOf(kind: 'counter' | 'gauge' | 'histogram' | 'exponential'): Promise<readonly MetricDataPoint[]> {
  const sink = toMemory<MetricDataPoint>();
  const aggregationPreference = kind === 'exponential' ? 'base2_exponential_bucket_histogram' : undefined;
  const pipeline = metricPipeline({ sink, environment: {}, ...(aggregationPreference && { aggregationPreference }) });
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader(pipeline.readerOptions)] });
  const meter = provider.getMeter('test');
  const [counter, gauge, histogram] = [meter.createCounter('c'), meter.createGauge('g'), meter.createHistogram('h')];
  for (let index = 0; index < 400; index += 1) {
    const attributes = { 'http.route': `/orders/${index % 50}`, 'http.response.status_code': 200, tls: true };
    if (kind === 'counter') counter.add(1, attributes);
    else if (kind === 'gauge') gauge.record(index + 0.5, attributes);
    else histogram.record((index * 7) % 1_000, attributes);
  }
  await provider.shutdown();
  return sink.items;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe('what log records and data points take on the wire', () => {
  test.each<[string, (index: number) => LogRecord]>([
    [
      'a line',
      (index) => ({ body: `order ${index} came in`, severityNumber: SeverityNumber.INFO, severityText: 'INFO' }),
    ],
    ['nothing', () => ({})],
    [
      'attributes',
      (index) => ({ body: 'x', attributes: { 'order.id': index, shop: 'north', total: 1.5, paid: true } }),
    ],
    ['a map', (index) => ({ body: { order: { id: index, lines: ['a', 'b'] }, raw: new Uint8Array(100) } })],
    ['an event', () => ({ eventName: 'device.app.lifecycle', attributes: { state: 'active' } })],
  ])('of records with %s the estimate is within a quarter', async (_what, made) => {
    const records = await recordsOf(100, made);
    const ratio = sum(records.map(logRecordBytes)) / encodeLogs(records).length;
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.25);
    const received = decodeLogs(encodeLogs(records));
    expect(sum(received.map(logRecordBytes))).toBe(sum(records.map(logRecordBytes)));
  });

  test.each(['counter', 'gauge', 'histogram', 'exponential'] as const)(
    'of the points of a %s the estimate is within a quarter',
    async (kind) => {
      const points = await pointsOf(kind);
      const ratio = sum(points.map(dataPointBytes)) / encodeMetrics(points).length;
      expect(points.length).toBe(50);
      expect(ratio).toBeGreaterThan(0.75);
      expect(ratio).toBeLessThan(1.25);
    },
  );

  test('a batcher that was not told what its items are recognises each of the three', async () => {
    const [point] = await pointsOf('gauge');
    const [span, record] = [spanWith(), logRecordWith({ body: 'x'.repeat(1_000) })];
    expect(estimateItemBytes(span)).toBe(spanBytes(span));
    expect(estimateItemBytes(record)).toBe(logRecordBytes(record));
    expect(estimateItemBytes(point)).toBe(dataPointBytes(point as MetricDataPoint));
    expect(logRecordBytes(record)).toBeGreaterThan(1_000);
  });

  test('a pipeline bounds its queue by these bytes, and a larger item is lost as too large', async () => {
    const logs = logPipeline({ sink: toMemory(), environment: {}, maxQueueBytes: 500, maxExportBatchBytes: 500 });
    logs.processor.onEmit(logRecordWith({ body: 'x'.repeat(600) }));
    logs.processor.onEmit(logRecordWith({ body: 'x' }));
    await logs.shutdown();
    expect(logs.stats().stages.adaptiveBatch).toMatchObject({ refused: { tooLarge: 1 }, accepted: 1 });
  });
});
