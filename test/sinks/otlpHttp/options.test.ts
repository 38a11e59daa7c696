import { describe, expect, it } from 'vitest';
import { otlpHttp } from '../../../src/index.ts';
import { exportOnce, openSink, startBackend } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

/** Option, value, and the rule that the error has to name. */
const WRONG: readonly (readonly [string, unknown, string])[] = [
  ...['', 'nonsense', 'localhost:4318', '/v1/traces', 'ftp://x/', 'unix:/tmp/x', 5, {}].map(
    (url) => ['url', url, 'an http:// or https:// URL'] as const,
  ),
  ...['http/json', 'JSON', '', true, null].map((value) => ['encoding', value, "one of 'protobuf', 'json'"] as const),
  ...['deflate', 'GZIP', '', true, null].map(
    (value) => ['compression', value, "one of 'gzip', 'zstd', 'none'"] as const,
  ),
  ...[0, -1, Number.NaN, 2 ** 31, '10', null].map(
    (value) => ['timeoutMillis', value, 'a duration in milliseconds, from 1 to 2147483647, or Infinity'] as const,
  ),
  ...[-1, Number.NaN, 2 ** 31, '1', null].map(
    (value) =>
      ['maxConnectionAgeMillis', value, 'a duration in milliseconds, from 0 to 2147483647, or Infinity'] as const,
  ),
  ...[-1, Number.POSITIVE_INFINITY, '1'].map(
    (value) => ['resourceTimeoutMillis', value, 'a duration in milliseconds, from 0 to 2147483647'] as const,
  ),
  ...[0, 1.5, Number.POSITIVE_INFINITY, '1'].flatMap((value) => [
    ['maxRequestBytes', value, 'a whole number from 1'] as const,
    ['maxResponseBytes', value, 'a whole number from 1'] as const,
  ]),
  ...['two\nlines', 'ž', 5].map((value) => ['userAgent', value, 'a string that HTTP allows in a header'] as const),
  ...['a=b', null, [], [['a', 'b']], new Headers({ a: 'b' }), new Map([['a', 'b']]), Promise.resolve({ a: 'b' })].map(
    (value) => ['headers', value, 'an object of names and values, or a function that gives one'] as const,
  ),
  ...[null, 5, {}, { dispatch() {} }].map(
    (value) => ['dispatcher', value, 'a dispatcher of undici (an object with a method request)'] as const,
  ),
  ['tls', 'secure', 'an object'],
  ['tls', null, 'an object'],
  ['environment', 'A=b', 'an object'],
  ['timeout', 5, expect.stringContaining('one of the known options') as string],
];

describe('a wrong option', () => {
  it.each(WRONG)('%s: %j is refused at the call', (name, value, rule) => {
    expect(() => otlpHttp({ environment: {}, [name]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option: `otlpHttp.${name}`, rule }),
    );
  });

  it('is named with its rule and with what was given', () => {
    expect(() => otlpHttp({ url: 'nonsense' })).toThrow(
      'otlpHttp.url must be an http:// or https:// URL, but was given "a string that is no URL"',
    );
  });

  it.each([
    [null, 'null'],
    [5, 'number'],
    ['http://user:s3cret@x', 'string'],
  ])('that is no object at all (%j) is refused, and not repeated', (options, given) => {
    expect(() => otlpHttp(options as unknown as object)).toThrow(
      expect.objectContaining({ option: 'otlpHttp options', rule: 'an object', given }),
    );
  });
});

describe('an option', () => {
  it('that is undefined has its default', () => {
    const names = [
      'url',
      'headers',
      'encoding',
      'compression',
      'timeoutMillis',
      'tls',
      'maxConnectionAgeMillis',
      'maxRequestBytes',
      'userAgent',
      'environment',
    ];
    const sink = otlpHttp(Object.fromEntries(names.map((name) => [name, undefined])));
    expect([sink.name, sink.attemptTimeoutMillis]).toEqual(['otlpHttp', 10_000]);
  });

  it('url may be a URL', async () => {
    const backend = await startBackend();
    expect(await exportOnce(otlpHttp({ url: new URL(backend.url) }), [spanWith()])).toEqual({});
  });

  it('url is used as it is: without a path, it is the root', async () => {
    const backend = await startBackend({ path: '/' });
    await exportOnce(openSink({ url: `http://127.0.0.1:${backend.port}` }), [spanWith()]);
    expect(backend.requests[0]?.path).toBe('/');
  });

  it('url may have an IPv6 address', () => {
    expect(() => openSink({ url: 'http://[::1]:4318/v1/traces' })).not.toThrow();
  });

  it('timeoutMillis is what the sink asks exportTo for', () => {
    expect(openSink({ timeoutMillis: 123 }).attemptTimeoutMillis).toBe(123);
    expect(openSink({ timeoutMillis: Number.POSITIVE_INFINITY }).attemptTimeoutMillis).toBe(Number.POSITIVE_INFINITY);
  });
});
