import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeStatus } from '../../src/otlp/responses/response.ts';
import {
  countSpans,
  marbles,
  type OtlpBackend,
  type OtlpBackendOptions,
  otlpBackend,
  walkSpans,
} from '../../src/testing/index.ts';
import { authority } from '../support/httpCertificates.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function start(options?: OtlpBackendOptions): Promise<OtlpBackend> {
  const backend = await otlpBackend(options);
  open.push(backend);
  return backend;
}

async function spansOf(letters: string): Promise<ReadableSpan[]> {
  let made: ReadableSpan[] = [];
  await marbles(({ spans }) => {
    const table: Readonly<Record<string, ReadableSpan>> = spans();
    made = [...letters].map((letter) => table[letter] as ReadableSpan);
  });
  return made;
}

function send(exporter: SpanExporter, spans: ReadableSpan[]): Promise<boolean> {
  open.push({ close: () => exporter.shutdown() });
  return new Promise((resolve) => exporter.export(spans, ({ code }) => resolve(code === ExportResultCode.SUCCESS)));
}

const delimited = (field: number, ...content: number[]) => [field * 8 + 2, content.length, ...content];
/** Two spans by hand: ids 01…01 and 02…02, names a and b, and fields that are to be skipped, unknown ones among them. */
const spanBytes = (id: number, name: string) =>
  delimited(
    2,
    0x80 + 0x39,
    1,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    ...delimited(2, ...Array(8).fill(id)),
    ...delimited(5, name.charCodeAt(0)),
    0x30,
    0xff,
    0x01,
  );
const request = Uint8Array.from(
  delimited(
    1,
    ...delimited(1, ...delimited(15, 9)),
    ...delimited(2, ...spanBytes(1, 'a')),
    ...delimited(2, ...spanBytes(2, 'b'), 0x2d, 0, 0, 0, 0),
  ),
);

const post = (backend: OtlpBackend, body: Uint8Array = request, headers: Record<string, string> = {}) =>
  fetch(backend.url, {
    method: 'POST',
    body: body as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'application/x-protobuf', ...headers },
  });

describe('walkSpans', () => {
  it('finds the spans of a request among all other fields', () => {
    expect(countSpans(request)).toBe(2);
    expect(walkSpans(request)).toEqual([
      { spanId: '0101010101010101', name: 'a' },
      { spanId: '0202020202020202', name: 'b' },
    ]);
    expect(countSpans(new Uint8Array())).toBe(0);
  });

  it('refuses bytes that are no protobuf message', () => {
    for (let length = 1; length < request.length; length++) {
      expect(() => walkSpans(request.subarray(0, length))).toThrow(RangeError);
    }
    expect(() => walkSpans(Uint8Array.from(Array(12).fill(0xff)))).toThrow('longer than ten bytes');
    expect(() => walkSpans(Uint8Array.of(0x0b))).toThrow('wire type 3');
  });
});

describe('a fake backend', () => {
  it.each([
    ['protobuf', (url: string) => new ProtoExporter({ url })],
    ['JSON', (url: string) => new JsonExporter({ url })],
  ])('counts what the official exporter sends as %s', async (_, exporterOf) => {
    const backend = await start();
    expect(await send(exporterOf(backend.url), await spansOf('abc'))).toBe(true);
    expect([backend.spans, backend.receivedSpans, backend.requestCount, backend.connections]).toEqual([3, 3, 1, 1]);
    const [first] = backend.requests;
    expect(first).toMatchObject({ index: 0, method: 'POST', path: '/v1/traces', aborted: false, answer: 'ok' });
    expect(first?.problem).toBeUndefined();
    expect(first?.spans[0]).toEqual({ spanId: '0000000000000061', name: 'a' });
  });

  it('reads compressed bodies', async () => {
    const backend = await start({ decode: (body) => body.length });
    expect((await post(backend, gzipSync(request), { 'content-encoding': 'gzip' })).status).toBe(200);
    expect((await post(backend, zstdCompressSync(request), { 'content-encoding': 'zstd' })).status).toBe(200);
    expect((await post(backend, request, { 'content-encoding': 'snappy' })).status).toBe(415);
    expect((await post(backend, request, { 'content-encoding': 'gzip' })).status).toBe(400);
    expect(backend.requests.map(({ decoded }) => decoded)).toEqual([
      request.length,
      request.length,
      undefined,
      undefined,
    ]);
    expect(backend.requests[2]?.problem).toMatch('the content encoding has to be gzip');
    expect(backend.requests[3]).toMatchObject({
      problem: expect.stringMatching('decompressed'),
      answer: { status: 400 },
    });
    expect(backend.requests.map(({ wireBytes }) => wireBytes > 0)).toEqual([true, true, false, true]);
    expect(backend.spans).toBe(4);
  });

  it('gives a list of answers in order, and repeats the last one', async () => {
    const backend = await start({
      answers: [{ status: 503, headers: { 'retry-after': '2' }, body: 'busy' }, { delayMillis: 5 }, { status: 404 }],
    });
    const busy = await post(backend);
    expect([busy.status, busy.headers.get('retry-after'), await busy.text()]).toEqual([503, '2', 'busy']);
    expect((await post(backend)).status).toBe(200);
    expect((await post(backend)).status).toBe(404);
    expect((await post(backend)).status).toBe(404);
    expect([backend.spans, backend.receivedSpans]).toEqual([2, 8]);
  });

  it('answers by a function, and can be given other answers later', async () => {
    const backend = await start({ answers: ({ spans }, index) => ({ status: 200 + index, body: `${spans.length}` }) });
    expect(await (await post(backend)).text()).toBe('2');
    expect((await post(backend)).status).toBe(201);
    backend.respond({ status: 500 });
    expect((await post(backend)).status).toBe(500);
    backend.respond(() => Promise.reject(new Error('mine')));
    expect(await (await post(backend)).text()).toBe('Error: mine');
  });

  it('reports rejected spans in the encoding of the request', async () => {
    const backend = await start({ answers: { partialSuccess: { rejected: 1, message: 'no' } } });
    expect([...new Uint8Array(await (await post(backend)).arrayBuffer())]).toEqual([10, 6, 8, 1, 18, 2, 110, 111]);
    expect([backend.spans, backend.receivedSpans]).toEqual([1, 2]);
    const json = await post(backend, Buffer.from('{"resourceSpans":[]}'), { 'content-type': 'application/json' });
    expect(await json.json()).toEqual({ partialSuccess: { rejectedSpans: '1', errorMessage: 'no' } });
    expect(backend.requests[0]?.spans.length).toBe(2);
    expect(await (await post(await start({ answers: { partialSuccess: { rejected: 0 } } }))).bytes()).toEqual(
      Uint8Array.of(10, 0),
    );
  });

  it('resets connections', async () => {
    const backend = await start({ answers: ['reset', 'ok'] });
    await expect(post(backend)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(backend.requests[0]).toMatchObject({ answer: 'reset', aborted: false });
    expect((await post(backend)).status).toBe(200);
    expect([backend.spans, backend.receivedSpans]).toEqual([2, 4]);
  });

  it('hangs until the client gives up', async () => {
    const backend = await start({ answers: 'hang' });
    const controller = new AbortController();
    const pending = fetch(backend.url, { method: 'POST', body: request, signal: controller.signal });
    await backend.until(({ inFlight, requestCount }) => inFlight === 1 && requestCount === 1);
    controller.abort();
    await expect(pending).rejects.toMatchObject({ name: 'AbortError' });
    await backend.until(({ requests }) => requests[0]?.aborted === true);
    await backend.until(({ inFlight }) => inFlight === 0);
    expect([backend.maxInFlight, backend.spans]).toEqual([1, 0]);
  });

  it('closes with requests that hang and answers that are delayed', async () => {
    const backend = await start({ answers: ['hang', { delayMillis: 60_000 }] });
    const pending = [post(backend), post(backend)].map((each) => each.catch(() => 'closed'));
    await backend.until(
      ({ requests }) => requests.length === 2 && requests.every(({ answer }) => answer !== undefined),
    );
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await backend.close();
    expect(timers()).toBeLessThan(before);
    await backend.close();
    expect(await Promise.all(pending)).toEqual(['closed', 'closed']);
    await expect(post(backend)).rejects.toThrow();
  });

  it('keeps no more requests than its options allow', async () => {
    const backend = await start({ maxRequests: 2, maxBodyBytes: 1_000 });
    for (let count = 0; count < 4; count++) await post(backend);
    expect([backend.requestCount, backend.requests.map(({ index }) => index)]).toEqual([4, [2, 3]]);
    expect((await post(backend, new Uint8Array(1_001))).status).toBe(413);
    expect((await post(backend, gzipSync(new Uint8Array(100_000)), { 'content-encoding': 'gzip' })).status).toBe(413);
    expect(backend.requestCount).toBe(4);
    const small = await start({ maxRecordedBytes: 2 * request.length + 1 });
    for (let count = 0; count < 5; count++) await post(small);
    expect(small.requests.map(({ index }) => index)).toEqual([3, 4]);
  });

  it('does not advance its script for another path', async () => {
    const backend = await start({ path: '/otlp', answers: [{ status: 202 }, { status: 203 }] });
    expect((await fetch(new URL('/v1/traces', backend.url), { method: 'POST' })).status).toBe(404);
    expect((await post(backend)).status).toBe(202);
  });

  it('refuses what a receiver refuses, in its words, and records it with the reason', async () => {
    const backend = await start({ answers: [{ status: 202 }] });
    const malformed = await post(backend, Uint8Array.of(10, 255));
    expect([malformed.status, decodeStatus(await malformed.bytes())]).toEqual([
      400,
      backend.requests[0]?.problem?.slice(0, 1_000),
    ]);
    const broken = await post(backend, Buffer.from('{"resourceSpans":7}'), { 'content-type': 'application/json' });
    expect([broken.status, await broken.json()]).toEqual([400, { code: 3, message: backend.requests[1]?.problem }]);
    expect((await post(backend, request, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await fetch(backend.url)).status).toBe(405);
    expect(backend.requests.map(({ items, answer }) => [items, answer])).toEqual([
      [0, { status: 400 }],
      [0, { status: 400 }],
      [0, { status: 415 }],
      [0, { status: 405 }],
    ]);
    expect((await post(backend)).status).toBe(202);
  });

  it('answers 400 when the decoder of the test throws', async () => {
    const backend = await start({
      decode: () => {
        throw new Error('mine');
      },
    });
    expect((await post(backend)).status).toBe(400);
    expect(backend.requests[0]).toMatchObject({ problem: 'Error: mine', body: Buffer.from(request) });
  });

  it('lets pages of allowed origins send, and counts no question of theirs', async () => {
    const backend = await start({ cors: { allowedOrigins: ['https://shop.example'] } });
    const origin = { origin: 'https://shop.example', 'access-control-request-method': 'POST' };
    const preflight = await fetch(backend.url, { method: 'OPTIONS', headers: origin });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin.origin]);
    expect(backend.requestCount).toBe(0);
    const { headers } = await post(backend, request, { origin: origin.origin });
    expect([headers.get('access-control-allow-origin'), backend.spans]).toEqual([origin.origin, 2]);
    expect((await post(backend, request, { origin: 'https://other.example' })).headers.has('vary')).toBe(true);
  });

  it('survives a client that disconnects in the middle of its body', async () => {
    const backend = await start();
    const socket = connect(backend.port, '127.0.0.1');
    socket.write('POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc', () =>
      socket.resetAndDestroy(),
    );
    await backend.until(({ connections, inFlight }) => connections === 1 && inFlight === 0);
    expect((await post(backend)).status).toBe(200);
    expect(backend.requestCount).toBe(1);
  });

  it('describes its state when a condition times out', async () => {
    const backend = await start();
    await expect(backend.until(() => false, 5)).rejects.toThrow(
      'the backend waited 5 ms, and had 0 requests and 0 spans',
    );
  });

  it('speaks TLS', async () => {
    const trusted = authority('test authority');
    const backend = await start({ tls: trusted.issue('localhost', ['127.0.0.1']) });
    expect(backend.url).toMatch(/^https:/);
    const status = await new Promise((resolve, reject) => {
      const call = httpsRequest(backend.url, { method: 'POST', ca: trusted.cert }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on('error', reject).end(request);
    });
    expect([status, backend.spans, backend.connections]).toEqual([200, 2, 1]);
  });

  it('refuses invalid options', async () => {
    await expect(otlpBackend({ maxRequests: 0 })).rejects.toThrow(
      'otlpBackend.maxRequests must be a whole number from 1, but was given 0',
    );
    await expect(otlpBackend({ answers: [] })).rejects.toThrow('otlpBackend.answers must be at least one answer');
    const backend = await start();
    expect(() => backend.respond([])).toThrow('otlpBackend.answers must be at least one answer');
  });

  it('listens on the given host and port, and fails if the port is taken', async () => {
    const backend = await start({ host: '127.0.0.1' });
    expect(backend.url).toBe(`http://127.0.0.1:${backend.port}/v1/traces`);
    const inUse = `port ${backend.port} is in use: choose another one, or leave port out for any that is free (url tells which)`;
    const message = `otlpBackend cannot listen on 127.0.0.1: ${inUse}`;
    await expect(otlpBackend({ port: backend.port })).rejects.toMatchObject({ code: 'CANNOT_LISTEN', message });
  });
});
