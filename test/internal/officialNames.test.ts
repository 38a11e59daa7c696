import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { ConsoleSpanExporter } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  exponentialBackoff,
  exportHandle,
  exportTo,
  otlpHttp,
  spanPipeline,
  toExporter,
  toMemory,
} from '../../src/index.ts';
import { logPipeline } from '../../src/logs.ts';
import { metricPipeline } from '../../src/metrics.ts';

/** For calls that the types refuse. */
type Call = (options: object) => unknown;

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  throw new Error('nothing was refused');
}

const EXPORT_TIMEOUT =
  "; OpenTelemetry's exportTimeoutMillis bounds all attempts at a batch, which is retry.maxElapsedMillis here; attemptTimeoutMillis bounds one attempt";

describe('an option of the official packages', () => {
  test.each<[string, Call]>([
    ['spanPipeline', (options) => spanPipeline({ sink: toMemory(), ...options })],
    ['exportTo', (options) => exportTo(toMemory(), options)],
  ])('is told by its name in %s', (name, call) => {
    const message = messageOf(() => call({ exportTimeoutMillis: 30_000 }));
    expect(message).toMatch(new RegExp(`^${name}\\.exportTimeoutMillis must be one of the known options;`));
    expect(message.endsWith(EXPORT_TIMEOUT)).toBe(true);
  });

  test('is no hint where its counterpart is no option', () => {
    const call: Call = (options) => adaptiveBatch(options);
    expect(messageOf(() => call({ exportTimeoutMillis: 30_000 }))).not.toContain('maxElapsedMillis');
  });

  test.each([
    ['concurrencyLimit', 'concurrency of exportTo and of the pipelines'],
    ['httpAgentOptions', 'dispatcher: new Agent(…)'],
  ])('%s of an exporter is told by otlpHttp', (option, hint) => {
    const call: Call = (options) => otlpHttp(options);
    expect(messageOf(() => call({ [option]: 1 }))).toContain(hint);
  });

  test.each<[string, Call, string, string]>([
    ['url', (options) => spanPipeline({ sink: toMemory(), ...options }), 'spanPipeline', 'sink: otlpHttp({ url })'],
    ['headers', (options) => exportTo(toMemory(), options), 'exportTo', 'sink: otlpHttp({ headers })'],
    ['timeoutMillis', (options) => exportTo(toMemory(), options), 'exportTo', 'sink: otlpHttp({ timeoutMillis })'],
    ['compression', (options) => exportTo(toMemory(), options), 'exportTo', 'sink: otlpHttp({ compression })'],
    ['endpoint', (options) => otlpHttp(options), 'otlpHttp', "did you mean 'url'?"],
    ['endpoint', (options) => exportTo(toMemory(), options), 'exportTo', 'sink: otlpHttp({ url })'],
    ['keepAlive', (options) => otlpHttp(options), 'otlpHttp', 'always kept alive'],
    ['attempts', (retry) => exportTo(toMemory(), { retry }), 'exportTo.retry', "did you mean 'maxAttempts'?"],
    ['maxRetries', (retry) => exportTo(toMemory(), { retry }), 'exportTo.retry', 'counts the first attempt too'],
    ['maxRetries', (options) => exportTo(toMemory(), options), 'exportTo', 'retry: { maxAttempts }'],
    ['minMillis', (options) => exponentialBackoff(options), 'exponentialBackoff', "did you mean 'initialMillis'?"],
    ['selfObsMeterProvider', (options) => otlpHttp(options), 'otlpHttp', 'statsToMetrics(pipeline, { meterProvider })'],
    ['httpAgentOptions', (options) => otlpHttp(options), 'otlpHttp', 'tls: { ca, cert, key }'],
  ])('%s is told with what to write instead', (option, call, owner, hint) => {
    const message = messageOf(() => call({ [option]: 1 }));
    expect(message).toMatch(new RegExp(`^${owner.replace('.', '\\.')}\\.${option} must be one of the known options; `));
    expect(message).toContain(hint);
  });

  test('exporter is a sink here', () => {
    const call: Call = (options) => spanPipeline(options as never);
    const message = messageOf(() => call({ exporter: new ConsoleSpanExporter() }));
    expect(message).toContain("pass OpenTelemetry's exporter as sink: toExporter(exporter)");
  });
});

describe('an official exporter that is given as a sink', () => {
  const exporters = [new ConsoleSpanExporter(), new OTLPTraceExporter({ url: 'http://127.0.0.1:1' })];
  const calls: [string, (sink: never) => unknown][] = [
    ['spanPipeline', (sink) => spanPipeline({ sink })],
    ['exportTo', (sink) => exportTo(sink)],
    ['exportHandle', (sink) => exportHandle(sink)],
  ];

  test.each(calls)('is told to %s as toExporter(exporter)', (name, call) => {
    for (const exporter of exporters) {
      const message = messageOf(() => call(exporter as never));
      expect(message).toContain(
        `${name}.sink must be a sink; an exporter of OpenTelemetry becomes one by toExporter(exporter), but was given`,
      );
    }
  });

  test('is not what a sink without a name is taken for', () => {
    const sink = { export: () => [{}], shutdown() {} };
    expect(messageOf(() => exportTo(sink as never))).toContain('exportTo.sink.name must be a string');
  });
});

describe('an official exporter that is given to otlpHttp as its options', () => {
  test('is told as such', () => {
    const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:1' });
    expect(messageOf(() => otlpHttp(exporter as never))).toBe(
      'otlpHttp options are an exporter of OpenTelemetry, which becomes a sink of its own: toExporter(exporter)',
    );
  });
});

describe('a sink for another signal', () => {
  const traces = otlpHttp();

  test.each<[string, () => unknown, string]>([
    [
      'logPipeline',
      () => logPipeline({ sink: traces as never }),
      "logPipeline.sink is a sink for traces: give otlpHttp({ signal: 'logs' })",
    ],
    [
      'metricPipeline',
      () => metricPipeline({ sink: traces as never }),
      "metricPipeline.sink is a sink for traces: give otlpHttp({ signal: 'metrics' })",
    ],
    [
      'spanPipeline',
      () => spanPipeline({ sink: otlpHttp({ signal: 'logs' }) as never }),
      "spanPipeline.sink is a sink for logs: give otlpHttp({ signal: 'traces' })",
    ],
    [
      'a branch',
      () => logPipeline({ sinks: { a: toMemory(), b: traces as never, c: { sink: traces as never } } }),
      "logPipeline.sinks.b is a sink for traces: give otlpHttp({ signal: 'logs' }); " +
        "logPipeline.sinks.c.sink is a sink for traces: give otlpHttp({ signal: 'logs' })",
    ],
    [
      'an exporter',
      () => logPipeline({ sink: toExporter(new ConsoleSpanExporter()) as never }),
      'logPipeline.sink is a sink for traces: give a sink for logs',
    ],
  ])('is refused: %s', (_, call, message) => {
    expect(messageOf(call)).toBe(message);
  });

  test('is not what a sink is that does not say what it takes', async () => {
    const pipelines = [logPipeline({ sink: toMemory() }), logPipeline({ sink: otlpHttp({ signal: 'logs' }) })];
    for (const pipeline of pipelines) await pipeline.shutdown();
  });
});

describe('a sink that is given instead of options', () => {
  const call = (sink: unknown) => messageOf(() => spanPipeline(sink as never));

  test('is told by one sentence with what to write', () => {
    for (const sink of [otlpHttp(), toMemory()])
      expect(call(sink)).toBe(
        'spanPipeline options must be an object, of which the sink is one property; did you mean spanPipeline({ sink })?',
      );
  });

  test('is told with toExporter when it is an official exporter', () => {
    expect(call(new OTLPTraceExporter({ url: 'http://127.0.0.1:1' }))).toContain(
      '; did you mean spanPipeline({ sink: toExporter(exporter) })?',
    );
  });

  test('is not what options with a wrong name are taken for', () => {
    expect(call({ sink: toMemory(), export: () => {} })).toContain(
      'spanPipeline.export must be one of the known options',
    );
  });
});
