import { createHmac } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { decodeLogs, decodeMetrics, encodeTraces } from '../../../src/otlp/index.ts';
import { type HeadersRequest, otlpFetch } from '../../../src/sinks/otlpFetch/index.ts';
import { dataPointWith } from '../../support/dataPoints.ts';
import { openFetch, replaceFetch } from '../../support/fetchExports.ts';
import { batchOf, exportOnce, startBackend } from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import { logRecordWith } from '../../support/logRecords.ts';
import { requestJsonOf } from '../../support/spanJson.ts';
import { generatedSpans, spanWith } from '../../support/spans.ts';
import { decodeRequest } from '../../support/wire.ts';

const SPANS = generatedSpans({ seed: 7, count: 50 });

describe('a request by fetch', () => {
  it.each(['none', 'gzip'] as const)('carries each span, compressed: %s', async (compression) => {
    const backend = await startBackend();
    expect(await exportOnce(openFetch({ url: backend.url, compression }), SPANS)).toEqual({});
    const [request] = backend.requests;
    expect(decodeRequest(request?.body ?? new Uint8Array())).toEqual(requestJsonOf(SPANS));
    expect(request?.headers['content-encoding']).toBe(compression === 'gzip' ? 'gzip' : undefined);
  });

  it('may be JSON', async () => {
    const backend = await startBackend();
    await exportOnce(openFetch({ url: backend.url, encoding: 'json' }), SPANS);
    const [request] = backend.requests;
    expect(JSON.parse(Buffer.from(request?.body ?? []).toString())).toEqual(requestJsonOf(SPANS));
    expect(request?.headers['content-type']).toBe('application/json');
  });

  it('carries logs and metrics, each to its own path', async () => {
    const backend = await startBackend();
    const url = (signal: string) => backend.url.replace('traces', signal);
    await exportOnce(openFetch({ signal: 'logs', url: url('logs') }), [logRecordWith({ body: 'hello' })]);
    await exportOnce(openFetch({ signal: 'metrics', url: url('metrics') }), [dataPointWith({ value: 9 })]);
    const [logs, metrics] = backend.requests.map(({ body }) => body);
    expect(decodeLogs(logs ?? new Uint8Array()).map(({ body }) => body)).toEqual(['hello']);
    expect(decodeMetrics(metrics ?? new Uint8Array()).map(({ point }) => point.value)).toEqual([9]);
  });

  it('says what it is and how long it is, has the headers of the program, and the query of the URL', async () => {
    const backend = await startBackend();
    const headers = { 'X-Tenant': 'shop', authorization: async () => 'Bearer 1' };
    await exportOnce(openFetch({ url: `${backend.url}?tenant=a%20b`, headers }), SPANS);
    expect(backend.requests[0]).toMatchObject({
      ...{ method: 'POST', path: '/v1/traces?tenant=a%20b' },
      headers: {
        'content-type': 'application/x-protobuf',
        'content-length': `${encodeTraces(SPANS).length}`,
        'x-tenant': 'shop',
        authorization: 'Bearer 1',
      },
    });
  });

  it('goes by default to a collector on this machine, and credentials of the URL are a header', async () => {
    const seen: [unknown, unknown][] = [];
    replaceFetch(async (url, init) => {
      seen.push([url, init?.headers]);
      return new Response();
    });
    await exportOnce(openFetch({ signal: 'logs' }), [logRecordWith()]);
    await exportOnce(openFetch({ url: 'https://us%20er:pä@x.example/' }), SPANS);
    const basic = `Basic ${Buffer.from('us er:pä').toString('base64')}`;
    expect(seen).toMatchObject([
      ['http://localhost:4318/v1/logs', {}],
      ['https://x.example/', { authorization: basic }],
    ]);
  });

  it('may go to a path of the page', async () => {
    const urls: unknown[] = [];
    replaceFetch(async (url) => {
      urls.push(url);
      return new Response();
    });
    vi.stubGlobal('location', { href: 'https://shop.example/cart?x=1' });
    await exportOnce(openFetch({ url: '/v1/traces' }), SPANS);
    expect(urls).toEqual(['https://shop.example/v1/traces']);
  });

  it('may be signed: the function is given the bytes that arrive', async () => {
    const server = await rawServer(({ socket }) => void socket.write(rawAnswer(200, { 'content-length': 0 }, '')));
    const signatureOf = (body: Uint8Array) => createHmac('sha256', 'a key').update(body).digest('hex');
    const headers = { 'x-signature': ({ body }: HeadersRequest) => signatureOf(body) };
    await exportOnce(openFetch({ url: server.url, headers }), SPANS);
    await exportOnce(openFetch({ url: server.url, headers, compression: 'gzip' }), SPANS);
    const signed = server.requests.map(({ head, body }) => head.includes(`x-signature: ${signatureOf(body)}\r\n`));
    expect(signed).toEqual([true, true]);
  });
});

describe('keepalive', () => {
  /** The sizes and the flags of requests that are answered when the test says so. */
  function heldFetch() {
    const flags: (boolean | undefined)[] = [];
    const answers: (() => void)[] = [];
    replaceFetch((_, init) => {
      flags.push(init?.keepalive);
      return new Promise((resolve, reject) => {
        answers.push(() => resolve(new Response()));
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
      });
    });
    const answerAll = () => {
      for (const answer of answers.splice(0)) answer();
    };
    return { flags, answers, answerAll };
  }

  const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await turn();
  }

  it('is for small bodies, until those in flight have 60 KiB together', async () => {
    const { flags, answerAll } = heldFetch();
    const sink = openFetch({});
    const medium = [spanWith({ name: 'x'.repeat(25 * 1024) })];
    const running = [1, 2, 3].map(() => exportOnce(sink, medium));
    await until(() => flags.length === 3);
    expect(flags).toEqual([true, true, undefined]);
    answerAll();
    await Promise.all(running);
    const last = [exportOnce(sink, [spanWith({ name: 'x'.repeat(61 * 1024) })]), exportOnce(sink, medium)];
    await until(() => flags.length === 5);
    expect(flags.slice(3).sort()).toEqual([true, undefined]);
    answerAll();
    await Promise.all(last);
  });

  it('is for others again when one is aborted', async () => {
    const { flags } = heldFetch();
    const sink = openFetch({});
    const large = batchOf([spanWith({ name: 'x'.repeat(50 * 1024) })]);
    for (let count = 1; count <= 3; count++) {
      const running = sink.export(large).subscribe();
      await until(() => flags.length === count);
      running.unsubscribe();
      await turn();
    }
    expect(flags).toEqual([true, true, true]);
  });

  it('is never asked for where it is not wanted', async () => {
    const { flags, answerAll } = heldFetch();
    const answer = exportOnce(openFetch({ keepalive: 'never' }), [spanWith()]);
    await until(() => flags.length === 1);
    answerAll();
    await answer;
    expect(flags).toEqual([undefined]);
  });
});

/** Option, value, and the rule that the error has to name. */
const WRONG: readonly (readonly [string, unknown, string])[] = [
  ['url', '/v1/traces', 'an http:// or https:// URL'],
  ['url', 'ftp://x/', 'an http:// or https:// URL'],
  ['signal', 'profiles', "one of 'traces', 'logs', 'metrics'"],
  ['encoding', 'http/json', "one of 'protobuf', 'json'"],
  ['compression', 'brotli', "one of 'gzip', 'zstd', 'none'"],
  ['compression', 'zstd', "one of 'gzip', 'none': the runtime's CompressionStream has no zstd"],
  ['keepalive', true, "one of 'ifSmall', 'never'"],
  ['timeoutMillis', 0, 'a duration in milliseconds, from 1 to 2147483647, or Infinity'],
  ['maxRequestBytes', 0, 'a whole number from 1'],
  ['maxResponseBytes', 1.5, 'a whole number from 1'],
  ['resourceTimeoutMillis', -1, 'a duration in milliseconds, from 0 to 2147483647'],
  ['headers', null, 'an object of names and values, or a function that gives one'],
  ['userAgent', 'a\nb', 'a string that HTTP allows in a header'],
  ['environment', 'x', 'an object'],
  ['tls', {}, expect.stringContaining('one of the known options') as string],
];

describe('a wrong option of otlpFetch', () => {
  it.each(WRONG)('%s: %j is refused at the call', (name, value, rule) => {
    expect(() => otlpFetch({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option: `otlpFetch.${name}`, rule }),
    );
  });

  it('is gzip where there is no CompressionStream', () => {
    vi.stubGlobal('CompressionStream', undefined);
    expect(() => otlpFetch({ compression: 'gzip' })).toThrow(
      "otlpFetch.compression must be 'none': the runtime's CompressionStream has no gzip",
    );
    vi.unstubAllGlobals();
  });

  it('is any where there is no fetch', () => {
    vi.stubGlobal('fetch', undefined);
    expect(() => otlpFetch()).toThrow('otlpFetch must be called where the runtime has fetch');
    vi.unstubAllGlobals();
  });
});
