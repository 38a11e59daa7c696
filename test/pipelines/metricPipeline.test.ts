import { type DiagLogger, DiagLogLevel, diag, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { NEVER, type Observable, of, throwError } from 'rxjs';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Batch, ExportError, exponentialBackoff, type Response, type Sink, toMemory } from '../../src/index.ts';
import {
  type MetricDataPoint,
  type MetricPipeline,
  type MetricPipelineOptions,
  metricPipeline,
} from '../../src/metrics.ts';
import { metricPipelineSettings } from '../../src/pipelines/metricPipeline/options.ts';
import { marbles } from '../../src/testing/index.ts';

type Result = Parameters<Parameters<MetricPipeline['exporter']['export']>[1]>[0];

/** A pipeline with a real reader and meter in front of it. It collects when it is flushed. */
function metered(options: MetricPipelineOptions) {
  const pipeline = metricPipeline({ environment: {}, ...options });
  const reader = new PeriodicExportingMetricReader(pipeline.readerOptions);
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown().catch(() => {}));
  return { pipeline, reader, provider, meter: provider.getMeter('test') };
}

/** A sink that answers its calls one after the other, the last answer again and again; and what it was given. */
function sinkOf(...answers: ((batch: Batch<MetricDataPoint>) => Observable<Response>)[]) {
  const batches: Batch<MetricDataPoint>[] = [];
  const sink: Sink<MetricDataPoint> = {
    name: 'sink',
    export: (batch) => {
      batches.push(batch);
      return (answers[batches.length - 1] ?? answers.at(-1) ?? (() => of({})))(batch);
    },
  };
  return { sink, batches };
}

const failing = (kind: 'retryable' | 'permanent') => () => throwError(() => new ExportError({ kind }, `it is ${kind}`));
const RETRY = { backoff: exponentialBackoff({ initialMillis: 1, maxMillis: 1 }) };

/** A collection of so many points of one counter. */
function collectionOf(points: number, endSeconds = 1): ResourceMetrics {
  const descriptor = { name: 'orders', description: '', unit: '1', valueType: ValueType.INT };
  const dataPoints = Array.from({ length: points }, (_, shop) => ({
    ...{ startTime: [0, 0] as [number, number], endTime: [endSeconds, 0] as [number, number] },
    ...{ attributes: { shop }, value: shop },
  }));
  const metric = { descriptor, dataPointType: 3, aggregationTemporality: 1, isMonotonic: true, dataPoints } as const;
  return {
    resource: { attributes: {} } as ResourceMetrics['resource'],
    scopeMetrics: [{ scope: { name: 'test' }, metrics: [metric as never] }],
  };
}

/** What the exporter answers, all of it: more than one answer would be seen. */
function exported(pipeline: MetricPipeline, collection: ResourceMetrics) {
  const results: Result[] = [];
  const answered = new Promise<Result>((resolve) => {
    pipeline.exporter.export(collection, (result) => {
      results.push(result);
      resolve(result);
    });
  });
  return { results, answered };
}

/** Everything that is told to `diag` while the test runs. */
function listening(): string[] {
  const told: string[] = [];
  const tell = (...message: unknown[]) => void told.push(message.join(' '));
  const logger: DiagLogger = { error: tell, warn: tell, info: tell, debug: tell, verbose: tell };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return told;
}

afterEach(() => diag.disable());

describe('metricPipeline with a reader of the SDK', () => {
  test('delivers each point of all kinds of instruments, with its metric, and answers with success', async () => {
    const memory = toMemory<MetricDataPoint>();
    const { pipeline, provider, meter } = metered({ sink: memory });
    const told = listening();
    const counter = meter.createCounter('orders', { unit: '{order}' });
    counter.add(2, { shop: 'a' });
    counter.add(3, { shop: 'b' });
    meter.createHistogram('duration').record(7);
    meter.createGauge('depth').record(-1.5);
    meter.createObservableUpDownCounter('open').addCallback((result) => result.observe(4));
    await provider.forceFlush();
    const seen = memory.items.map(({ metric, point }) => [metric.descriptor.name, point.attributes, point.value]);
    expect(seen).toEqual([
      ['orders', { shop: 'a' }, 2],
      ['orders', { shop: 'b' }, 3],
      ['duration', {}, expect.objectContaining({ count: 1, sum: 7, min: 7, max: 7 })],
      ['depth', {}, -1.5],
      ['open', {}, 4],
    ]);
    const [first, second] = memory.items;
    expect(first?.metric).toBe(second?.metric);
    expect(first?.scope.name).toBe('test');
    expect(pipeline.stats()).toMatchObject({ offered: 5, accepted: 5, delivered: 5, pending: 0 });
    expect(told).toEqual([]);
  });

  test('what the reader was given stays as it was while the program goes on', async () => {
    const memory = toMemory<MetricDataPoint>();
    const { provider, meter } = metered({ sink: memory, aggregationPreference: 'base2_exponential_bucket_histogram' });
    const [counter, histogram] = [meter.createCounter('orders'), meter.createHistogram('duration')];
    for (let round = 1; round <= 3; round += 1) {
      counter.add(1);
      histogram.record(round);
      await provider.forceFlush();
    }
    const values = memory.items.map(({ point: { value } }) => (typeof value === 'object' ? value.count : value));
    expect(values).toEqual([1, 1, 2, 2, 3, 3]);
  });

  test('a large collection leaves in several requests, and only the one that failed is sent again', async () => {
    const { sink, batches } = sinkOf(
      () => of({}),
      failing('retryable'),
      () => of({}),
    );
    const { pipeline, provider, meter } = metered({ sink, maxExportBatchSize: 100, concurrency: 1, retry: RETRY });
    const counter = meter.createCounter('orders');
    for (let shop = 0; shop < 450; shop += 1) counter.add(1, { shop });
    await provider.forceFlush();
    expect(batches.map(({ items }) => items.length).sort()).toEqual([100, 100, 100, 100, 100, 50]);
    expect(new Set(batches.flatMap(({ items }) => items)).size).toBe(450);
    expect(pipeline.stats()).toMatchObject({ delivered: 450, lost: {} });
  });

  test('the reader reports how many points were lost, and why', async () => {
    const told = listening();
    const { sink } = sinkOf(failing('permanent'));
    const { provider, meter } = metered({ sink });
    meter.createCounter('orders').add(1);
    await provider.forceFlush();
    expect(told.join('\n')).toMatch(
      /1 of 1 data points were not delivered: 1 permanent at exportTo\(sink\).*it is permanent/,
    );
  });

  test('its shutdown collects once more, and closes the sink', async () => {
    const memory = toMemory<MetricDataPoint>();
    let closed = 0;
    const shutdown = async () => {
      closed += 1;
    };
    const { pipeline, provider, meter } = metered({ sink: { ...memory, shutdown } });
    meter.createCounter('orders').add(1);
    await provider.shutdown();
    expect({ closed, items: memory.items.length }).toEqual({ closed: 1, items: 1 });
    expect(pipeline.stats()).toMatchObject({ delivered: 1, pending: 0 });
  });

  test('a shutdown of the pipeline ends the wait of the reader', async () => {
    const { pipeline, provider, meter } = metered({ sink: sinkOf(() => NEVER).sink });
    meter.createCounter('orders').add(1);
    const flushed = provider.forceFlush();
    await expect.poll(() => pipeline.stats().pending).toBe(1);
    await pipeline.shutdown({ deadlineMillis: 5 });
    await flushed;
    expect(pipeline.stats()).toMatchObject({ accepted: 1, lost: { unconfirmed: 1 }, pending: 0 });
  });

  test('an instrument has as many series as its limit says, and one for the rest', async () => {
    const memory = toMemory<MetricDataPoint>();
    const { provider, meter } = metered({ sink: memory, cardinalityLimits: { default: 100, counter: 4 } });
    const [counter, histogram] = [meter.createCounter('orders'), meter.createHistogram('duration')];
    for (let shop = 0; shop < 10; shop += 1) {
      counter.add(1, { shop });
      histogram.record(1, { shop });
    }
    await provider.forceFlush();
    const [orders, durations] = ['orders', 'duration'].map((name) =>
      memory.items.filter(({ metric }) => metric.descriptor.name === name).map(({ point }) => point),
    );
    expect([orders?.length, durations?.length]).toEqual([4, 10]);
    const rest = orders?.find(({ attributes }) => attributes['otel.metric.overflow'] === true);
    expect(rest?.value).toBe(7);
  });

  test.each([
    [{ counter: 0 }, 'metricPipeline.cardinalityLimits.counter must be a whole number from 1'],
    [{ counters: 5 }, 'metricPipeline.cardinalityLimits.counters must be one of the known options'],
  ])('limits of series %j are refused', (cardinalityLimits, message) => {
    expect(() =>
      metricPipeline({ sink: toMemory(), environment: {}, cardinalityLimits: cardinalityLimits as object }),
    ).toThrow(message);
  });

  test('its preferences decide what the reader asks for', async () => {
    const memory = toMemory<MetricDataPoint>();
    const { provider, meter } = metered({
      ...{ sink: memory, temporalityPreference: 'delta' },
      aggregationPreference: 'base2_exponential_bucket_histogram',
    });
    const histogram = meter.createHistogram('duration');
    const counter = meter.createCounter('orders');
    for (let round = 0; round < 2; round += 1) {
      counter.add(1);
      histogram.record(5);
      await provider.forceFlush();
    }
    const ofName = (wanted: string) => memory.items.filter(({ metric }) => metric.descriptor.name === wanted);
    expect(ofName('orders').map(({ point }) => point.value)).toEqual([1, 1]);
    expect(ofName('duration').map(({ metric }) => metric.dataPointType)).toEqual([1, 1]);
  });
});

describe('metricPipeline answers each collection once', () => {
  test('without points, at once', async () => {
    const pipeline = metricPipeline({ sink: toMemory(), environment: {} });
    const { answered, results } = exported(pipeline, collectionOf(0));
    expect(await answered).toEqual({ code: 0 });
    await pipeline.shutdown();
    expect(results).toHaveLength(1);
  });

  test('with a failure when a part of it was rejected or lost', async () => {
    const { sink } = sinkOf(() => of({ rejected: 2, message: 'too old' }), failing('permanent'));
    const pipeline = metricPipeline({ sink, environment: {}, maxExportBatchSize: 10, concurrency: 1 });
    const { answered, results } = exported(pipeline, collectionOf(20));
    const { code, error } = await answered;
    expect({ code, errorCode: (error as { code?: string } | undefined)?.code }).toEqual({
      code: 1,
      errorCode: 'EXPORT_FAILED',
    });
    expect(error?.message).toBe(
      'metricPipeline: 12 of 20 data points were not delivered: 10 permanent at exportTo(sink), 2 rejected by the backend; the backend says: too old; the last failure: it is permanent',
    );
    await pipeline.shutdown();
    expect(results).toHaveLength(1);
    expect(pipeline.stats()).toMatchObject({
      accepted: 20,
      delivered: 8,
      rejected: 2,
      lost: { permanent: 10 },
      pending: 0,
    });
  });

  test('two that wait at the same time, the older one first, each with its own outcome', async () => {
    const { sink, batches } = sinkOf(failing('permanent'), () => of({}));
    const pipeline = metricPipeline({ sink, environment: {}, maxExportBatchSize: 5, concurrency: 1 });
    pipeline.pause();
    const [older, newer] = [exported(pipeline, collectionOf(5, 1)), exported(pipeline, collectionOf(5, 2))];
    await expect.poll(() => pipeline.stats().stages.channel?.pending).toBe(0);
    pipeline.resume();
    expect((await older.answered).code).toBe(1);
    expect((await newer.answered).code).toBe(0);
    expect(batches.map(({ items }) => items[0]?.point.endTime[0])).toEqual([1, 2]);
    expect(pipeline.stats()).toMatchObject({ accepted: 10, delivered: 5, lost: { permanent: 5 } });
    await pipeline.shutdown();
  });

  test('one that is larger than the queue waits for room, and loses nothing', async () => {
    const { sink, batches } = sinkOf();
    const pipeline = metricPipeline({ sink, environment: {}, maxQueueSize: 50, maxExportBatchSize: 50 });
    const { answered } = exported(pipeline, collectionOf(1_000));
    expect((await answered).code).toBe(0);
    expect(batches.reduce((sum, { items }) => sum + items.length, 0)).toBe(1_000);
    await pipeline.shutdown();
  });

  test('after the shutdown, with a failure', async () => {
    const pipeline = metricPipeline({ sink: toMemory(), environment: {} });
    await pipeline.shutdown();
    const { code, error } = await exported(pipeline, collectionOf(3)).answered;
    expect(code).toBe(1);
    expect(error?.message).toContain('3 of 3 data points were not delivered: 3 alreadyShutdown');
    expect(pipeline.stats().refused).toEqual({ alreadyShutdown: 3 });
  });

  test('with a failure where the collection cannot be read; nothing is thrown', async () => {
    const pipeline = metricPipeline({ sink: toMemory(), environment: {} });
    const { code, error } = await exported(pipeline, undefined as never).answered;
    expect({ code, message: error?.message }).toMatchObject({
      code: 1,
      message: expect.stringContaining('cannot be read'),
    });
    await pipeline.shutdown();
  });

  test('a callback that throws is counted and told', async () => {
    const told = listening();
    const pipeline = metricPipeline({ sink: toMemory(), environment: {} });
    pipeline.exporter.export(collectionOf(1), () => {
      throw new Error('oops');
    });
    await pipeline.shutdown();
    expect(pipeline.stats().callbackErrors).toBe(1);
    expect(told.join('\n')).toContain('a callback threw: oops');
  });
});

describe('metricPipeline and time', () => {
  test('a collection that cannot be delivered is answered before the reader gives up', () =>
    marbles(async ({ now }) => {
      const told = listening();
      const { sink } = sinkOf(failing('retryable'));
      const { provider, meter } = metered({ sink, exportTimeoutMillis: 5_000 });
      meter.createCounter('orders').add(1);
      const sinceMillis = now();
      await provider.forceFlush();
      expect(now() - sinceMillis).toBeLessThan(5_000);
      expect(told.join('\n')).toContain('1 of 1 data points were not delivered');
      expect(told.join('\n')).not.toContain('timed out');
      await provider.shutdown();
    }));

  test('a reader that gives up first says so, and what it has given is delivered nevertheless', () =>
    marbles(async ({ advanceBy, now }) => {
      const told = listening();
      const sinceMillis = now();
      const { sink } = sinkOf(() => (now() - sinceMillis < 63_000 ? failing('retryable')() : of({})));
      const pipeline = metricPipeline({ sink, environment: {}, exportTimeoutMillis: 20_000 });
      const { exporter } = pipeline;
      const times = { exportIntervalMillis: 60_000, exportTimeoutMillis: 1_000 };
      const reader = new PeriodicExportingMetricReader({ exporter, ...times });
      const provider = new MeterProvider({ readers: [reader] });
      provider.getMeter('test').createCounter('orders').add(1);
      await advanceBy(61_500);
      expect(told.join('\n')).toContain('timed out after 1000ms');
      await advanceBy(20_000);
      expect(pipeline.stats()).toMatchObject({ accepted: 1, delivered: 1, lost: {}, pending: 0 });
      await provider.shutdown();
    }));

  test('through an outage, each collection of a reader ends by itself, the older one first, and the books add up', () =>
    marbles(async ({ advanceBy, now }) => {
      const arrived: number[] = [];
      const sinceMillis = now();
      const isDown = () => now() - sinceMillis > 2_500 && now() - sinceMillis < 8_200;
      const sink: Sink<MetricDataPoint> = {
        name: 'sink',
        export: ({ items }) => {
          if (isDown()) return failing('retryable')();
          arrived.push(...items.map(({ point }) => point.value as number));
          return of({});
        },
      };
      const { pipeline, provider, meter } = metered({ sink, exportIntervalMillis: 1_000 });
      const counter = meter.createCounter('orders');
      for (let second = 0; second < 12; second += 1) {
        counter.add(1);
        await advanceBy(1_000);
      }
      await provider.shutdown();
      const { accepted, delivered, lost, pending } = pipeline.stats();
      expect(arrived).toEqual(arrived.toSorted((one, other) => one - other));
      expect(arrived.at(-1)).toBe(12);
      expect({ delivered, pending }).toEqual({ delivered: arrived.length, pending: 0 });
      expect(Object.values(lost).reduce((sum, count) => sum + count, 0)).toBe(accepted - delivered);
      expect(accepted).toBeGreaterThan(delivered);
    }));

  test.each([
    [{ exportTimeoutMillis: 5_000 }, 4_500],
    [{ exportTimeoutMillis: 1 }, 1],
    [{}, 29_000],
    [{ exportIntervalMillis: 10_000 }, 9_000],
    [{ retry: { maxElapsedMillis: 70_000 } }, 70_000],
  ])('%j: a batch is tried for %d ms', (options, maxElapsedMillis) => {
    const { stages } = metricPipelineSettings({ sink: toMemory(), environment: {}, ...options });
    expect(stages.export.retry?.maxElapsedMillis).toBe(maxElapsedMillis);
  });
});

describe('the variables of metrics', () => {
  const settled = (environment: Record<string, string>, options = {}) =>
    metricPipelineSettings({ sink: toMemory(), environment, ...options });

  test('count where an option is left out', () => {
    const environment = {
      OTEL_METRIC_EXPORT_INTERVAL: '20000',
      OTEL_METRIC_EXPORT_TIMEOUT: '7000',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'LowMemory',
      OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram',
    };
    expect(settled(environment)).toMatchObject({
      ...{ exportIntervalMillis: 20_000, exportTimeoutMillis: 7_000, temporalityPreference: 'lowmemory' },
      aggregationPreference: 'base2_exponential_bucket_histogram',
    });
    expect(settled(environment, { exportTimeoutMillis: 3_000 }).exportTimeoutMillis).toBe(3_000);
  });

  test('a timeout beyond the interval is cut to it', () => {
    expect(settled({ OTEL_METRIC_EXPORT_INTERVAL: '5000' })).toMatchObject({ exportTimeoutMillis: 5_000 });
  });

  test('one that makes no sense is warned about and ignored', () => {
    const told = listening();
    const environment = {
      OTEL_METRIC_EXPORT_INTERVAL: '0',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'newest',
    };
    expect(settled(environment)).toMatchObject({ exportIntervalMillis: 60_000, temporalityPreference: 'cumulative' });
    expect(told).toHaveLength(2);
  });
});

describe('temporality', () => {
  const { DELTA, CUMULATIVE } = AggregationTemporality;
  const selected = (options: Pick<MetricPipelineOptions, 'temporalityPreference'>) => {
    const { exporter } = metricPipeline({ sink: toMemory(), environment: {}, ...options });
    return Object.fromEntries(
      Object.values(InstrumentType).map((type) => [type, exporter.selectAggregationTemporality(type)]),
    );
  };
  const all = Object.fromEntries(Object.values(InstrumentType).map((type) => [type, CUMULATIVE]));

  test('is that of the specification for each preference', () => {
    expect(selected({})).toEqual(all);
    expect(selected({ temporalityPreference: 'lowmemory' })).toEqual({ ...all, COUNTER: DELTA, HISTOGRAM: DELTA });
    expect(selected({ temporalityPreference: 'delta' })).toMatchObject({
      ...{ COUNTER: DELTA, OBSERVABLE_COUNTER: DELTA, HISTOGRAM: DELTA },
      ...{ UP_DOWN_COUNTER: CUMULATIVE, OBSERVABLE_UP_DOWN_COUNTER: CUMULATIVE },
    });
  });

  test('may be a function of the instrument, and so may the aggregation', () => {
    const onlyCounters = (type: InstrumentType) => (type === InstrumentType.COUNTER ? DELTA : CUMULATIVE);
    expect(selected({ temporalityPreference: onlyCounters })).toEqual({ ...all, COUNTER: DELTA });
    const dropping = () => ({ type: AggregationType.DROP }) as const;
    const { exporter } = metricPipeline({ sink: toMemory(), environment: {}, aggregationPreference: dropping });
    expect(exporter.selectAggregation(InstrumentType.GAUGE)).toEqual({ type: AggregationType.DROP });
  });

  test('a histogram alone has a choice of aggregations', () => {
    const { exporter } = metricPipeline({
      ...{ sink: toMemory(), environment: {} },
      aggregationPreference: 'base2_exponential_bucket_histogram',
    });
    expect(exporter.selectAggregation(InstrumentType.HISTOGRAM).type).toBe(AggregationType.EXPONENTIAL_HISTOGRAM);
    expect(exporter.selectAggregation(InstrumentType.COUNTER).type).toBe(AggregationType.DEFAULT);
  });
});
