import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type OtlpHttpOptions, otlpHttp } from '../../../src/index.ts';
import { otlpHttpSettings } from '../../../src/sinks/otlpHttp/settings.ts';
import type { BackendRequest } from '../../../src/testing/backend/otlpRequest.ts';
import { authority } from '../../support/httpCertificates.ts';
import {
  ANY_REQUEST,
  exportOnce,
  failureOf,
  openSink,
  recordWarnings,
  startBackend,
} from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];

type Variables = Readonly<Record<string, string>>;

/** The variables with their long prefix. */
function environmentOf(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, value]));
}

const settingsFor = (variables: Variables, options: OtlpHttpOptions = {}) =>
  otlpHttpSettings({ environment: environmentOf(variables), ...options });

/** The request that a sink with these variables makes, `BASE` in them being the backend's address. */
async function requestWith(variables: Variables, path: string): Promise<BackendRequest> {
  const backend = await startBackend({ path });
  const base = `http://127.0.0.1:${backend.port}`;
  const entries = Object.entries(variables).map(([name, value]) => [name, value.replace('BASE', base)]);
  await exportOnce(openSink({ environment: environmentOf(Object.fromEntries(entries)) }), SPANS);
  return backend.requests[0] as BackendRequest;
}

describe('the endpoint', () => {
  it.each([
    [{}, 'http://localhost:4318/v1/traces'],
    [{ ENDPOINT: 'http://a:1' }, 'http://a:1/v1/traces'],
    [{ ENDPOINT: 'http://a:1/' }, 'http://a:1/v1/traces'],
    [{ ENDPOINT: 'https://a/otlp' }, 'https://a/otlp/v1/traces'],
    [{ ENDPOINT: 'https://a/otlp/?key=1' }, 'https://a/otlp/v1/traces?key=1'],
    [{ TRACES_ENDPOINT: 'http://a:1' }, 'http://a:1/'],
    [{ TRACES_ENDPOINT: 'http://a:1/custom/' }, 'http://a:1/custom/'],
    [{ TRACES_ENDPOINT: 'http://a:1/x', ENDPOINT: 'http://b:2' }, 'http://a:1/x'],
    [{ TRACES_ENDPOINT: '', ENDPOINT: 'http://b:2' }, 'http://b:2/v1/traces'],
    [{ TRACES_ENDPOINT: '  ', ENDPOINT: '' }, 'http://localhost:4318/v1/traces'],
    [{ ENDPOINT: '  http://a:1  ' }, 'http://a:1/v1/traces'],
  ])('of %j is %s', (variables: Variables, url) => {
    const warnings = recordWarnings();
    expect(settingsFor(variables).url.href).toBe(url);
    expect(warnings).toEqual([]);
  });

  it('is where requests go', async () => {
    expect((await requestWith({ ENDPOINT: 'BASE/otlp' }, '/otlp/v1/traces')).path).toBe('/otlp/v1/traces');
    expect((await requestWith({ TRACES_ENDPOINT: 'BASE/in' }, '/in')).path).toBe('/in');
  });

  it('is not read beside the option', () => {
    const warnings = recordWarnings();
    const { url } = settingsFor({ ENDPOINT: 'nonsense' }, { url: 'http://own/' });
    expect([url.href, warnings]).toEqual(['http://own/', []]);
  });
});

describe('the headers', () => {
  it.each([
    ['a=1,b=2', { a: '1', b: '2' }],
    [' a = 1 , B=2,,', { a: '1', b: '2' }],
    ['authorization=Basic%20dXNlcg%3D%3D', { authorization: 'Basic dXNlcg==' }],
    ['authorization=Basic dXNlcg==', { authorization: 'Basic dXNlcg==' }],
    ['a=', { a: '' }],
    ['a=1;b=2', { a: '1;b=2' }],
    ['a=caf%C3%A9', { a: 'caf\u00e9' }],
    ['a=1,a=2', { a: '2' }],
  ])('of %s are read as the specification says', async (text, headers) => {
    const warnings = recordWarnings();
    expect(await settingsFor({ HEADERS: text }).headers.current(ANY_REQUEST)).toEqual(headers);
    expect(warnings).toEqual([]);
  });

  it.each(['nonsense', '=1', 'a b=1', 'a=%zz', 'a=%0d%0ax: 1', 'a=%C5%BE', 'host=evil', 'Content-Type=text/plain'])(
    'of %s are warned about and ignored, the others of the list count',
    async (bad) => {
      const warnings = recordWarnings();
      expect(await settingsFor({ TRACES_HEADERS: `before=1,${bad},after=2` }).headers.current(ANY_REQUEST)).toEqual({
        before: '1',
        after: '2',
      });
      const rule = 'a list of key=value, of names and values that HTTP allows';
      expect(warnings).toEqual([`spanflow: OTEL_EXPORTER_OTLP_TRACES_HEADERS is ignored: it must be ${rule}`]);
    },
  );

  it('of traces override those of all signals, and options override both', async () => {
    const variables = { HEADERS: 'a=all,b=all,c=all', TRACES_HEADERS: 'B=traces,c=traces' };
    expect(await settingsFor(variables, { headers: { C: 'own' } }).headers.current(ANY_REQUEST)).toEqual({
      a: 'all',
      b: 'traces',
      c: 'own',
    });
  });

  it('are sent', async () => {
    const { headers } = await requestWith({ ENDPOINT: 'BASE', HEADERS: 'x-a=1%202,x-b=3' }, '/v1/traces');
    expect(headers).toMatchObject({ 'x-a': '1 2', 'x-b': '3' });
  });
});

describe('the timeout', () => {
  it.each([
    [{}, 10_000],
    [{ TIMEOUT: '2500' }, 2_500],
    [{ TRACES_TIMEOUT: '1', TIMEOUT: '2500' }, 1],
    [{ TRACES_TIMEOUT: '', TIMEOUT: '2500' }, 2_500],
    [{ TIMEOUT: '0' }, Number.POSITIVE_INFINITY],
    [{ TRACES_TIMEOUT: '0', TIMEOUT: '2500' }, Number.POSITIVE_INFINITY],
  ])('of %j is %d ms', (variables: Variables, millis) => {
    expect(otlpHttp({ environment: environmentOf(variables) }).attemptTimeoutMillis).toBe(millis);
  });

  it.each(['-1', '1.5', 'soon', '10s', 'Infinity', 'NaN', '2147483648', '0x10', '1e3'])(
    'of %s is warned about and ignored',
    (bad) => {
      const warnings = recordWarnings();
      expect(settingsFor({ TRACES_TIMEOUT: bad, TIMEOUT: '7' }).timeoutMillis).toBe(7);
      expect(warnings).toEqual([
        'spanflow: OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is ignored: it must be a duration in milliseconds, from 0 to 2147483647',
      ]);
    },
  );

  it('of 0 sets no limit at all', async () => {
    const request = await requestWith({ ENDPOINT: 'BASE', TIMEOUT: '0' }, '/v1/traces');
    expect(request.aborted).toBe(false);
  });
});

describe('the compression', () => {
  it.each([
    [{}, 'none'],
    [{ COMPRESSION: 'gzip' }, 'gzip'],
    [{ COMPRESSION: 'GZip' }, 'gzip'],
    [{ TRACES_COMPRESSION: 'none', COMPRESSION: 'gzip' }, 'none'],
    [{ TRACES_COMPRESSION: '', COMPRESSION: 'gzip' }, 'gzip'],
  ])('of %j is %s', (variables: Variables, compression) => {
    expect(settingsFor(variables).compression).toBe(compression);
  });

  it('that is unknown is warned about and ignored', () => {
    const warnings = recordWarnings();
    expect(settingsFor({ TRACES_COMPRESSION: 'snappy', COMPRESSION: 'gzip' }).compression).toBe('gzip');
    expect(warnings).toEqual([
      'spanflow: OTEL_EXPORTER_OTLP_TRACES_COMPRESSION is ignored: it must be one of gzip, zstd, none',
    ]);
  });

  it('is used by requests', async () => {
    const { headers, spans } = await requestWith({ ENDPOINT: 'BASE', COMPRESSION: 'gzip' }, '/v1/traces');
    expect([headers['content-encoding'], spans.length]).toEqual(['gzip', 1]);
  });
});

describe('the protocol', () => {
  it.each<[Variables, string]>([
    [{}, 'protobuf'],
    [{ PROTOCOL: '' }, 'protobuf'],
    [{ PROTOCOL: 'http/protobuf' }, 'protobuf'],
    [{ PROTOCOL: 'HTTP/Protobuf' }, 'protobuf'],
    [{ PROTOCOL: 'http/json' }, 'json'],
    [{ PROTOCOL: ' HTTP/JSON ' }, 'json'],
    [{ TRACES_PROTOCOL: 'http/json' }, 'json'],
    [{ TRACES_PROTOCOL: 'http/json', PROTOCOL: 'http/protobuf' }, 'json'],
    [{ TRACES_PROTOCOL: 'http/protobuf', PROTOCOL: 'http/json' }, 'protobuf'],
    [{ TRACES_PROTOCOL: '', PROTOCOL: 'http/json' }, 'json'],
  ])('of %j is %s', (variables, encoding) => {
    const warnings = recordWarnings();
    expect([settingsFor(variables).encoding, warnings]).toEqual([encoding, []]);
  });

  it('that is not supported is warned about by the name of its variable, and ignored', () => {
    const warnings = recordWarnings();
    expect(settingsFor({ TRACES_PROTOCOL: 'grpc' }).encoding).toBe('protobuf');
    expect(settingsFor({ PROTOCOL: 'json' }).encoding).toBe('protobuf');
    expect(settingsFor({ TRACES_PROTOCOL: 'grpc', PROTOCOL: 'http/json' }).encoding).toBe('json');
    const rule = 'is ignored: it must be one of http/protobuf, http/json';
    expect(warnings).toEqual([
      `spanflow: OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ${rule}`,
      `spanflow: OTEL_EXPORTER_OTLP_PROTOCOL ${rule}`,
      `spanflow: OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ${rule}`,
    ]);
  });

  it('is not read beside the option', () => {
    const warnings = recordWarnings();
    expect([settingsFor({ PROTOCOL: 'grpc' }, { encoding: 'json' }).encoding, warnings]).toEqual(['json', []]);
    expect(settingsFor({ PROTOCOL: 'http/json' }, { encoding: 'protobuf' }).encoding).toBe('protobuf');
  });

  it('is used by requests', async () => {
    const { headers, spans } = await requestWith({ ENDPOINT: 'BASE', PROTOCOL: 'http/json' }, '/v1/traces');
    expect([headers['content-type'], spans.length]).toEqual(['application/json', 1]);
  });
});

describe('the files of TLS', () => {
  const ours = authority('authority of the environment');
  const strangers = authority('another authority');
  const files: Record<string, string> = {};

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'spanflow-tls-'));
    const client = ours.issue('client');
    const contents = {
      ca: ours.cert,
      strangers: strangers.cert,
      cert: client.cert,
      key: client.key,
      other: ours.key,
      garbage: 'x',
    };
    for (const [name, content] of Object.entries(contents)) {
      files[name] = join(folder, `${name}.pem`);
      writeFileSync(files[name], content);
    }
    files.missing = join(folder, 'missing.pem');
    return () => rmSync(folder, { recursive: true });
  });

  const serve = () => {
    const { cert, key } = ours.issue('backend', ['127.0.0.1']);
    return startBackend({ tls: { cert, key, ca: ours.cert, requestCert: true, rejectUnauthorized: true } });
  };
  const file = (name: string) => files[name] ?? '';

  it('are trust and identity of the requests', async () => {
    const backend = await serve();
    const variables = { CERTIFICATE: file('ca'), CLIENT_CERTIFICATE: file('cert'), CLIENT_KEY: file('key') };
    const environment = environmentOf({ TRACES_ENDPOINT: backend.url, ...variables });
    expect(await exportOnce(openSink({ environment }), SPANS)).toEqual({});
  });

  it('of traces come first', async () => {
    const backend = await serve();
    const variables = { TRACES_CERTIFICATE: file('strangers'), CERTIFICATE: file('ca') };
    const environment = environmentOf({ TRACES_ENDPOINT: backend.url, ...variables });
    expect((await failureOf(openSink({ environment }), SPANS)).message).toMatch(/SELF_SIGNED_CERT_IN_CHAIN/);
  });

  it('are not used beside the option', async () => {
    const settings = settingsFor({ CERTIFICATE: file('missing') }, { tls: { rejectUnauthorized: false } });
    expect(await settings.tls.current()).toEqual({ rejectUnauthorized: false });
  });

  it.each([
    [{ CERTIFICATE: 'missing' }, 'CERTIFICATE', 'the path of certificates in PEM'],
    [{ CERTIFICATE: 'garbage' }, 'CERTIFICATE', 'the path of certificates in PEM'],
    [{ CLIENT_CERTIFICATE: 'garbage' }, 'CLIENT_CERTIFICATE', 'the path of a certificate in PEM'],
    [{ CLIENT_KEY: 'key' }, 'CLIENT_KEY', 'the path of the key of the client certificate, in PEM'],
    [{ CLIENT_CERTIFICATE: 'cert' }, 'CLIENT_CERTIFICATE', 'set together with the key of the certificate'],
  ])('of %j are warned about and ignored', async (names: Variables, variable, rule) => {
    const warnings = recordWarnings();
    const variables = Object.fromEntries(Object.entries(names).map(([name, value]) => [name, file(value)]));
    expect(await settingsFor(variables).tls.current()).toEqual({});
    expect(warnings).toEqual([`spanflow: OTEL_EXPORTER_OTLP_${variable} is ignored: it must be ${rule}`]);
  });

  it('that do not belong together are ignored', async () => {
    const warnings = recordWarnings();
    const settings = settingsFor({ CLIENT_CERTIFICATE: file('cert'), CLIENT_KEY: file('other') });
    expect(await settings.tls.current()).toEqual({});
    expect(warnings[0]).toContain('OTEL_EXPORTER_OTLP_CLIENT_KEY is ignored');
  });
});

describe('process.env', () => {
  it('is where the variables come from', async () => {
    const backend = await startBackend();
    process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = backend.url;
    onTestFinished(() => {
      delete process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
    });
    await exportOnce(openSink({ environment: undefined as never }), SPANS);
    expect(backend.spans).toBe(1);
  });
});
