import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { delay, filter, map, mergeMap, NEVER, of, tap, throwError } from 'rxjs';
import { afterEach, describe, expect, expectTypeOf, onTestFinished, test } from 'vitest';
import { circuitBreaker, ExportError, otlpHttp, type Sink, toMemory } from '../../src/index.ts';
import {
  type MetricDataPoint,
  type MetricOperator,
  type MetricPipelineOptions,
  type MetricPipelineSinksOptions,
  metricPipeline,
} from '../../src/metrics.ts';
import { marbles } from '../../src/testing/index.ts';

/** A pipeline with a real reader and meter in front of it. It collects when it is flushed. */
function metered(options: MetricPipelineOptions | MetricPipelineSinksOptions) {
  const pipeline = metricPipeline({ environment: {}, ...options });
  const reader = new PeriodicExportingMetricReader(pipeline.readerOptions);
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown().catch(() => {}));
  return { pipeline, provider, meter: provider.getMeter('test') };
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

const nameOf = ({ metric }: MetricDataPoint) => metric.descriptor.name;
const refusing: Sink<MetricDataPoint> = {
  name: 'refusing',
  export: () => throwError(() => new ExportError({ kind: 'permanent' }, 'it refuses')),
};

describe('the operators of a metricPipeline', () => {
  test('take points out, and the reader is told of a success', async () => {
    const told = listening();
    const memory = toMemory<MetricDataPoint>();
    const { pipeline, provider, meter } = metered({
      ...{ sink: memory, operators: [filter((point) => nameOf(point) !== 'noise')] },
    });
    meter.createCounter('noise').add(1);
    meter.createCounter('orders').add(2);
    await provider.forceFlush();
    expect(memory.items.map(nameOf)).toEqual(['orders']);
    expect([pipeline.stats(), told]).toMatchObject([
      { accepted: 2, delivered: 1, between: 1, pending: 0, lost: {} },
      [],
    ]);
  });

  test('may take out all of them', async () => {
    const told = listening();
    const memory = toMemory<MetricDataPoint>();
    const { provider, meter } = metered({ sink: memory, operators: [filter(() => false)] });
    meter.createCounter('orders').add(2);
    await provider.forceFlush();
    expect([memory.items, told.join()]).toEqual([[], expect.not.stringContaining('not delivered')]);
  });

  test('change points, in collection after collection', async () => {
    const memory = toMemory<MetricDataPoint>();
    const withoutUser = map((given: MetricDataPoint): MetricDataPoint => {
      const { user: _, ...attributes } = given.point.attributes;
      return { ...given, point: { ...given.point, attributes } };
    });
    const { provider, meter } = metered({ sink: memory, operators: [withoutUser] });
    const orders = meter.createCounter('orders');
    orders.add(1, { shop: 'a', user: 'eve' });
    await provider.forceFlush();
    orders.add(1, { shop: 'a', user: 'eve' });
    await provider.forceFlush();
    const seen = memory.items.map(({ point }) => [point.attributes, point.value]);
    expect(seen).toEqual([
      [{ shop: 'a' }, 1],
      [{ shop: 'a' }, 2],
    ]);
  });

  test('lose the point for which they throw, and go on; the reader is told', async () => {
    const told = listening();
    const memory = toMemory<MetricDataPoint>();
    const failing = tap((point: MetricDataPoint) => {
      if (nameOf(point) === 'bad') throw new Error('cannot read it');
    });
    const { pipeline, provider, meter } = metered({ sink: memory, operators: [failing] });
    for (const name of ['good', 'bad', 'fine']) meter.createCounter(name).add(1);
    await provider.forceFlush();
    expect(memory.items.map(nameOf)).toEqual(['good', 'fine']);
    expect(told.join('\n')).toContain('1 of 3 data points were not delivered: 1 operatorFailed at operators');
    await provider.forceFlush();
    expect(memory.items.map(nameOf)).toEqual(['good', 'fine', 'good', 'fine']);
    const { accepted, delivered, lost, between, pending, callbackErrors } = pipeline.stats();
    expect({ accepted, delivered, lost, between, pending, callbackErrors }).toEqual({
      ...{ accepted: 6, delivered: 4, lost: { operatorFailed: 2 }, between: 0, pending: 0, callbackErrors: 2 },
    });
  });

  test('make more points: the first one answers for that which went in', async () => {
    const told = listening();
    const rejecting: Sink<MetricDataPoint> = { name: 'sink', export: ({ items }) => of({ rejected: items.length }) };
    const twice = mergeMap((point: MetricDataPoint) => [point, point]);
    const { pipeline, provider, meter } = metered({ sink: rejecting, operators: [twice] });
    for (const name of ['one', 'two']) meter.createCounter(name).add(1);
    await provider.forceFlush();
    expect(told.join('\n')).toContain('2 of 2 data points were not delivered: 2 rejected by the backend');
    expect(pipeline.stats()).toMatchObject({ accepted: 2, rejected: 4, pending: 0 });
  });

  test('let points out later: no collection waits for them, and a flush does', () =>
    marbles(async ({ advanceBy, now }) => {
      const told = listening();
      const memory = toMemory<MetricDataPoint>();
      const { pipeline, provider, meter } = metered({ sink: memory, operators: [delay(500)] });
      meter.createCounter('orders').add(1);
      await provider.forceFlush();
      expect(told.join()).not.toContain('not delivered');
      await advanceBy(500); // now it is known that the operator emits later
      const sinceMillis = now();
      await provider.forceFlush();
      expect([memory.items.map(nameOf), now() - sinceMillis]).toEqual([['orders', 'orders'], 500]);
      expect(pipeline.stats()).toMatchObject({ accepted: 2, delivered: 2, between: 0, pending: 0 });
      await provider.shutdown();
    }));

  test('are typed by the data point', () => {
    expectTypeOf(filter((_: MetricDataPoint) => true)).toExtend<MetricOperator>();
    expectTypeOf(map((_: MetricDataPoint) => 1)).not.toExtend<MetricOperator>();
  });
});

describe('the sinks of a metricPipeline', () => {
  test('get each point, on a route each', async () => {
    const told = listening();
    const [main, other] = [toMemory<MetricDataPoint>(), toMemory<MetricDataPoint>()];
    const onlyOrders = (point: MetricDataPoint) => nameOf(point) === 'orders';
    const { pipeline, provider, meter } = metered({ sinks: { main, other: { sink: other, filter: onlyOrders } } });
    for (const name of ['orders', 'visits']) meter.createCounter(name).add(1);
    await provider.forceFlush();
    expect([main.items.map(nameOf), other.items.map(nameOf), told]).toEqual([['orders', 'visits'], ['orders'], []]);
    expect(pipeline.stats()).toMatchObject({
      ...{ accepted: 2, delivered: 2, pending: 0 },
      routes: { main: { delivered: 2 }, other: { delivered: 1 } },
    });
  });

  test('answer by the required one that has delivered least', async () => {
    const told = listening();
    const { pipeline, provider, meter } = metered({ sinks: { main: toMemory<MetricDataPoint>(), refusing } });
    meter.createCounter('orders').add(1);
    await provider.forceFlush();
    expect(told.join('\n')).toContain(
      '1 of 1 data points were not delivered: 1 permanent at exportTo(refusing); the last failure: it refuses',
    );
    expect(pipeline.stats()).toMatchObject({
      delivered: 0,
      lost: { permanent: 1 },
      routes: { main: { delivered: 1 } },
    });
  });

  test('do not wait for a best-effort one', async () => {
    const memory = toMemory<MetricDataPoint>();
    const dead: Sink<MetricDataPoint> = { name: 'dead', export: () => NEVER };
    const { pipeline, provider, meter } = metered({ sinks: { main: memory, dead: { sink: dead, required: false } } });
    meter.createCounter('orders').add(1);
    await provider.forceFlush();
    expect([memory.items.length, pipeline.stats().pending]).toEqual([1, 0]);
    expect(await pipeline.shutdown({ deadlineMillis: 5 })).toMatchObject({ lost: {} });
    expect(pipeline.stats().routes.dead).toMatchObject({ lost: { unconfirmed: 1 }, pending: 0 });
  });

  test('are all shut down', async () => {
    const closed: string[] = [];
    const closing = (name: string): Sink<MetricDataPoint> => ({
      ...{ ...toMemory<MetricDataPoint>(), name },
      shutdown: async () => void closed.push(name),
    });
    const { provider } = metered({ sinks: { one: closing('one'), other: closing('other') } });
    await provider.shutdown();
    expect(closed.sort()).toEqual(['one', 'other']);
  });

  test.each<[string, object, string]>([
    [
      'beside a sink',
      { sink: toMemory(), sinks: { a: toMemory() } },
      'metricPipeline.sink must be left out where there are sinks',
    ],
    [
      'with a breaker of all',
      { sinks: { a: toMemory() }, breaker: circuitBreaker() },
      'metricPipeline.breaker must be given to each of the sinks',
    ],
    [
      'of which one is for spans',
      { sinks: { a: { sink: otlpHttp({ environment: {} }) } } },
      "metricPipeline.sinks.a.sink is a sink for traces: give otlpHttp({ signal: 'metrics' })",
    ],
    ['none', {}, 'metricPipeline.sink must be a sink'],
    ['none required', { sinks: { a: { sink: toMemory(), required: false } } }, 'metricPipeline.sinks'],
  ])('%s are refused at the call', (_, options, message) => {
    expect(() => metricPipeline({ environment: {}, ...options } as never)).toThrow(message);
  });
});
