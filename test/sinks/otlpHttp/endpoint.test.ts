import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { otlpHttp } from '../../../src/index.ts';
import type { InvalidOptionError } from '../../../src/model/errors.ts';
import { otlpHttpSettings } from '../../../src/sinks/otlpHttp/settings.ts';
import {
  ANY_REQUEST,
  exportOnce,
  failureOf,
  openSink,
  recordWarnings,
  startBackend,
} from '../../support/httpExports.ts';
import { closedPort } from '../../support/httpServer.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];
const OF_ALL = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const OF_TRACES = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

/** Userinfo as it is written, and what it stands for. */
const CREDENTIALS: readonly (readonly [string, string])[] = [
  ['user:s3cret', 'user:s3cret'],
  ['us%40er:s3%3Acr%2Fet', 'us@er:s3:cr/et'],
  ['user:a:b', 'user:a:b'],
  ['user:a@b', 'user:a@b'],
  ['user:100%', 'user:100%'],
  ['user:%C5%BE', 'user:ž'],
  ['token', 'token:'],
  [':s3cret', ':s3cret'],
];

describe.each(CREDENTIALS)('the credentials %s of a URL', (userinfo, text) => {
  const withUserinfo = (url: string) => url.replace('//', `//${userinfo}@`);

  it.each([
    ['the option', (url: string) => ({ url })],
    ['the option as a URL', (url: string) => ({ url: new URL(url) })],
    ['the variable of traces', (url: string) => ({ environment: { [OF_TRACES]: url } })],
    ['the variable of all signals', (url: string) => ({ environment: { [OF_ALL]: url.replace('/v1/traces', '') } })],
  ])('go out as Basic to where the URL says: %s', async (_, options) => {
    const warnings = recordWarnings();
    const backend = await startBackend();
    expect(await exportOnce(openSink(options(withUserinfo(backend.url))), SPANS)).toEqual({});
    expect(backend.requests.map(({ headers, path }) => [headers.authorization, path])).toEqual([
      [basic(text), '/v1/traces'],
    ]);
    expect(warnings).toEqual([]);
  });

  it('are in no message', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/v1/traces`;
    const error = await failureOf(openSink({ url: withUserinfo(`${url}?key=s3cret`) }), SPANS);
    expect(error.message).toContain(`no answer from ${url} while connecting: `);
    expect(inspect(error, { depth: 9 })).not.toMatch(/s3cret|s3%3A|@/);
  });
});

describe('a header authorization', () => {
  const url = 'http://user:s3cret@a/';

  it.each([
    ['of the option', { headers: { Authorization: 'Bearer own' } }],
    ['of a function', { headers: { authorization: () => 'Bearer own' } }],
    ['of the function for all', { headers: () => ({ AUTHORIZATION: 'Bearer own' }) }],
    ['of the environment', { environment: { OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer own' } }],
  ])('%s goes over the credentials of the URL', async (_, options) => {
    const settings = otlpHttpSettings({ url, environment: {}, ...options });
    expect([settings.url.href, await settings.headers.current(ANY_REQUEST)]).toEqual([
      'http://a/',
      { authorization: 'Bearer own' },
    ]);
  });

  it('is no reason to change the URL that was given', () => {
    const given = new URL(url);
    otlpHttpSettings({ url: given, environment: {} });
    expect(given.href).toBe(url);
  });
});

describe('an endpoint of the environment', () => {
  it.each([
    ['http://a:1#part', 'http://a:1/v1/traces'],
    ['http://a:1/x?key=1#part', 'http://a:1/x/v1/traces?key=1'],
    [' \n http://a:1/ \t\n', 'http://a:1/v1/traces'],
    ['HTTP://A:1', 'http://a:1/v1/traces'],
    ['https://[fd00::1]:4318', 'https://[fd00::1]:4318/v1/traces'],
    ['http://a:1/two words', 'http://a:1/two%20words/v1/traces'],
  ])('of %j is %s', (text, url) => {
    const warnings = recordWarnings();
    expect(otlpHttpSettings({ environment: { [OF_ALL]: text } }).url.href).toBe(url);
    expect(warnings).toEqual([]);
  });

  it.each([
    'localhost:4318',
    'collector:4317',
    'user:a:b@collector:4318',
    'token@host',
    'grpc://user:s3cret@a:1?key=s3cret',
    'unix:/tmp/s3cret',
    'unix:///tmp/s3cret',
    'http://user:pa#s3cret@a:1',
    'http://a b',
    'http://a:99999',
    'http://',
    '//a:1',
    '/v1/traces',
    's3cret',
  ])('of %s is ignored, and the warning says where spans go instead', (bad) => {
    const warnings = recordWarnings();
    const [instead, key] = ['http://b:2/v1/traces', '?key=s3cret'];
    const both = { [OF_TRACES]: bad, [OF_ALL]: `http://user:s3cret@b:2/${key}` };
    expect(otlpHttpSettings({ environment: both }).url.href).toBe(`${instead}${key}`);
    expect(otlpHttpSettings({ environment: { [OF_ALL]: bad } }).url.href).toBe('http://localhost:4318/v1/traces');
    const rule = 'is ignored: it must be an http:// or https:// URL; spans go to';
    expect(warnings).toEqual([
      `spanflow: ${OF_TRACES} ${rule} ${instead} instead`,
      `spanflow: ${OF_ALL} ${rule} http://localhost:4318/v1/traces instead`,
    ]);
  });
});

describe('a refused URL', () => {
  it.each([
    ['user:a:b@host:4318', 'a string without http:// or https://'],
    ['token@host', 'a string that is no URL'],
    ['s3cret', 'a string that is no URL'],
    ['localhost:4318', 'a string without http:// or https://'],
    ['user:s3cret', 'a string without http:// or https://'],
    ['host?key=s3cret', 'a string that is no URL'],
    ['http://user:s3cret@', 'a string that is no URL'],
    ['http://user:s3#cret@host', 'a string that is no URL'],
    ['http://user:s3cret@host:x', 'a string that is no URL'],
    ['grpc://user:a:b@host:1/p?key=s3cret#s3cret', 'grpc://host:1'],
    ['grpc://token@host', 'grpc://host'],
    ['grpc://s3:1/cret@host', 'a string without http:// or https://'],
    ['mailto:s3cret@host', 'a string without http:// or https://'],
    ['a\u001b[2J\r\n@s3cret', 'a string that is no URL'],
  ])('%j is shown as %j and no more', (url, given) => {
    const error = errorOf(() => otlpHttp({ url, environment: {} }));
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'otlpHttp.url', given });
    expect(error.message).toBe(
      `otlpHttp.url must be an http:// or https:// URL, but was given ${JSON.stringify(given)}`,
    );
    expect(inspect({ ...error })).not.toMatch(/s3cret|token|@/);
  });
});

describe('what may be a secret', () => {
  it.each<[string, object]>([
    ['an unknown option', { apiKey: 's3cret' }],
    ['an unknown option of tls', { tls: { passphrase: 's3cret' } }],
    ['headers that are a text', { headers: 'authorization=s3cret' }],
    ['a header with a line break', { headers: { authorization: 's3cret\r\nx: 1' } }],
    ['a header in an array', { headers: { authorization: ['s3cret'] } }],
    ['tls that is a text', { tls: 's3cret' }],
    ['a key that is none', { tls: { key: 's3cret' } }],
    ['an environment that is a text', { environment: 'A=s3cret' }],
    ['a URL that is an array', { url: ['http://user:s3cret@a/'] }],
  ])('is not repeated: %s', (_, options) => {
    const error = errorOf(() => otlpHttp({ environment: {}, ...options }));
    expect(error.code).toBe('INVALID_OPTION');
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('s3cret');
  });
});

function errorOf(call: () => unknown): InvalidOptionError {
  try {
    call();
  } catch (error) {
    return error as InvalidOptionError;
  }
  throw new TypeError('it did not fail');
}
