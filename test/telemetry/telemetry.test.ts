import { readdirSync } from 'node:fs';
import { context, type DiagLogger, DiagLogLevel, diag, logs, metrics, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { firstValueFrom, lastValueFrom, map, toArray } from 'rxjs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { toMemory } from '../../src/index.ts';
import type { Environment } from '../../src/internal/environment.ts';
import { type Telemetry, type TelemetryOptions, telemetry } from '../../src/telemetry/index.ts';
import { type BackendScript, type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { grpcBackend } from '../support/grpcBackend.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

async function start(answers: BackendScript = 'ok'): Promise<OtlpBackend> {
  const backend = await otlpBackend({ answers });
  onTestFinished(() => backend.close());
  return backend;
}

const baseOf = (backend: { readonly url: string }) => new URL('/', backend.url);

/** Telemetry without the variables of who runs the tests, which ends with the test. */
function made(options: TelemetryOptions): Telemetry {
  const all = telemetry({ environment: {}, ...options });
  onTestFinished(() => all.shutdown({ deadlineMillis: 0 }));
  return all;
}

/** A real NodeSDK with it, which ends with the test. */
function started(all: Telemetry): NodeSDK {
  const node = new NodeSDK({ ...all.sdk, autoDetectResources: false });
  node.start();
  onTestFinished(async () => {
    await all.shutdown({ deadlineMillis: 0 });
    await node.shutdown();
    for (const api of [trace, logs, metrics, context, propagation]) api.disable();
  });
  return node;
}

/** The program that is observed. */
const program = {
  traces: () => trace.getTracer('shop').startSpan('checkout').end(),
  logs: () => logs.getLogger('shop').emit({ body: 'an order came in' }),
  metrics: () => metrics.getMeter('shop').createCounter('orders').add(3),
};
function doAll(): void {
  for (const work of Object.values(program)) work();
}

const deliveredOf = (all: Telemetry) =>
  Object.fromEntries(Object.entries(all.stats()).map(([name, { delivered }]) => [name, delivered]));

/** What `diag` is told while a test runs. */
function warnings(): string[] {
  const told: string[] = [];
  const add = (message: string) => void told.push(message);
  const logger: DiagLogger = { error: add, warn: add, info() {}, debug() {}, verbose() {} };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  onTestFinished(() => diag.disable());
  return told;
}

describe('telemetry() with a real NodeSDK', () => {
  test('sends all signals over HTTP, each to its path below the base', async () => {
    const backend = await start();
    const all = made({ url: new URL('/collect/', backend.url), protocol: 'http/json' });
    expect(Object.keys(all.sdk).sort()).toEqual(['logRecordProcessors', 'metricReaders', 'spanProcessors']);
    started(all);
    doAll();
    await all.forceFlush();
    const requests = backend.requests.map(({ path, headers }) => `${path} ${headers['content-type']}`);
    expect(requests.sort()).toEqual(
      ['logs', 'metrics', 'traces'].map((name) => `/collect/v1/${name} application/json`),
    );
  });

  test('is flushed and shut down by NodeSDK, and then has delivered everything, over connections that are closed', async () => {
    const told = warnings();
    const backend = await start();
    const all = made({ url: baseOf(backend) });
    const node = started(all);
    doAll();
    await node.shutdown();
    await all.shutdown();
    expect(deliveredOf(all)).toEqual({ traces: 1, logs: 1, metrics: 1 });
    expect(backend.items).toBe(3);
    expect(told).toEqual([]);
  });

  test('uses one connection for what is sent one after another, and keeps it until the last signal is shut down', async () => {
    const backend = await start();
    const all = made({ url: baseOf(backend) });
    const node = started(all);
    for (let round = 0; round < 3; round += 1) {
      program.traces();
      await all.pipelines.traces?.forceFlush();
      program.logs();
      await all.pipelines.logs?.forceFlush();
    }
    await all.pipelines.traces?.shutdown();
    program.logs();
    await all.pipelines.logs?.forceFlush();
    await all.pipelines.logs?.shutdown();
    program.metrics();
    await node.shutdown();
    expect({ requests: backend.requestCount, connections: backend.connections }).toEqual({
      requests: 8,
      connections: 1,
    });
  });

  test('uses connections of its own for a signal with other settings', async () => {
    const backend = await start();
    const all = made({ url: baseOf(backend), signals: { logs: { maxConnectionAgeMillis: 1_000_000 } } });
    started(all);
    program.traces();
    await all.pipelines.traces?.forceFlush();
    program.logs();
    await all.pipelines.logs?.forceFlush();
    expect(backend.connections).toBe(2);
  });

  test('sends all signals by gRPC, over one connection', async () => {
    const backend = await grpcBackend();
    const all = made({ protocol: 'grpc', url: backend.url });
    started(all);
    for (let round = 0; round < 3; round += 1) {
      doAll();
      await all.forceFlush();
    }
    expect(deliveredOf(all)).toEqual({ traces: 3, logs: 3, metrics: 3 });
    expect({ calls: backend.arrivals.length, connections: backend.connections }).toEqual({ calls: 9, connections: 1 });
    await all.pipelines.traces?.shutdown();
    program.logs();
    await all.pipelines.logs?.forceFlush();
    expect(backend.openConnections).toBe(1);
    await all.shutdown();
    await backend.until(({ openConnections }) => openConnections === 0);
  });

  test('holds back only the endpoint that said Retry-After', async () => {
    const backend = await start(({ path }) =>
      path === '/v1/traces' ? { status: 429, headers: { 'retry-after': '600' } } : 'ok',
    );
    const all = made({ url: baseOf(backend) });
    started(all);
    doAll();
    await backend.until(({ requests }) => requests.some(({ path }) => path === '/v1/traces'));
    await Promise.all([all.pipelines.logs?.forceFlush(), all.sdk.metricReaders?.[0]?.forceFlush()]);
    expect(deliveredOf(all)).toEqual({ traces: 0, logs: 1, metrics: 1 });
    expect(all.stats().traces).toMatchObject({ pending: 1 });
  });
});

describe('telemetry().forceFlush', () => {
  test('flushes each signal to its end, and names the one that is not done in its time', async () => {
    const backend = await start(({ path }) => (path === '/v1/traces' ? 'hang' : 'ok'));
    const all = made({ url: baseOf(backend), signals: { logs: { scheduledDelayMillis: 60_000 } } });
    started(all);
    doAll();
    const flushed = all.forceFlush({ timeoutMillis: 1_000 });
    await expect(flushed).rejects.toMatchObject({
      code: 'FLUSH_TIMEOUT',
      message: expect.stringMatching(/^telemetry\.forceFlush: traces: [^;]* within 1000 ms; /),
    });
    expect(deliveredOf(all)).toEqual({ traces: 0, logs: 1, metrics: 1 });
  });
});

describe('telemetry().shutdown', () => {
  test('ends all signals at one deadline, and tells what is lost', async () => {
    const backend = await start('hang');
    const all = made({ url: baseOf(backend) });
    started(all);
    doAll();
    const states = lastValueFrom(all.state$);
    await all.shutdown({ deadlineMillis: 100 });
    const lost = { delivered: 0, lost: { unconfirmed: 1 }, pending: 0 };
    expect(all.stats()).toMatchObject({ traces: lost, logs: lost, metrics: lost });
    expect(await states).toEqual({ traces: 'stopped', logs: 'stopped', metrics: 'stopped' });
    expect(all.shutdown()).toBe(all.shutdown());
  });

  test('ends what no SDK was ever given', async () => {
    const told = warnings();
    const all = made({});
    await all.forceFlush();
    await all[Symbol.asyncDispose]();
    expect(told).toEqual([]);
  });

  test('leaves no listener of the process', async () => {
    const count = () => process.listenerCount('beforeExit');
    const before = count();
    const all = made({});
    expect(count()).toBeGreaterThan(before);
    await all.shutdown();
    expect(count()).toBe(before);
  });
});

describe('telemetry({ spool })', () => {
  test('keeps spans and log records that its shutdown could not send, and sends them at the next start', async () => {
    const spool = temporaryFolder();
    const backend = await start('hang');
    const first = made({ url: baseOf(backend), spool });
    started(first);
    doAll();
    await first.shutdown({ deadlineMillis: 0 });
    expect(readdirSync(spool)).toHaveLength(2);
    backend.respond('ok');
    const second = made({ url: baseOf(backend), spool });
    await second.shutdown();
    expect(readdirSync(spool)).toEqual([]);
    expect(deliveredOf(second)).toEqual({ traces: 1, logs: 1, metrics: 0 });
  });
});

describe('telemetry().stats$', () => {
  test('tells the statistics by signal, and completes after the shutdown', async () => {
    const all = made({ signals: { logs: false } });
    const seen = lastValueFrom(all.stats$.pipe(map(Object.keys), toArray()));
    expect(Object.keys(await firstValueFrom(all.stats$))).toEqual(['traces', 'metrics']);
    await all.shutdown();
    expect((await seen).every((names) => names.join() === 'traces,metrics')).toBe(true);
  });
});

describe('which signals there are', () => {
  const off = { traces: 'spanProcessors', logs: 'logRecordProcessors', metrics: 'metricReaders' } as const;

  test.each(['traces', 'logs', 'metrics'] as const)('%s are off by their option, and by their variable', (signal) => {
    for (const options of [{ signals: { [signal]: false } }, { environment: exporter(signal, 'none') }]) {
      const all = made(options);
      expect(all.sdk[off[signal]]).toEqual([]);
      expect(all.pipelines).not.toHaveProperty(signal);
      expect(all.stats()).not.toHaveProperty(signal);
    }
  });

  test.each(['traces', 'logs', 'metrics'] as const)('%s are left to NodeSDK for an exporter of its own', (signal) => {
    const told = warnings();
    expect(made({ environment: exporter(signal, 'prometheus') }).sdk).not.toHaveProperty(off[signal]);
    expect(told).toEqual([expect.stringMatching(new RegExp(`^spanflow: ${signal} are left to NodeSDK: OTEL_`))]);
  });

  test('of several exporters in a variable, OTLP is used, and the others are warned about', async () => {
    const told = warnings();
    const backend = await start();
    started(made({ url: baseOf(backend), environment: exporter('traces', 'console, otlp') }));
    program.traces();
    await backend.until(({ spans }) => spans === 1);
    expect(told).toEqual([expect.stringContaining('traces go to otlp alone')]);
  });

  test('a sink of the program is stronger than the variable', async () => {
    const memory = toMemory<never>();
    const all = made({ environment: exporter('logs', 'none'), signals: { logs: { sink: memory } } });
    started(all);
    program.logs();
    await all.pipelines.logs?.forceFlush();
    expect(memory.items).toHaveLength(1);
  });

  function exporter(signal: string, name: string): Environment {
    return { [`OTEL_${signal.toUpperCase()}_EXPORTER`]: name };
  }
});

describe('the destination', () => {
  test('of each signal is that of its variables', async () => {
    const [http, grpc] = [await start(), await grpcBackend()];
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: baseOf(http).href,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=of-all',
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: grpc.url,
      OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'gzip',
    };
    const all = made({ environment });
    started(all);
    doAll();
    await all.forceFlush();
    const seen = http.requests.map(({ path, headers }) => [path, headers['content-encoding'], headers['x-api-key']]);
    expect(seen.sort()).toEqual([
      ['/v1/metrics', 'gzip', 'of-all'],
      ['/v1/traces', undefined, 'of-all'],
    ]);
    expect(grpc.arrivals).toMatchObject([{ metadata: { 'x-api-key': 'of-all' } }]);
  });

  test('of a signal is its own option, then that of all, then the variable', async () => {
    const [shared, own] = [await start(), await start()];
    const all = made({
      url: baseOf(shared),
      headers: { 'x-api-key': 'of-all' },
      environment: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9/never' },
      signals: { logs: { url: new URL('/v1/logs', own.url), headers: { 'x-api-key': 'of-logs' } } },
    });
    started(all);
    doAll();
    await all.forceFlush();
    expect(shared.requests.map(({ path }) => path).sort()).toEqual(['/v1/metrics', '/v1/traces']);
    expect(shared.requests.every(({ headers }) => headers['x-api-key'] === 'of-all')).toBe(true);
    expect(own.requests).toMatchObject([{ path: '/v1/logs', headers: { 'x-api-key': 'of-logs' } }]);
  });
});

describe('an option that is wrong is refused by its name', () => {
  test.each<[string, TelemetryOptions, string]>([
    ['of all', { url: 'nowhere' }, 'telemetry.url must be'],
    ['of all, of a sink', { headers: 5 as never }, 'telemetry.headers must be'],
    ['of all, of a life cycle', { exitDeadlineMillis: -1 }, 'telemetry.exitDeadlineMillis must be'],
    ['unknown', { compresion: 'gzip' } as never, "did you mean 'compression'?"],
    ['a protocol', { protocol: 'http' as never }, "telemetry.protocol must be one of 'http/protobuf'"],
    ["a signal's path", { url: 'http://collector:4318/v1/traces' }, 'without /v1/traces'],
    ['signals', { signals: 'all' as never }, 'telemetry.signals must be an object'],
    ['a signal', { signals: { logs: true as never } }, 'telemetry.signals.logs must be false, or an object'],
    ['an unknown signal', { signals: { spans: {} } as never }, 'telemetry.signals.spans must be one of the known'],
    ['of one signal, unknown', { signals: { logs: { maxQueuSize: 5 } as never } }, "did you mean 'maxQueueSize'?"],
    ['of its sink', { signals: { logs: { timeoutMillis: 0 } } }, 'telemetry.signals.logs.timeoutMillis must be'],
    ['of its pipeline', { signals: { traces: { maxQueueSize: 0 } } }, 'telemetry.signals.traces.maxQueueSize must be'],
    ['of the spool', { spool: { maxBytes: 5 } as never }, 'telemetry.spool.directory must be'],
    ['of metrics', { signals: { metrics: { exportIntervalMillis: 0 } } }, 'telemetry.signals.metrics.exportInterval'],
  ])('%s', (_, options, message) => {
    expect(() => telemetry({ environment: {}, ...options })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
    );
  });

  test('and nothing is left of the signals that were right', async () => {
    const before = process.listenerCount('beforeExit');
    expect(() => telemetry({ environment: {}, signals: { metrics: { exportIntervalMillis: 0 } } })).toThrow();
    await vi.waitFor(() => expect(process.listenerCount('beforeExit')).toBe(before));
  });

  test('of the calls', () => {
    const all = made({});
    expect(() => all.forceFlush({ timeoutMillis: -1 })).toThrow('telemetry.forceFlush.timeoutMillis');
    expect(() => all.shutdown({ deadlineMillis: -1 })).toThrow('telemetry.shutdown.deadlineMillis');
  });
});
