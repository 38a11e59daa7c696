import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { ConsoleLogRecordExporter } from '@opentelemetry/sdk-logs';
import { ConsoleMetricExporter } from '@opentelemetry/sdk-metrics';
import { ConsoleSpanExporter } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { toOtlpFile } from '../../src/files.ts';
import {
  adaptiveBatch,
  exponentialBackoff,
  exportHandle,
  exportTo,
  failover,
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
  const url = 'http://127.0.0.1:1';
  const ofTraces = [new ConsoleSpanExporter(), new OTLPTraceExporter({ url })];
  const ofLogs = [new ConsoleLogRecordExporter(), new OTLPLogExporter({ url })];
  const ofMetrics = [new ConsoleMetricExporter(), new OTLPMetricExporter({ url })];
  const anySignal = "toExporter(exporter), with { signal: 'logs' } or { signal: 'metrics' } if it is one of these";
  const calls: [string, string, readonly unknown[], (sink: never) => unknown][] = [
    ['spanPipeline.sink', 'toExporter(exporter)', ofTraces, (sink) => spanPipeline({ sink })],
    ['spanPipeline.sinks.a', 'toExporter(exporter)', ofTraces, (a) => spanPipeline({ sinks: { a } })],
    ['logPipeline.sink', "toExporter(exporter, { signal: 'logs' })", ofLogs, (sink) => logPipeline({ sink })],
    ['logPipeline.sinks.a', "toExporter(exporter, { signal: 'logs' })", ofLogs, (a) => logPipeline({ sinks: { a } })],
    [
      ...(['logPipeline.sinks.a.sink', "toExporter(exporter, { signal: 'logs' })", ofLogs] as const),
      (sink) => logPipeline({ sinks: { a: { sink } } }),
    ],
    [
      'metricPipeline.sink',
      "toExporter(exporter, { signal: 'metrics' })",
      ofMetrics,
      (sink) => metricPipeline({ sink }),
    ],
    [
      ...(['metricPipeline.sinks.a', "toExporter(exporter, { signal: 'metrics' })", ofMetrics] as const),
      (a) => metricPipeline({ sinks: { a } }),
    ],
    ['exportTo.sink', anySignal, [...ofTraces, ...ofLogs, ...ofMetrics], (sink) => exportTo(sink)],
    ['exportHandle.sink', anySignal, [...ofTraces, ...ofLogs, ...ofMetrics], (sink) => exportHandle(sink)],
  ];

  test.each(calls)('as %s is told as %s', (option, instead, exporters, call) => {
    for (const exporter of exporters) {
      const message = messageOf(() => call(exporter as never));
      const rule = `must be a sink; an exporter of OpenTelemetry becomes one by ${instead}, but was given`;
      expect(message).toContain(`${option} ${rule}`);
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
      "otlpHttp options are an exporter of OpenTelemetry, which becomes a sink of its own: toExporter(exporter), with { signal: 'logs' } or { signal: 'metrics' } if it is one of these",
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
      'a file',
      () => logPipeline({ sink: toOtlpFile('spans.jsonl') as never }),
      "logPipeline.sink is a sink for traces: give toOtlpFile(path, { signal: 'logs' })",
    ],
    [
      'an exporter of logs that was not said to be one',
      () => logPipeline({ sink: toExporter(new ConsoleLogRecordExporter() as never) as never }),
      "logPipeline.sink is a sink for traces: give toExporter(exporter, { signal: 'logs' })",
    ],
    [
      'an exporter of metrics that was not said to be one',
      () => metricPipeline({ sink: toExporter(new ConsoleMetricExporter() as never) as never }),
      "metricPipeline.sink is a sink for traces: give toExporter(exporter, { signal: 'metrics' })",
    ],
    [
      'an exporter of spans that was said to be one of logs',
      () => spanPipeline({ sink: toExporter(new ConsoleSpanExporter() as never, { signal: 'logs' }) as never }),
      "spanPipeline.sink is a sink for logs: give toExporter(exporter, { signal: 'traces' })",
    ],
    [
      'one of another kind',
      () => logPipeline({ sink: failover(traces, traces) as never }),
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

describe('a pipeline without a sink', () => {
  test('is told with a sink of its signal', () => {
    expect(messageOf(() => spanPipeline({} as never))).toContain('otlpHttp() for example');
    expect(messageOf(() => logPipeline({} as never))).toContain("otlpHttp({ signal: 'logs' }) for example");
    expect(messageOf(() => metricPipeline({} as never))).toContain("otlpHttp({ signal: 'metrics' }) for example");
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

  test('is told with toExporter for logs and for metrics, too', () => {
    expect(messageOf(() => logPipeline(new ConsoleLogRecordExporter() as never))).toContain(
      "; did you mean logPipeline({ sink: toExporter(exporter, { signal: 'logs' }) })?",
    );
    expect(messageOf(() => metricPipeline(new ConsoleMetricExporter() as never))).toContain(
      "; did you mean metricPipeline({ sink: toExporter(exporter, { signal: 'metrics' }) })?",
    );
  });

  test('is not what options with a wrong name are taken for', () => {
    expect(call({ sink: toMemory(), export: () => {} })).toContain(
      'spanPipeline.export must be one of the known options',
    );
  });
});
