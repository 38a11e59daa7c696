import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { otlpHttp } from '../../../src/index.ts';
import type { InvalidOptionError } from '../../../src/model/errors.ts';
import { type OtlpGrpcOptions, otlpGrpc } from '../../../src/sinks/otlpGrpc/index.ts';
import { otlpGrpcSettings } from '../../../src/sinks/otlpGrpc/settings.ts';
import { grpcBackend } from '../../support/grpcBackend.ts';
import { openGrpcSink } from '../../support/grpcExports.ts';
import { authority } from '../../support/httpCertificates.ts';
import { exportOnce, failureOf, recordWarnings } from '../../support/httpExports.ts';
import { startProxy } from '../../support/httpProxy.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];

type Variables = Readonly<Record<string, string>>;

/** The variables with their long prefix. */
function environmentOf(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, value]));
}

const settingsFor = (variables: Variables, options: OtlpGrpcOptions = {}) =>
  otlpGrpcSettings({ environment: environmentOf(variables), ...options });

describe('the endpoint', () => {
  it.each<[Variables, string, boolean]>([
    [{}, 'dns:localhost:4317', false],
    [{ ENDPOINT: 'http://a:1' }, 'dns:a:1', false],
    [{ ENDPOINT: 'https://a:1/' }, 'dns:a:1', true],
    [{ ENDPOINT: 'http://a' }, 'dns:a:80', false],
    [{ ENDPOINT: 'https://a' }, 'dns:a:443', true],
    [{ ENDPOINT: 'http://[::1]:4317' }, 'dns:[::1]:4317', false],
    [{ TRACES_ENDPOINT: 'http://a:1', ENDPOINT: 'http://b:2' }, 'dns:a:1', false],
    [{ TRACES_ENDPOINT: ' ', ENDPOINT: 'http://b:2' }, 'dns:b:2', false],
    [{ ENDPOINT: 'a:1' }, 'dns:a:1', true],
    [{ ENDPOINT: 'a:1', INSECURE: 'true' }, 'dns:a:1', false],
    [{ ENDPOINT: 'a:1', INSECURE: 'TRUE', TRACES_INSECURE: 'false' }, 'dns:a:1', true],
    [{ ENDPOINT: 'https://a:1', INSECURE: 'true' }, 'dns:a:1', true],
    [{ ENDPOINT: 'http://a:1', INSECURE: 'false' }, 'dns:a:1', false],
    [{ ENDPOINT: 'dns:///a:1', INSECURE: 'true' }, 'dns:a:1', false],
    [{ ENDPOINT: '127.0.0.1:1', INSECURE: 'true' }, 'dns:127.0.0.1:1', false],
    [{ ENDPOINT: 'unix:/run/otlp.sock' }, 'unix:/run/otlp.sock', false],
    [{ ENDPOINT: 'unix:///run/otlp.sock' }, 'unix:/run/otlp.sock', false],
    [{ ENDPOINT: 'unix:otlp.sock' }, 'unix:otlp.sock', false],
  ])('of %j is %s, with TLS %j', (variables, target, isSecure) => {
    const warnings = recordWarnings();
    expect(settingsFor(variables).endpoint).toMatchObject({ target, isSecure });
    expect(
      settingsFor(
        { ...variables, ENDPOINT: '', TRACES_ENDPOINT: '' },
        { url: variables.TRACES_ENDPOINT?.trim() || variables.ENDPOINT || 'http://localhost:4317' },
      ).endpoint,
    ).toMatchObject({
      target,
      isSecure,
    });
    expect(warnings).toEqual([]);
  });

  it.each(['http://a:1/v1/traces', 'http://a:1/?key=s3cret'])(
    '%s: what follows the port is ignored, and told',
    (url) => {
      const warnings = recordWarnings();
      expect(settingsFor({}, { url }).endpoint.target).toBe('dns:a:1');
      expect(settingsFor({ ENDPOINT: url }).endpoint.target).toBe('dns:a:1');
      const told = 'spanflow: otlpGrpc ignores the path and the query of its endpoint: gRPC has paths of its own';
      expect(warnings).toEqual([told, told]);
    },
  );

  it.each(['nonsense', 'ftp://a:1', 'a:b', 'unix:', 'token:s3cret', 'http://'])('%s is none', (url) => {
    const warnings = recordWarnings();
    expect(() => otlpGrpc({ url, environment: {} })).toThrow(
      /^otlpGrpc\.url must be an http:\/\/ or https:\/\/ URL, host:port, or unix:path, but was given /,
    );
    expect(settingsFor({ ENDPOINT: url }).endpoint.target).toBe('dns:localhost:4317');
    expect(warnings).toEqual([
      'spanflow: OTEL_EXPORTER_OTLP_ENDPOINT is ignored: it must be an http:// or https:// URL, host:port, or unix:path; telemetry goes to http://localhost:4317 instead',
    ]);
    expect(() => otlpGrpc({ url, environment: {} })).not.toThrow(/s3cret/);
  });

  it('on the port of the other protocol is told what it probably is, and not refused', () => {
    const warnings = recordWarnings();
    otlpHttp({ url: 'http://a:4317/v1/traces', environment: {} });
    otlpHttp({ environment: environmentOf({ ENDPOINT: 'http://b:4317' }) });
    otlpHttp({ url: 'http://a:4318/v1/traces', environment: {} });
    openGrpcSink({ url: 'http://a:4318' });
    openGrpcSink({ url: 'http://a:4317' });
    expect(warnings).toEqual([
      'spanflow: otlpHttp is to send to a:4317: port 4317 is usually OTLP over gRPC; use otlpGrpc of spanflow/grpc, or port 4318',
      'spanflow: otlpHttp is to send to b:4317: port 4317 is usually OTLP over gRPC; use otlpGrpc of spanflow/grpc, or port 4318',
      'spanflow: otlpGrpc is to send to a:4318: port 4318 is usually OTLP over HTTP; use otlpHttp, or port 4317',
    ]);
  });
});

describe('the variables', () => {
  it('decide what options leave out', () => {
    const variables = { COMPRESSION: 'gzip', TIMEOUT: '0', TRACES_COMPRESSION: 'none', TRACES_TIMEOUT: '7' };
    expect(settingsFor({ COMPRESSION: 'gzip', TIMEOUT: '0' })).toMatchObject({
      compression: 'gzip',
      timeoutMillis: Number.POSITIVE_INFINITY,
    });
    expect(settingsFor(variables)).toMatchObject({ compression: 'none', timeoutMillis: 7 });
    expect(settingsFor(variables, { compression: 'gzip', timeoutMillis: 8 })).toMatchObject({
      compression: 'gzip',
      timeoutMillis: 8,
    });
  });

  it('that are not valid are told, and ignored', () => {
    const warnings = recordWarnings();
    expect(settingsFor({ COMPRESSION: 'zip', TIMEOUT: 'x', INSECURE: '1' })).toMatchObject({
      compression: 'none',
      timeoutMillis: 10_000,
      endpoint: { isSecure: false },
    });
    expect(warnings.map((warning) => warning.split(' ')[1])).toEqual(
      ['INSECURE', 'COMPRESSION', 'TIMEOUT'].map((name) => `OTEL_EXPORTER_OTLP_${name}`),
    );
  });

  it('name files of certificates, which are read again for each connection', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spanflow-grpc-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [ours, renewed] = [authority('ours'), authority('renewed')];
    const path = join(folder, 'ca.pem');
    writeFileSync(path, renewed.cert);
    const backend = await grpcBackend({ identity: ours.issue('backend', ['127.0.0.1']) });
    const sink = openGrpcSink({ url: backend.url, environment: environmentOf({ CERTIFICATE: path }) });
    expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'retryable' });
    writeFileSync(path, ours.cert);
    expect(await exportOnce(sink, SPANS)).toEqual({});
  });
});

describe('headers', () => {
  it.each([
    ...['grpc-timeout', 'te', 'content-type', 'user-agent', 'connection', 'trace-bin', ':path', 'a b', 'ä', 'Host'],
  ])('named %s are refused', (name) => {
    expect(() => otlpGrpc({ headers: { [name]: 's3cret' } })).toThrow(/^otlpGrpc\.headers\[.*\] must be metadata with/);
    const error = caught(() => otlpGrpc({ headers: { [name]: 's3cret' } }));
    expect(inspect(error)).not.toContain('s3cret');
  });

  it('with a value that is not ASCII are refused, or fail as retryable', async () => {
    expect(() => otlpGrpc({ headers: { a: 'ä' } })).toThrow(/^otlpGrpc\.headers/);
    const backend = await grpcBackend();
    for (const headers of [
      { a: () => 'ä' },
      () => ({ a: 'ä' }),
      () => ({ 'a-bin': 'x' }),
      { a: () => Promise.reject(new Error('no token')) },
    ]) {
      expect((await failureOf(openGrpcSink({ url: backend.url, headers }), SPANS)).failure).toEqual({
        kind: 'retryable',
      });
    }
    expect(backend.arrivals).toEqual([]);
  });

  it('of the variables that gRPC forbids are told, and left out', async () => {
    const warnings = recordWarnings();
    const settings = settingsFor({ HEADERS: 'api-key=k%20y,grpc-timeout=1,x-bin=1' });
    expect(await settings.headers.current({ refused: undefined })).toEqual({ 'api-key': 'k y' });
    expect(warnings).toHaveLength(2);
  });
});

describe('options', () => {
  it('are checked all at once', () => {
    const given = {
      keepaliveMillis: 0,
      maxConnectionAgeMillis: -1,
      maxRequestBytes: 0.5,
      compresion: 'gzip',
    } as object;
    const error = caught(() => otlpGrpc(given)) as InvalidOptionError;
    expect(error.mistakes.map(({ option }) => option).sort()).toEqual(
      ['compresion', 'keepaliveMillis', 'maxConnectionAgeMillis', 'maxRequestBytes'].map((name) => `otlpGrpc.${name}`),
    );
    expect(error.message).toContain("did you mean 'compression'?");
  });

  it('are an object', () => {
    expect(() => otlpGrpc('http://user:s3cret@a' as never)).toThrow(
      'otlpGrpc options must be an object, but was given "string"',
    );
  });
});

describe('a proxy', () => {
  const proxied = (proxy: string, more: Variables = {}) => ({ HTTP_PROXY: proxy, ...more });
  // Never looked up: the proxy leads wherever it wants.
  const url = 'http://backend.invalid:4317';

  it('opens a tunnel, with its credentials', async () => {
    const backend = await grpcBackend();
    const proxy = await startProxy({ port: backend.port });
    const environment = proxied(proxy.url.replace('//', '//me:s3%40cret@'));
    expect(await exportOnce(openGrpcSink({ url, environment }), SPANS)).toEqual({});
    const authorization = `Basic ${Buffer.from('me:s3@cret').toString('base64')}`;
    expect(proxy.seen).toEqual([{ line: 'CONNECT backend.invalid:4317', host: 'backend.invalid:4317', authorization }]);
    expect(backend.arrivals).toHaveLength(1);
  });

  it('opens a tunnel for TLS with the backend itself', async () => {
    const ours = authority('ours');
    const backend = await grpcBackend({ identity: ours.issue('backend', ['backend.invalid']) });
    const proxy = await startProxy({ port: backend.port });
    const sink = openGrpcSink({
      url: url.replace('http', 'https'),
      tls: { ca: ours.cert },
      environment: { HTTPS_PROXY: proxy.url },
    });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    expect(proxy.seen).toHaveLength(1);
  });

  it('that opens none is told, and nothing has arrived', async () => {
    const proxy = await startProxy({ port: 1, refuses: 403 });
    const { failure, message } = await failureOf(openGrpcSink({ url, environment: proxied(proxy.url) }), SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toContain(`no answer from ${url} while connecting: the proxy ${proxy.url} gives no way to it: `);
    const unusual = await failureOf(
      openGrpcSink({ url: url.replace('4317', '4318'), environment: proxied(proxy.url) }),
      SPANS,
    );
    expect(unusual.message).toContain('port 4318 is usually OTLP over HTTP; use otlpHttp, or port 4317');
  });

  it('is not asked for loopback, for NO_PROXY, and for a Unix socket', async () => {
    const backend = await grpcBackend();
    expect(
      await exportOnce(openGrpcSink({ url: backend.url, environment: proxied('http://proxy.invalid') }), SPANS),
    ).toEqual({});
    const none = { environment: proxied('http://proxy.invalid', { NO_PROXY: 'backend.invalid' }) };
    expect(otlpGrpcSettings({ url, ...none }).proxy).toBeUndefined();
    expect(otlpGrpcSettings({ url: 'unix:/a', ...none }).proxy).toBeUndefined();
  });

  it('of variables that gRPC has by itself is not used', async () => {
    const backend = await grpcBackend();
    for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy']) vi.stubEnv(name, 'http://127.0.0.1:1');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await exportOnce(openGrpcSink({ url: backend.url }), SPANS)).toEqual({});
  });

  it('behind TLS is not used, and told', () => {
    const warnings = recordWarnings();
    expect(otlpGrpcSettings({ url, environment: proxied('https://proxy.example:1') }).proxy).toBeUndefined();
    expect(warnings).toEqual([
      'spanflow: otlpGrpc does not use the proxy https://proxy.example:1: gRPC reaches proxies by http:// only',
    ]);
  });
});

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
