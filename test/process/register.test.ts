import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeTraces } from '../../src/otlp/index.ts';
import { type BackendScript, type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { grpcBackend } from '../support/grpcBackend.ts';
import { type RunOptions, run } from './child.ts';
import type { RegisteredInput } from './programs/registered.ts';

const IMPORT = ['--conditions=spanflow-source', '--import=spanflow/register'];
const ENDED_WELL = { code: 0, signal: null, faults: [], stderr: '' };

async function start(answers: BackendScript = 'ok'): Promise<OtlpBackend> {
  const backend = await otlpBackend({ answers });
  onTestFinished(() => backend.close());
  return backend;
}

function programWith(
  environment: Readonly<Record<string, string>>,
  options: RunOptions = {},
  then: RegisteredInput['then'] = 'end',
) {
  const { flags = [], ...rest } = options;
  return run('registered', { input: { then }, environment, ...rest, flags: [...flags, ...IMPORT] });
}

const rootOf = (backend: OtlpBackend) => new URL('/', backend.url).href;

/** What has arrived, by signal. */
function arrived(backend: OtlpBackend): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { path, items } of backend.requests) counts[path] = (counts[path] ?? 0) + items;
  return counts;
}

const ALL = { '/v1/traces': 2, '/v1/logs': 1, '/v1/metrics': 1 };

/** The file of a configuration, for one test. */
function configFile(yaml: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-register-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'otel.yaml');
  writeFileSync(path, yaml);
  return path;
}

describe('node --import spanflow/register', () => {
  it('sends all signals of a program that comes to its natural end, within a trace where they belong together', async () => {
    const backend = await start();
    const program = await programWith({ OTEL_EXPORTER_OTLP_ENDPOINT: rootOf(backend), OTEL_SERVICE_NAME: 'shop' });
    expect(program).toMatchObject(ENDED_WELL);
    expect(arrived(backend)).toEqual(ALL);
    const [traces] = backend.requests.filter(({ path }) => path === '/v1/traces');
    const [payment, checkout] = decodeTraces(traces?.body as Uint8Array);
    expect(payment?.parentSpanContext?.spanId).toBe(checkout?.spanContext().spanId);
    expect(backend.requests.map(({ body }) => Buffer.from(body).includes('shop'))).not.toContain(false);
  });

  it('sends by gRPC where the variable says so', async () => {
    const backend = await grpcBackend();
    const environment = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: backend.url };
    expect(await programWith(environment)).toMatchObject(ENDED_WELL);
    const services = backend.arrivals.map(({ method }) => /(\w+)Service/.exec(method)?.[1]);
    expect(services.sort()).toEqual(['Logs', 'Metrics', 'Trace']);
    expect(backend.connections).toBe(1);
  });

  it('leaves out what the variables of the exporters say, and prints what is to be printed', async () => {
    const backend = await start();
    const program = await programWith({
      OTEL_EXPORTER_OTLP_ENDPOINT: rootOf(backend),
      OTEL_TRACES_EXPORTER: 'console',
      OTEL_LOGS_EXPORTER: 'none',
    });
    expect(program).toMatchObject(ENDED_WELL);
    expect(arrived(backend)).toEqual({ '/v1/metrics': 1 });
    const lines = program.all('line').map(({ line }) => String(line));
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['payment', 'checkout']);
  });

  it('sets up nothing where OTEL_SDK_DISABLED is true', async () => {
    const backend = await start();
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: rootOf(backend), OTEL_SDK_DISABLED: 'TRUE' };
    expect(await programWith(environment)).toMatchObject(ENDED_WELL);
    expect(backend.requestCount).toBe(0);
  });

  it('warns of a mistake in the environment, and the program runs', async () => {
    const backend = await start();
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: rootOf(backend), OTEL_BSP_SCHEDULE_DELAY: 'soon' };
    const program = await programWith(environment);
    expect(program).toMatchObject({ ...ENDED_WELL, stderr: expect.stringContaining('OTEL_BSP_SCHEDULE_DELAY') });
    expect(arrived(backend)).toEqual(ALL);
  });

  it('ends by SIGTERM as it would have without it, after it has sent what there was', async () => {
    const backend = await start();
    const program = await endedBySigterm(backend, 'wait');
    expect(program).toMatchObject({ code: null, signal: 'SIGTERM', faults: [], stderr: '' });
    expect(arrived(backend)).toEqual(ALL);
  });

  it('leaves SIGTERM to a program that handles it', async () => {
    const backend = await start();
    const program = await endedBySigterm(backend, 'handle');
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.all('handled')).toHaveLength(1);
    expect(arrived(backend)).toMatchObject({ '/v1/traces': 2, '/v1/logs': 1 });
  });

  async function endedBySigterm(backend: OtlpBackend, then: RegisteredInput['then']) {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: rootOf(backend) };
    const onReport: RunOptions['onReport'] = ({ is, pid }) => {
      if (is === 'ready') process.kill(Number(pid), 'SIGTERM');
    };
    return programWith(environment, { onReport }, then);
  }
});

describe('spanflow/register with OTEL_CONFIG_FILE', () => {
  const fileFor = (backend: OtlpBackend, rest = '') => `
file_format: "1.1"
resource:
  attributes:
    - { name: service.name, value: from-the-file }
tracer_provider:
  sampler: { parent_based: { root: { always_on: } } }
  limits: { attribute_count_limit: 64 }
  processors:
    - batch:
        schedule_delay: 100
        export_timeout: 3000
        max_queue_size: 4096
        max_export_batch_size: 512
        exporter:
          otlp_http:
            endpoint: \${BACKEND}/v1/traces
            compression: gzip
            timeout: 2000
            headers: [ { name: x-api-key, value: secret } ]
logger_provider:
  processors:
    - batch:
        exporter: { otlp_http: { endpoint: ${rootOf(backend)}v1/logs, encoding: json } }
meter_provider:
  readers:
    - periodic: { interval: 60000, timeout: 5000, exporter: { otlp_http: { endpoint: ${rootOf(backend)}v1/metrics, temporality_preference: delta } } }
${rest}`;

  const environmentFor = (backend: OtlpBackend, path: string) => ({
    OTEL_CONFIG_FILE: path,
    BACKEND: new URL(backend.url).origin,
    // Not read where there is a file.
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    OTEL_TRACES_EXPORTER: 'none',
  });

  it('sets up what the file says, and reads no other variable', async () => {
    const backend = await start();
    const program = await programWith(environmentFor(backend, configFile(fileFor(backend))));
    expect(program).toMatchObject(ENDED_WELL);
    expect(arrived(backend)).toEqual(ALL);
    const [traces] = backend.requests.filter(({ path }) => path === '/v1/traces');
    expect(traces?.headers).toMatchObject({ 'content-encoding': 'gzip', 'x-api-key': 'secret' });
    const [logs] = backend.requests.filter(({ path }) => path === '/v1/logs');
    expect(logs?.headers['content-type']).toBe('application/json');
    for (const { body } of backend.requests) expect(Buffer.from(body).includes('from-the-file')).toBe(true);
  });

  it('warns of what it does not set up', async () => {
    const backend = await start();
    const file = `${fileFor(backend)}  views: [ { selector: { instrument_name: a }, stream: { name: b } } ]\n`;
    const program = await programWith(environmentFor(backend, configFile(file)));
    expect(program).toMatchObject({ code: 0, faults: [], stderr: expect.stringContaining('meter_provider.views') });
    expect(arrived(backend)).toEqual(ALL);
  });

  it.each([
    ['is not there', () => '/nowhere/otel.yaml', 'ENOENT'],
    ['is no YAML', () => configFile('}{'), 'file_format'],
    ['breaks the schema', () => configFile('file_format: "1.1"\ntracer_provider: { processors: 5 }'), 'must be array'],
    [
      'has a value that makes no sense',
      () =>
        configFile(
          'file_format: "1.1"\ntracer_provider: { processors: [ { batch: { exporter: { otlp_http: { endpoint: nonsense } } } } ] }',
        ),
      'telemetry.signals.traces.url',
    ],
  ])('sets up nothing where the file %s, says so, and the program runs', async (_, fileOf, said) => {
    const program = await programWith({ OTEL_CONFIG_FILE: fileOf() });
    expect(program).toMatchObject({ code: 0, faults: [], stderr: expect.stringContaining('has set up nothing') });
    expect(program.stderr).toContain(said);
    expect(program.all('ready')).toHaveLength(1);
  });

  it('sets up nothing where the file is disabled', async () => {
    const backend = await start();
    const program = await programWith(environmentFor(backend, configFile(`${fileFor(backend)}disabled: true\n`)));
    expect(program).toMatchObject(ENDED_WELL);
    expect(backend.requestCount).toBe(0);
  });
});

describe('spanflow/register where packages are missing', () => {
  /** Makes Node find none of these packages. */
  const without = (...names: string[]) => {
    const code = `
      import Module from 'node:module';
      const resolve = Module._resolveFilename;
      Module._resolveFilename = (name, ...rest) => {
        if (${JSON.stringify(names)}.includes(name)) throw new Error('Cannot find module ' + name);
        return resolve(name, ...rest);
      };`;
    return [`--import=data:text/javascript,${encodeURIComponent(code)}`];
  };
  const SDK_NODE = '@opentelemetry/sdk-node';

  it('sets up the SDKs that are there without NodeSDK', async () => {
    const backend = await start();
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: rootOf(backend), OTEL_SERVICE_NAME: 'by-variable' };
    const program = await programWith(environment, { flags: without(SDK_NODE) });
    expect(program).toMatchObject(ENDED_WELL);
    expect(arrived(backend)).toEqual(ALL);
    for (const { body } of backend.requests) expect(Buffer.from(body).includes('by-variable')).toBe(true);
  });

  it('says what is missing, and sends the rest', async () => {
    const backend = await start();
    const missing = ['@opentelemetry/sdk-metrics', '@opentelemetry/sdk-logs'];
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: rootOf(backend) };
    const program = await programWith(environment, { flags: without(SDK_NODE, ...missing) });
    expect(program).toMatchObject({ code: 0, faults: [] });
    expect(program.stderr).toContain('@opentelemetry/sdk-logs');
    expect(program.stderr).toContain('npm install @opentelemetry/sdk-node');
    expect(arrived(backend)).toEqual({ '/v1/traces': 2 });
  });

  it('names the package that a variable needs, and the program runs', async () => {
    const environment = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    const program = await programWith(environment, { flags: without('@grpc/grpc-js') });
    expect(program).toMatchObject({
      code: 0,
      faults: [],
      stderr: expect.stringContaining('npm install @grpc/grpc-js'),
    });
    expect(program.all('ready')).toHaveLength(1);
  });
});
