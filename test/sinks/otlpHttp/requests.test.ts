import { createHook } from 'node:async_hooks';
import { gunzipSync } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VERSION } from '../../../src/internal/version.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { batchOf, exportOnce, failureOf, openSink, outcomeOf, startBackend } from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import { requestJsonOf } from '../../support/spanJson.ts';
import { generatedSpans, spanWith } from '../../support/spans.ts';
import { decodeRequest } from '../../support/wire.ts';

const SPANS = generatedSpans({ seed: 7, count: 50 });

/** A span that counts how often it is read. */
function countedSpan(): { span: ReadableSpan; reads: () => number } {
  let reads = 0;
  const span = spanWith();
  Object.defineProperty(span, 'kind', {
    get: () => {
      reads += 1;
      return 0;
    },
  });
  return { span, reads: () => reads };
}

describe('a request', () => {
  it('carries each span, as code that is not ours reads it', async () => {
    const backend = await startBackend();
    await exportOnce(openSink({ url: backend.url }), SPANS);
    const [request] = backend.requests;
    expect(decodeRequest(request?.body ?? new Uint8Array())).toEqual(requestJsonOf(SPANS));
  });

  it('says what it is and how long it is, and is not chunked', async () => {
    const backend = await startBackend();
    await exportOnce(openSink({ url: `${backend.url}?tenant=a%20b` }), SPANS);
    const [request] = backend.requests;
    const length = encodeTraces(SPANS).length;
    expect(request).toMatchObject({ method: 'POST', path: '/v1/traces?tenant=a%20b', wireBytes: length });
    expect(request?.headers).toEqual({
      host: `127.0.0.1:${backend.port}`,
      connection: 'keep-alive',
      'content-type': 'application/x-protobuf',
      'content-length': `${length}`,
      'user-agent': `spanflow/${VERSION} OTel-OTLP-Exporter-JavaScript/${VERSION}`,
    });
  });

  it('names the program before the exporter', async () => {
    const backend = await startBackend();
    await exportOnce(openSink({ url: backend.url, userAgent: 'shop/1.2' }), SPANS);
    expect(backend.requests[0]?.headers['user-agent']).toMatch(/^shop\/1\.2 spanflow\/\S+ OTel-OTLP-Exporter-/);
  });

  it('is made anew for each attempt, and reads each span once', async () => {
    const { span, reads } = countedSpan();
    const backend = await startBackend({ answers: [{ status: 503 }, { status: 503 }, 'ok'] });
    expect(await outcomeOf(openSink({ url: backend.url }), [span])).toMatchObject({ delivered: 1, attempts: 3 });
    const [first, second, third] = backend.requests.map(({ body }) => Buffer.from(body));
    expect([second, third]).toEqual([first, first]);
    const onceRead = reads();
    encodeTraces([span]);
    expect(onceRead).toBeLessThanOrEqual(3 * (reads() - onceRead));
  });

  it('is not made before the export is subscribed to', () => {
    const { span, reads } = countedSpan();
    openSink({ url: 'http://127.0.0.1:9' }).export(batchOf([span]));
    expect(reads()).toBe(0);
  });

  it('that cannot be made fails for good', async () => {
    const items = new Set([spanWith()]) as unknown as readonly ReadableSpan[];
    const { failure, message } = await failureOf(openSink({ url: 'http://127.0.0.1:9' }), items);
    expect(failure).toEqual({ kind: 'permanent' });
    expect(message).toContain('must be an array of spans');
  });
});

describe('a request over maxRequestBytes', () => {
  const length = encodeTraces(SPANS).length;

  it('is not sent, and tooLarge; in parts it goes out', async () => {
    const backend = await startBackend();
    const sink = openSink({ url: backend.url, maxRequestBytes: length - 1 });
    const { failure, message } = await failureOf(sink, SPANS);
    expect(failure).toEqual({ kind: 'tooLarge' });
    expect(message).toBe(
      `a request of ${length} bytes (50 spans) is not sent: it is over maxRequestBytes ${length - 1}`,
    );
    expect(backend.connections).toBe(0);
    expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 50, lost: [] });
    expect(backend.requests.every(({ body }) => body.length < length)).toBe(true);
  });

  it('is measured before compression', async () => {
    const backend = await startBackend();
    const sink = openSink({ url: backend.url, maxRequestBytes: length - 1, compression: 'gzip' });
    expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'tooLarge' });
    expect(backend.connections).toBe(0);
  });

  it('is one byte larger than one that is sent', async () => {
    const backend = await startBackend();
    expect(await exportOnce(openSink({ url: backend.url, maxRequestBytes: length }), SPANS)).toEqual({});
    expect(backend.spans).toBe(50);
  });
});

describe('gzip', () => {
  it('is said, measured, and gives the same bytes back', async () => {
    const server = await rawServer(({ socket }) => void socket.write(rawAnswer(200, { 'content-length': 0 }, '')));
    await exportOnce(openSink({ url: server.url, compression: 'gzip' }), SPANS);
    const [request] = server.requests;
    const body = request?.body ?? Buffer.alloc(0);
    expect(request?.head).toMatch(/^content-encoding: gzip\r$/m);
    expect(request?.head).toMatch(new RegExp(`^content-length: ${body.length}\\r$`, 'm'));
    expect(request?.head).not.toMatch(/transfer-encoding/i);
    expect(gunzipSync(body).equals(encodeTraces(SPANS))).toBe(true);
    expect(body.length).toBeLessThan(encodeTraces(SPANS).length);
  });

  it('runs once per attempt, and off the main thread', async () => {
    const compressors = new Set<number>();
    let fromElsewhere = 0; // answers to the main thread of work that was done on another: a synchronous compressor has none
    // Node's own count of compressors: nothing is replaced.
    const hook = createHook({
      init: (id, type) => {
        if (type === 'ZLIB') compressors.add(id);
      },
      before: (id) => {
        if (compressors.has(id)) fromElsewhere += 1;
      },
    }).enable();
    onTestFinished(() => void hook.disable());
    let answers = 0;
    const server = await rawServer(({ socket }) => {
      answers += 1;
      socket.write(rawAnswer(answers < 3 ? 503 : 200, { 'content-length': 0 }, ''));
    });
    const outcome = await outcomeOf(openSink({ url: server.url, compression: 'gzip' }), SPANS);
    expect(outcome).toMatchObject({ delivered: 50, attempts: 3 });
    const [first, second, third] = server.requests.map(({ body }) => body);
    expect([second, third]).toEqual([first, first]);
    expect(compressors.size).toBe(3);
    expect(fromElsewhere).toBeGreaterThan(0);
  });
});
