import { describe, expect, it, onTestFinished } from 'vitest';
import { otlpHttpSettings } from '../../../src/sinks/otlpHttp/settings.ts';
import { authority } from '../../support/httpCertificates.ts';
import { exportOnce, failureOf, openSink, outcomeOf, recordWarnings, startBackend } from '../../support/httpExports.ts';
import { startProxy } from '../../support/httpProxy.ts';
import { closedPort, rawServer } from '../../support/httpServer.ts';
import { spanWith } from '../../support/spans.ts';
import { outcomeTimedOutIn } from '../../support/timedOut.ts';

const SPANS = [spanWith()];
const OURS = authority('authority of proxies and backends');
const BACKEND = OURS.issue('backend', ['collector.invalid']);

type Variables = Readonly<Record<string, string>>;

/** The proxy for a URL, as a text. */
const proxyOf = (url: string, environment: Variables) => otlpHttpSettings({ url, environment }).proxy?.url.origin;

describe('the proxy', () => {
  it.each<[string, Variables, string | undefined]>([
    ['http://a/', {}, undefined],
    ['http://a/', { HTTP_PROXY: 'http://p:1' }, 'http://p:1'],
    ['http://a/', { http_proxy: 'http://q:1', HTTP_PROXY: 'http://p:1' }, 'http://q:1'],
    ['http://a/', { http_proxy: '', HTTP_PROXY: 'http://p:1' }, undefined],
    ['http://a/', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['https://a/', { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://q:1' }, 'http://p:1'],
    ['https://a/', { https_proxy: 'http://r:1', HTTPS_PROXY: 'http://p:1' }, 'http://r:1'],
    ['https://a/', { HTTP_PROXY: 'http://q:1' }, 'http://q:1'],
    ['http://a/', { HTTP_PROXY: 'https://p' }, 'https://p'],
    ['http://a/', { HTTP_PROXY: ' p.example:3128 ' }, 'http://p.example:3128'],
    ['http://a/', { HTTP_PROXY: 'u:s3cret@p.example:3128' }, 'http://p.example:3128'],
    ['http://a/', { HTTP_PROXY: 'http://[fd00::1]:3128/' }, 'http://[fd00::1]:3128'],
  ])('for %s by %j is %s', (url, environment, proxy) => {
    const warnings = recordWarnings();
    expect(proxyOf(url, environment)).toBe(proxy);
    expect(warnings).toEqual([]);
  });

  it.each([
    'http://localhost:4318/',
    'http://localhost./',
    'http://127.0.0.1:4318/',
    'http://127.9.8.7/',
    'https://[::1]:4318/',
    'http://[::ffff:127.0.0.1]/',
  ])('is none for %s, which is loopback', (url) => {
    expect(proxyOf(url, { HTTP_PROXY: 'http://p:1', NO_PROXY: '' })).toBeUndefined();
  });

  it.each<[string, string, 'direct' | 'proxy']>([
    ['*', 'http://a.example/', 'direct'],
    ['x, *', 'http://a.example/', 'direct'],
    ['*:80', 'http://a.example/', 'direct'],
    ['*:80', 'http://a.example:4318/', 'proxy'],
    ['a.example', 'http://a.example:4318/', 'direct'],
    ['A.Example', 'http://a.example/', 'direct'],
    ['a.example', 'http://a.example./', 'direct'],
    ['a.example.', 'http://a.example/', 'direct'],
    ['example', 'http://a.example/', 'direct'],
    ['.example', 'http://a.example/', 'direct'],
    ['.a.example', 'http://a.example/', 'direct'],
    ['*.example', 'http://a.example/', 'direct'],
    ['*.a.example', 'http://a.example/', 'proxy'],
    ['xa.example', 'http://a.example/', 'proxy'],
    ['a.example', 'http://xa.example/', 'proxy'],
    ['b.example  a.example', 'http://a.example/', 'direct'],
    ['a.example:443', 'https://a.example/', 'direct'],
    ['a.example:443', 'http://a.example/', 'proxy'],
    ['10.1.2.3', 'http://10.1.2.3:4318/', 'direct'],
    ['10.0.0.0/8', 'http://10.1.2.3:4318/', 'direct'],
    ['10.0.0.0/8', 'http://11.1.2.3/', 'proxy'],
    ['10.0.0.0/33', 'http://10.1.2.3/', 'proxy'],
    ['fd00::/8', 'http://[fd12::1]:4318/', 'direct'],
    ['fd12::1', 'http://[fd12::1]:4318/', 'direct'],
    ['[fd12::1]', 'http://[fd12::1]:4318/', 'direct'],
    ['[fd12::1]:4318', 'http://[fd12::1]:4318/', 'direct'],
    ['[fd12::1]:80', 'http://[fd12::1]:4318/', 'proxy'],
    ['', 'http://a.example/', 'proxy'],
  ])('is left out by NO_PROXY %j for %s: %s', (noProxy, url, way) => {
    const proxies = { HTTP_PROXY: 'http://p:1' };
    expect(proxyOf(url, { ...proxies, NO_PROXY: noProxy }) === undefined ? 'direct' : 'proxy').toBe(way);
    expect(proxyOf(url, { ...proxies, NO_PROXY: '*', no_proxy: noProxy }) === undefined ? 'direct' : 'proxy').toBe(way);
  });

  it.each([
    'nonsense',
    'user:s3cret',
    '://',
    'socks5://user:s3cret@p:1080',
    'http://',
    'http://user:s3cret@',
    'http://p:99999',
  ])('of %s is warned about, ignored, and never repeated', (bad) => {
    const warnings = recordWarnings();
    expect(proxyOf('http://a/', { http_proxy: bad, HTTP_PROXY: 'http://p:1' })).toBeUndefined();
    expect(proxyOf('https://a/', { HTTPS_PROXY: bad, HTTP_PROXY: 'http://p:1' })).toBe('http://p:1');
    const rule = 'is ignored: it must be the http:// or https:// URL of a proxy';
    expect(warnings).toEqual([`spanflow: http_proxy ${rule}`, `spanflow: HTTPS_PROXY ${rule}`]);
  });
});

describe('through a proxy', () => {
  it('http goes with its whole URL, on connections that are kept, to a host that only the proxy can reach', async () => {
    const backend = await startBackend();
    const proxy = await startProxy({ port: backend.port });
    const environment = { HTTP_PROXY: proxy.url.replace('//', '//us%40er:s3cr%25t@') };
    const sink = openSink({ url: 'http://collector.invalid:4318/v1/traces', environment });
    for (let count = 0; count < 3; count++) expect(await exportOnce(sink, SPANS)).toEqual({});
    expect(proxy.seen).toEqual(
      Array.from({ length: 3 }, () => ({
        line: 'POST http://collector.invalid:4318/v1/traces',
        host: 'collector.invalid:4318',
        authorization: `Basic ${btoa('us@er:s3cr%t')}`,
      })),
    );
    expect(backend.spans).toBe(3);
  });

  it('https goes in a tunnel, with TLS from end to end', async () => {
    const backend = await startBackend({ tls: { cert: BACKEND.cert, key: BACKEND.key } });
    const proxy = await startProxy({ port: backend.port });
    const environment = { HTTPS_PROXY: proxy.url.replace('//', '//user:s3cret@') };
    const sink = openSink({ url: 'https://collector.invalid/v1/traces', environment, tls: { ca: OURS.cert } });
    for (let count = 0; count < 3; count++) expect(await exportOnce(sink, SPANS)).toEqual({});
    expect(proxy.seen).toEqual([
      {
        line: 'CONNECT collector.invalid:443',
        host: 'collector.invalid:443',
        authorization: `Basic ${btoa('user:s3cret')}`,
      },
    ]);
    expect([backend.spans, backend.connections]).toEqual([3, 1]);
    expect(backend.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it.each(['http', 'https'])('that is reached over TLS itself, %s goes as well', async (scheme) => {
    const tls = { cert: BACKEND.cert, key: BACKEND.key };
    const backend = await startBackend(scheme === 'https' ? { tls } : {});
    const proxy = await startProxy({ port: backend.port, identity: OURS.issue('proxy', ['127.0.0.1']) });
    const environment = { HTTP_PROXY: proxy.url };
    const sink = openSink({ url: `${scheme}://collector.invalid:4318/v1/traces`, environment, tls: { ca: OURS.cert } });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    expect([proxy.seen.length, backend.spans]).toEqual([1, 1]);
  });

  it('large bodies arrive whole, many concurrently', async () => {
    const backend = await startBackend({ tls: { cert: BACKEND.cert, key: BACKEND.key } });
    const proxy = await startProxy({ port: backend.port });
    const sink = openSink({
      url: 'https://collector.invalid:4318/v1/traces',
      environment: { HTTPS_PROXY: proxy.url },
      tls: { ca: OURS.cert },
    });
    const spans = Array.from({ length: 500 }, () => spanWith({ attributes: { long: 'x'.repeat(1_000) } }));
    await Promise.all(Array.from({ length: 8 }, () => exportOnce(sink, spans)));
    expect(backend.spans).toBe(4_000);
  });

  it('loopback is not reached', async () => {
    const backend = await startBackend();
    const environment = { HTTP_PROXY: `http://127.0.0.1:${await closedPort()}` };
    expect(await exportOnce(openSink({ url: backend.url, environment }), SPANS)).toEqual({});
  });

  it('those of the process count only where no others are given', () => {
    for (const name of ['http_proxy', 'no_proxy', 'NO_PROXY', 'HTTP_PROXY']) {
      const before = process.env[name];
      onTestFinished(() => {
        if (before === undefined) delete process.env[name];
        else process.env[name] = before;
      });
      delete process.env[name];
    }
    process.env.HTTP_PROXY = 'http://p:1';
    expect(otlpHttpSettings({ url: 'http://a/' }).proxy?.url.origin).toBe('http://p:1');
    expect(otlpHttpSettings({ url: 'http://a/', environment: {} }).proxy).toBeUndefined();
  });
});

describe.each(['http', 'https'])('a proxy for %s', (scheme) => {
  const url = `${scheme}://collector.invalid:4318/v1/traces`;

  it('that cannot be reached is certainly no arrival; the error names it without its credentials', async () => {
    const port = await closedPort();
    const environment = { HTTP_PROXY: `http://user:s3cret@127.0.0.1:${port}` };
    const { failure, message } = await failureOf(openSink({ url, environment }), SPANS);
    expect(failure).toEqual({ kind: 'retryable', connectionRefused: true });
    const proxy = `the proxy http://127.0.0.1:${port} gives no way to it`;
    expect(message).toBe(`no answer from ${url}: ${proxy}: connect ECONNREFUSED 127.0.0.1:${port}`);
  });

  it('that hangs up before it answers leaves no request behind, and does not loop', async () => {
    const server = await rawServer(({ socket }) => socket.resetAndDestroy());
    const environment = { HTTP_PROXY: `http://127.0.0.1:${server.port}` };
    const outcome = await outcomeOf(openSink({ url, environment }), SPANS);
    expect(outcome).toMatchObject({ attempts: 3, delivered: 0 });
    expect(server.requests).toHaveLength(3);
  });

  it('that never answers ends with the attempt, and the next one asks again', async () => {
    const server = await rawServer(() => {});
    const environment = { HTTP_PROXY: `http://127.0.0.1:${server.port}` };
    const sink = openSink({ url, environment, timeoutMillis: 50 });
    do expect((await outcomeOf(sink, SPANS)).delivered).toBe(0);
    while (server.requests.length < 2);
  });
});

describe('the request for a tunnel', () => {
  it('ends with its attempt, which has certainly not arrived, and leaves no connection behind', async () => {
    const server = await rawServer(() => {});
    const environment = { HTTPS_PROXY: `http://127.0.0.1:${server.port}` };
    const sink = openSink({ url: 'https://collector.invalid/', environment, timeoutMillis: 50 });
    const outcome = await outcomeTimedOutIn('securing', sink, SPANS, { maxAttempts: 1 });
    expect(outcome).toMatchObject({ lost: [{ reason: 'retriesExhausted' }], attempts: 1 });
    expect(outcome.error?.message).toContain('took longer than 50 ms and was aborted while in the TLS handshake with');
    await server.until(() => server.connections > 0 && server.closedConnections === server.connections);
  });
});

describe('a proxy that refuses', () => {
  it('to pass on answers as a backend would', async () => {
    const backend = await startBackend();
    const proxy = await startProxy({ port: backend.port, refuses: 407 });
    const sink = openSink({ url: 'http://collector.invalid/v1/traces', environment: { HTTP_PROXY: proxy.url } });
    const { failure, message } = await failureOf(sink, SPANS);
    expect(failure).toEqual({ kind: 'permanent' });
    expect(message).toContain('answered 407');
  });

  it('to open a tunnel has certainly passed on nothing', async () => {
    const backend = await startBackend();
    const proxy = await startProxy({ port: backend.port, refuses: 407 });
    const sink = openSink({ url: 'https://collector.invalid/v1/traces', environment: { HTTP_PROXY: proxy.url } });
    const { failure, message } = await failureOf(sink, SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toContain(`the proxy ${proxy.url} gives no way to it: it answered 407`);
    expect(backend.connections).toBe(0);
  });
});
