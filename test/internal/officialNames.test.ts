import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { ConsoleSpanExporter } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { adaptiveBatch, exportHandle, exportTo, otlpHttp, spanPipeline, toMemory } from '../../src/index.ts';

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
    expect(message).toMatch(new RegExp(`^${name}\\.exportTimeoutMillis must be one of the known options \\(`));
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
