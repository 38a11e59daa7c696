import { SeverityNumber } from '@opentelemetry/api';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exponentialBackoff, otlpHttp, type Stats } from '../../src/index.ts';
import { logPipeline } from '../../src/logs.ts';
import { metricPipeline } from '../../src/metrics.ts';
import { type BackendScript, type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';

/** How the SDK of one signal makes items that leave by our pipeline over a real socket. */
interface Sent {
  /** Makes items, and waits until each has its outcome. */
  send(items: number): Promise<void>;
  /** The SDK's own shutdown. */
  shutdown(): Promise<void>;
  stats(): Stats;
}

type Encoding = 'protobuf' | 'json';

const RETRY = { backoff: exponentialBackoff({ initialMillis: 1, maxMillis: 1 }) };

function logs(backend: OtlpBackend, encoding: Encoding): Sent {
  const sink = otlpHttp({ signal: 'logs', url: new URL('/v1/logs', backend.url), encoding, environment: {} });
  const pipeline = logPipeline({ sink, environment: {}, retry: RETRY });
  const provider = new LoggerProvider({ processors: [pipeline.processor] });
  const logger = provider.getLogger('test');
  const send = (items: number) => {
    for (let index = 0; index < items; index += 1)
      logger.emit({ severityNumber: SeverityNumber.INFO, body: { order: index }, attributes: { index } });
    return provider.forceFlush();
  };
  return { send, shutdown: () => provider.shutdown(), stats: () => pipeline.stats() };
}

function metrics(backend: OtlpBackend, encoding: Encoding): Sent {
  const sink = otlpHttp({ signal: 'metrics', url: new URL('/v1/metrics', backend.url), encoding, environment: {} });
  const pipeline = metricPipeline({ sink, environment: {}, retry: RETRY, temporalityPreference: 'delta' });
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader(pipeline.readerOptions)] });
  const histogram = provider.getMeter('test').createHistogram('duration');
  const send = (items: number) => {
    for (let index = 0; index < items; index += 1) histogram.record(index, { index });
    return provider.forceFlush();
  };
  return { send, shutdown: () => provider.shutdown(), stats: () => pipeline.stats() };
}

async function start(answers: BackendScript = 'ok'): Promise<OtlpBackend> {
  const backend = await otlpBackend({ answers });
  onTestFinished(() => backend.close());
  return backend;
}

describe.each([
  ['logs', 'protobuf', logs],
  ['logs', 'json', logs],
  ['metrics', 'protobuf', metrics],
  ['metrics', 'json', metrics],
] as const)('%s over HTTP, as %s', (signal, encoding, make) => {
  test('arrive, each of them once', async () => {
    const backend = await start();
    const { send, shutdown, stats } = make(backend, encoding);
    await send(1_200);
    await shutdown();
    expect({ items: backend.items, received: backend.receivedItems }).toEqual({ items: 1_200, received: 1_200 });
    expect(backend.requests.every(({ path }) => path === `/v1/${signal}`)).toBe(true);
    expect(stats()).toMatchObject({ offered: 1_200, delivered: 1_200, lost: {}, pending: 0 });
  });

  test('are sent again after a 503 and a connection that was reset, and what is rejected is counted', async () => {
    const partialSuccess = { rejected: 3, message: 'too old' };
    const backend = await start([{ status: 503 }, 'reset', { partialSuccess }]);
    const { send, shutdown, stats } = make(backend, encoding);
    await send(10);
    await shutdown();
    expect(backend.items).toBe(7);
    expect(stats()).toMatchObject({ accepted: 10, delivered: 7, rejected: 3, lost: {}, pending: 0 });
  });

  test('a backend that refuses them for good loses them by their reason', async () => {
    const backend = await start({ status: 400 });
    const { send, shutdown, stats } = make(backend, encoding);
    await send(10);
    await shutdown();
    expect(backend.items).toBe(0);
    expect(stats()).toMatchObject({ accepted: 10, delivered: 0, lost: { permanent: 10 }, pending: 0 });
  });
});
