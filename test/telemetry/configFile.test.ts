import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as configuration from '@opentelemetry/configuration';
import { describe, expect, onTestFinished, test } from 'vitest';
import { signalsOf } from '../../src/telemetry/configFile/pipelines.ts';
import { providerPlanOf } from '../../src/telemetry/configFile/providers.ts';
import { telemetry } from '../../src/telemetry/index.ts';

/** What a file says, as the official package reads it, and what of it is not set up. */
function read(yaml: string) {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'otel.yaml');
  writeFileSync(path, `file_format: "1.1"\n${yaml}`);
  const config = configuration.parseConfigFile(path);
  const ignored: string[] = [];
  const onIgnored = (where: string) => void ignored.push(where);
  const signals = signalsOf(config, configuration, onIgnored);
  return { signals, plan: providerPlanOf(config, configuration, onIgnored), ignored };
}

const tracer = (processors: string, rest = '') => `tracer_provider:\n  processors: [ ${processors} ]\n${rest}`;

describe('the pipelines of a configuration file', () => {
  test('have the options of the standard nodes', () => {
    const { signals, ignored } = read(`
${tracer('{ batch: { schedule_delay: 100, export_timeout: 0, max_queue_size: 4096, max_export_batch_size: 512, exporter: { otlp_http: { endpoint: "http://a:1/v1/traces", timeout: 0, compression: gzip, headers_list: "a=1,b=2", headers: [ { name: a, value: "3" } ] } } } }')}
logger_provider:
  processors: [ { batch: { exporter: { otlp_grpc: { endpoint: "b:4317", tls: { insecure: true } } } } } ]
meter_provider:
  readers: [ { periodic: { interval: 5000, timeout: 4000, cardinality_limits: { default: 9, counter: null, up_down_counter: 7 }, exporter: { otlp_http: { encoding: json, temporality_preference: low_memory, default_histogram_aggregation: base2_exponential_bucket_histogram } } } } ]
`);
    expect(signals).toEqual({
      traces: {
        protocol: 'http/protobuf',
        url: 'http://a:1/v1/traces',
        timeoutMillis: Number.POSITIVE_INFINITY,
        compression: 'gzip',
        headers: { a: '3', b: '2' },
        scheduledDelayMillis: 100,
        maxQueueSize: 4096,
        maxExportBatchSize: 512,
        retry: { maxElapsedMillis: Number.POSITIVE_INFINITY },
      },
      logs: { protocol: 'grpc', url: 'http://b:4317' },
      metrics: {
        protocol: 'http/json',
        exportIntervalMillis: 5000,
        exportTimeoutMillis: 4000,
        temporalityPreference: 'lowmemory',
        aggregationPreference: 'base2_exponential_bucket_histogram',
        cardinalityLimits: { default: 9, upDownCounter: 7 },
      },
    });
    expect(ignored).toEqual([]);
    expect(() => telemetry({ environment: {}, signals }).shutdown()).not.toThrow();
  });

  test('are off where the file has no provider', () => {
    expect(read('').signals).toEqual({ traces: false, logs: false, metrics: false });
  });

  test('print where the file says so', () => {
    const { signals } = read(tracer('{ batch: { exporter: { console: } } }'));
    expect(signals.traces).toMatchObject({ sink: { name: 'toConsole' } });
  });

  test('have one source of TLS for the same files, so that signals share connections', () => {
    const exporter = (path: string) => `otlp_http: { tls: { ca_file: ${path} } }`;
    const { signals } = read(`
${tracer(`{ batch: { exporter: { ${exporter('/ca.pem')} } } }`)}
logger_provider: { processors: [ { batch: { exporter: { ${exporter('/ca.pem')} } } } ] }
meter_provider: { readers: [ { periodic: { exporter: { ${exporter('/other.pem')} } } } ] }
`);
    const { traces, logs, metrics } = signals;
    const tlsOf = (options: typeof traces | typeof logs | typeof metrics) => (options || undefined)?.tls;
    expect(tlsOf(traces)).toBeTypeOf('function');
    expect(tlsOf(logs)).toBe(tlsOf(traces));
    expect(tlsOf(metrics)).not.toBe(tlsOf(traces));
  });

  test.each([
    [
      'a second processor',
      tracer('{ batch: { exporter: { console: } } }, { batch: { exporter: { otlp_http: } } }'),
      'tracer_provider.processors[1].batch',
    ],
    ['a simple processor', tracer('{ simple: { exporter: { console: } } }'), 'tracer_provider.processors[0].simple'],
    ['an unknown processor', tracer('{ mine: { } }'), 'tracer_provider.processors[0].mine'],
    [
      'an unknown exporter',
      tracer('{ batch: { exporter: { mine: } } }'),
      'tracer_provider.processors[0].batch.exporter.mine',
    ],
    [
      'a pulled reader',
      'meter_provider: { readers: [ { pull: { exporter: { prometheus/development: } } } ] }',
      'meter_provider.readers[0].pull',
    ],
    [
      'an id generator',
      tracer('{ batch: { exporter: { console: } } }', '  id_generator: { random: }'),
      'tracer_provider.id_generator',
    ],
    [
      'a sampler that is no standard',
      tracer('{ batch: { exporter: { console: } } }', '  sampler: { mine: }'),
      'tracer_provider.sampler.mine',
    ],
    [
      'a detector',
      'resource: { detection/development: { detectors: [ { container: } ] } }',
      'resource.detection/development.detectors.container',
    ],
    ['a propagator', 'propagator: { composite: [ { mine: } ] }', 'propagator.composite.mine'],
  ])('tell that they do not have %s', (_, yaml, path) => {
    expect(read(yaml).ignored).toEqual([path]);
  });
});

describe('the providers of a configuration file', () => {
  test('have its resource, sampler, limits and propagators', () => {
    const { plan, ignored } = read(`
resource: { attributes_list: "service.name=list,a=b", attributes: [ { name: service.name, value: shop } ], detection/development: { detectors: [ { process: } ] } }
propagator: { composite: [ { tracecontext: } ], composite_list: "baggage,b3" }
attribute_limits: { attribute_count_limit: 9 }
${tracer('{ batch: { exporter: { console: } } }', '  limits: { event_count_limit: 3 }\n  sampler: { parent_based: { root: { trace_id_ratio_based: { ratio: 0.25 } } } }')}
`);
    expect(ignored).toEqual([]);
    expect(plan.resource?.attributes).toMatchObject({ 'service.name': 'shop', a: 'b', 'process.pid': process.pid });
    expect(String(plan.sampler)).toContain('TraceIdRatioBased{0.25}');
    expect(plan.spanLimits).toEqual({ attributeCountLimit: 9, eventCountLimit: 3 });
    expect(plan.logRecordLimits).toEqual({ attributeCountLimit: 9 });
    expect(plan.propagators?.flatMap((each) => each.fields())).toEqual(['traceparent', 'tracestate', 'baggage', 'b3']);
  });
});
