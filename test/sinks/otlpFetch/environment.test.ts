import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type OtlpFetchOptions, otlpFetch } from '../../../src/sinks/otlpFetch/index.ts';
import { otlpFetchSettings } from '../../../src/sinks/otlpFetch/settings.ts';
import { openFetch, replaceFetch } from '../../support/fetchExports.ts';
import { ANY_REQUEST, exportOnce, recordWarnings, startBackend } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];

type Variables = Readonly<Record<string, string>>;

/** The variables with their long prefix. */
function environmentOf(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, value]));
}

const settingsFor = (variables: Variables, options: OtlpFetchOptions = {}) =>
  otlpFetchSettings({ environment: environmentOf(variables), ...options });

describe('a variable of otlpFetch', () => {
  it.each<[Variables, string]>([
    [{}, 'http://localhost:4318/v1/traces'],
    [{ ENDPOINT: 'http://a:1/otlp' }, 'http://a:1/otlp/v1/traces'],
    [{ TRACES_ENDPOINT: 'http://a:1/x', ENDPOINT: 'http://b:2' }, 'http://a:1/x'],
  ])('%j: items go to %s', (variables, url) => {
    expect(settingsFor(variables).url.href).toBe(url);
  });

  it('is that of the signal', () => {
    const environment = environmentOf({ TRACES_ENDPOINT: 'http://a:1/', LOGS_ENDPOINT: 'http://b:2/' });
    expect(otlpFetchSettings({ signal: 'logs', environment }).url.href).toBe('http://b:2/');
  });

  it('gives headers, which the option overrides', async () => {
    const variables = { HEADERS: 'x-a=1,x-b=1', TRACES_HEADERS: 'x-b=2,x-c=2' };
    const { headers } = settingsFor(variables, { headers: { 'X-C': '3' } });
    expect(await headers.current(ANY_REQUEST)).toEqual({ 'x-a': '1', 'x-b': '2', 'x-c': '3' });
  });

  it('decides the protocol, the compression and the timeout, unless an option does', () => {
    const variables = { PROTOCOL: 'http/json', COMPRESSION: 'gzip', TIMEOUT: '1000', TRACES_TIMEOUT: '2000' };
    expect(settingsFor(variables)).toMatchObject({ encoding: 'json', compression: 'gzip', timeoutMillis: 2_000 });
    expect(settingsFor(variables, { encoding: 'protobuf', compression: 'none', timeoutMillis: 5 })).toMatchObject({
      ...{ encoding: 'protobuf', compression: 'none', timeoutMillis: 5 },
    });
  });

  it('that is wrong, or asks for what the runtime does not have, is warned about by its name', () => {
    const warnings = recordWarnings();
    const variables = { PROTOCOL: 'grpc', COMPRESSION: 'zstd', TIMEOUT: 'x' };
    expect(settingsFor(variables)).toMatchObject({ encoding: 'protobuf', compression: 'none', timeoutMillis: 10_000 });
    expect(warnings).toEqual([
      'spanflow: OTEL_EXPORTER_OTLP_PROTOCOL is ignored: it must be one of http/protobuf, http/json',
      'spanflow: OTEL_EXPORTER_OTLP_COMPRESSION is ignored: it must be one of gzip, none',
      'spanflow: OTEL_EXPORTER_OTLP_TIMEOUT is ignored: it must be a duration in milliseconds, from 0 to 2147483647',
    ]);
  });

  it('for certificates is warned about: fetch has no settings for them', () => {
    const warnings = recordWarnings();
    settingsFor({ CERTIFICATE: '/ca.pem', TRACES_CLIENT_KEY: '/key.pem' });
    const end = 'is not used by otlpFetch: fetch has the TLS settings of its runtime, otlpHttp has its own';
    expect(warnings).toEqual([
      `spanflow: OTEL_EXPORTER_OTLP_CERTIFICATE ${end}`,
      `spanflow: OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY ${end}`,
    ]);
  });

  it('comes from process.env', async () => {
    const backend = await startBackend();
    process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = backend.url;
    onTestFinished(() => {
      delete process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
    });
    await exportOnce(otlpFetch(), SPANS);
    expect(backend.spans).toBe(1);
  });

  it('is read from nowhere where the program may not, as in Deno', () => {
    const get = () => {
      throw new Error('Requires env access');
    };
    vi.stubGlobal('process', { env: new Proxy({}, { get }) });
    onTestFinished(() => void vi.unstubAllGlobals());
    expect(otlpFetchSettings({}).url.href).toBe('http://localhost:4318/v1/traces');
  });

  it('is read from nowhere in a runtime without a process', () => {
    vi.stubGlobal('process', undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    expect(otlpFetchSettings({}).url.href).toBe('http://localhost:4318/v1/traces');
  });
});

describe('the endpoint of otlpFetch', () => {
  it('on the usual port of gRPC is warned about', () => {
    const warnings = recordWarnings();
    openFetch({ url: 'http://collector:4317/v1/traces' });
    expect(warnings).toEqual([
      'spanflow: otlpFetch is to send to collector:4317: port 4317 is usually OTLP over gRPC; use otlpGrpc of spanflow/grpc, or port 4318',
    ]);
  });
});

describe('the user agent of otlpFetch', () => {
  it('names the program and the exporter, as OTLP asks', async () => {
    const backend = await startBackend();
    await exportOnce(openFetch({ url: backend.url, userAgent: 'shop/1.0' }), SPANS);
    expect(backend.requests[0]?.headers['user-agent']).toMatch(
      /^shop\/1\.0 spanflow\/[\d.]+ OTel-OTLP-Exporter-JavaScript\/[\d.]+$/,
    );
  });

  it('is left to a browser', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0' });
    let headers: unknown;
    replaceFetch(async (_, init) => {
      headers = init?.headers;
      return new Response();
    });
    await exportOnce(openFetch({ userAgent: 'shop/1.0' }), SPANS);
    expect(headers).toEqual({ 'content-type': 'application/x-protobuf' });
  });
});
