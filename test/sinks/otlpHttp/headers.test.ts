import { describe, expect, it } from 'vitest';
import { exportOnce, failureOf, openSink, outcomeOf, SWIFT_RETRIES, startBackend } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];
const FORBIDDEN = ['bad\r\nx-injected: 1', 'bad\u0000', 'žluť', 'bad\u007f'];

describe('a header', () => {
  it('is sent with every request, its name in lower case', async () => {
    const backend = await startBackend();
    const headers = { 'X-Tenant': 'shop', empty: '', latin: 'caf\u00e9', tab: 'a\tb' };
    await exportOnce(openSink({ url: backend.url, headers }), SPANS);
    expect(backend.requests[0]?.headers).toMatchObject({
      'x-tenant': 'shop',
      empty: '',
      latin: 'caf\u00e9',
      tab: 'a\tb',
    });
  });

  it('overrides that of the environment in any case of letters', async () => {
    const backend = await startBackend();
    const environment = { OTEL_EXPORTER_OTLP_HEADERS: 'X-Tenant=env,x-other=env' };
    await exportOnce(openSink({ url: backend.url, environment, headers: { 'x-TENANT': 'own' } }), SPANS);
    expect(backend.requests[0]?.headers).toMatchObject({ 'x-tenant': 'own', 'x-other': 'env' });
  });
});

describe('a header function', () => {
  it('is called for each attempt, and may be asynchronous', async () => {
    const backend = await startBackend({ answers: [{ status: 503 }, { status: 503 }, 'ok'] });
    let asked = 0;
    const headers = {
      authorization: async () => {
        asked += 1;
        return `Bearer ${asked}`;
      },
      'x-sync': () => `${asked}`,
    };
    expect(await outcomeOf(openSink({ url: backend.url, headers }), SPANS)).toMatchObject({
      delivered: 1,
      attempts: 3,
    });
    const sent = backend.requests.map((request) => [request.headers.authorization, request.headers['x-sync']]);
    expect(sent).toEqual([
      ['Bearer 1', '1'],
      ['Bearer 2', '2'],
      ['Bearer 3', '3'],
    ]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no token yet');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no token yet'))],
  ] as const)('that %s fails the attempt, which is tried again', async (_, broken) => {
    const backend = await startBackend();
    let asked = 0;
    const authorization = () => {
      asked += 1;
      return asked < 3 ? broken() : 'Bearer 3';
    };
    const outcome = await outcomeOf(openSink({ url: backend.url, headers: { authorization } }), SPANS);
    expect(outcome).toMatchObject({ delivered: 1, attempts: 3, lost: [] });
    expect(backend.requestCount).toBe(1);
  });

  it('that always throws is named in the outcome, and the spans are lost when the retries are exhausted', async () => {
    const backend = await startBackend();
    const authorization = () => Promise.reject(new Error('no token yet'));
    const outcome = await outcomeOf(openSink({ url: backend.url, headers: { authorization } }), SPANS);
    expect(outcome).toMatchObject({
      attempts: 3,
      lost: [{ count: 1, reason: 'retriesExhausted', stage: 'exportTo(otlpHttp)' }],
    });
    expect(outcome.error?.message).toBe('the header authorization could not be made: no token yet');
    expect(backend.connections).toBe(0);
  });

  it.each([...FORBIDDEN, 5 as unknown as string])(
    'that gives %j sends nothing, and its value is not repeated',
    async (value) => {
      const backend = await startBackend();
      const { failure, message } = await failureOf(
        openSink({ url: backend.url, headers: { authorization: () => value } }),
        SPANS,
      );
      expect(failure).toEqual({ kind: 'retryable' });
      expect(message).toBe('the header authorization has a value that HTTP forbids');
      expect(backend.connections).toBe(0);
    },
  );

  it('that never answers ends with the attempt', async () => {
    const backend = await startBackend();
    const headers = { authorization: () => new Promise<string>(() => {}) };
    const outcome = await outcomeOf(openSink({ url: backend.url, headers, timeoutMillis: 20 }), SPANS, {
      retry: { ...SWIFT_RETRIES, maxAttempts: 2 },
    });
    expect(outcome).toMatchObject({ attempts: 2, error: { code: 'TIMEOUT' } });
    expect(backend.connections).toBe(0);
  });
});

describe('a function for all headers', () => {
  it('is called for each attempt; its headers override the environment in any case of letters', async () => {
    const backend = await startBackend({ answers: [{ status: 503 }, 'ok'] });
    let asked = 0;
    const headers = async () => {
      asked += 1;
      return { Authorization: `Bearer ${asked}`, 'X-Tenant': 'own' };
    };
    const environment = { OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=env,x-other=env' };
    const outcome = await outcomeOf(openSink({ url: backend.url, headers, environment }), SPANS);
    expect(outcome).toMatchObject({ delivered: 1, attempts: 2 });
    expect(backend.requests.map(({ headers }) => headers)).toEqual([
      expect.objectContaining({ authorization: 'Bearer 1', 'x-tenant': 'own', 'x-other': 'env' }),
      expect.objectContaining({ authorization: 'Bearer 2', 'x-tenant': 'own', 'x-other': 'env' }),
    ]);
  });

  it('may return them synchronously', async () => {
    const backend = await startBackend();
    await exportOnce(openSink({ url: backend.url, headers: () => ({ 'x-a': '1' }) }), SPANS);
    expect(backend.requests[0]?.headers['x-a']).toBe('1');
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no token yet');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no token yet'))],
  ] as const)('that %s fails the attempt, which is tried again', async (_, broken) => {
    const backend = await startBackend();
    let asked = 0;
    const headers = () => {
      asked += 1;
      return asked < 3 ? broken() : {};
    };
    const sink = openSink({ url: backend.url, headers });
    const { failure, message } = await failureOf(sink, SPANS);
    expect([failure, message]).toEqual([{ kind: 'retryable' }, 'the headers could not be made: no token yet']);
    expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 1, attempts: 2 });
    expect(backend.requestCount).toBe(1);
  });

  it.each<readonly [unknown, string]>([
    ...FORBIDDEN.map((value) => [{ 'x-key': value }, 'the header "x-key" is not allowed by HTTP or otlpHttp'] as const),
    [{ 'x-key': undefined }, 'the header "x-key" is not allowed by HTTP or otlpHttp'],
    [{ 'x-key': () => 'x' }, 'the header "x-key" is not allowed by HTTP or otlpHttp'],
    [{ 'two words': 'x' }, 'the header "two words" is not allowed by HTTP or otlpHttp'],
    [{ 'Content-Length': '5' }, 'the header "Content-Length" is not allowed by HTTP or otlpHttp'],
    ...[undefined, null, 'a=b', ['a'], new Headers({ a: 'b' }), new Map([['a', 'b']])].map(
      (value) => [value, 'the function for all headers gave no object of names and values'] as const,
    ),
  ])('that gives %j sends nothing, and no value is repeated', async (value, text) => {
    const backend = await startBackend();
    const { failure, message } = await failureOf(openSink({ url: backend.url, headers: () => value as never }), SPANS);
    expect([failure, message]).toEqual([{ kind: 'retryable' }, text]);
    expect(backend.connections).toBe(0);
  });

  it('that never answers ends with the attempt', async () => {
    const backend = await startBackend();
    const headers = () => new Promise<Record<string, string>>(() => {});
    const outcome = await outcomeOf(openSink({ url: backend.url, headers, timeoutMillis: 20 }), SPANS);
    expect(outcome).toMatchObject({ attempts: 3, error: { code: 'TIMEOUT' } });
    expect(backend.connections).toBe(0);
  });
});

describe('a header option', () => {
  const url = 'http://127.0.0.1:9';

  it.each(FORBIDDEN)('of %j is refused', (value) => {
    expect(() => openSink({ url, headers: { authorization: value } })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option: 'otlpHttp.headers["authorization"]', given: 'string' }),
    );
  });

  it.each(['', 'two words', 'a:b', 'ü', 'a\n'])('named %j is refused', (name) => {
    expect(() => openSink({ url, headers: { [name]: 'x' } })).toThrow(
      expect.objectContaining({ option: `otlpHttp.headers[${JSON.stringify(name)}]` }),
    );
  });

  it.each([
    'Content-Type',
    'content-length',
    'Content-Encoding',
    'transfer-encoding',
    'connection',
    'host',
    'user-agent',
    'expect',
    'keep-alive',
    'upgrade',
  ])('for %s, which only the sink can know, is refused', (name) => {
    for (const value of ['x', () => 'x']) {
      expect(() => openSink({ url, headers: { [name]: value } })).toThrow(
        /must be a header that HTTP allows, and none of/,
      );
    }
  });

  it('that is undefined is refused, so that a missing token is noticed', () => {
    const headers = { authorization: undefined as unknown as string };
    expect(() => openSink({ url, headers })).toThrow(expect.objectContaining({ given: 'undefined' }));
  });
});
