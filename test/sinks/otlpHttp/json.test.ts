import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeTracesJson, encodeTraces, encodeTracesJson } from '../../../src/otlp/index.ts';
import { exportOnce, failureOf, openSink, outcomeOf, startBackend } from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import { requestJsonOf } from '../../support/spanJson.ts';
import { generatedSpans, spanWith } from '../../support/spans.ts';

const SPANS = generatedSpans({ seed: 7, count: 50 });
const BODY = encodeTracesJson(SPANS);
const JSON_TYPE = { 'content-type': 'application/json' };

describe('a request in JSON', () => {
  it('carries each span, as code that is not ours has it', async () => {
    const backend = await startBackend();
    const outcome = await outcomeOf(openSink({ url: backend.url, encoding: 'json' }), SPANS);
    expect(outcome).toMatchObject({ delivered: 50, attempts: 1, lost: [] });
    const [request] = backend.requests;
    expect(JSON.parse(Buffer.from(request?.body ?? []).toString())).toEqual(requestJsonOf(SPANS));
    expect(request?.spans).toHaveLength(50);
  });

  it('says what it is and how long it is', async () => {
    const backend = await startBackend();
    await exportOnce(openSink({ url: backend.url, encoding: 'json' }), SPANS);
    const headers = backend.requests[0]?.headers;
    expect(headers).toMatchObject({ ...JSON_TYPE, 'content-length': `${BODY.length}` });
    expect(headers).not.toHaveProperty('content-encoding');
  });

  it('is compressed with the option compression', async () => {
    const server = await rawServer(({ socket }) => void socket.write(rawAnswer(200, { 'content-length': 0 }, '')));
    await exportOnce(openSink({ url: server.url, encoding: 'json', compression: 'gzip' }), SPANS);
    const [request] = server.requests;
    expect(request?.head).toMatch(/^content-encoding: gzip\r$/m);
    expect(request?.head).toMatch(/^content-type: application\/json\r$/m);
    expect(gunzipSync(request?.body ?? Buffer.alloc(0)).equals(BODY)).toBe(true);
  });

  it('is made once for all attempts', async () => {
    const backend = await startBackend({ answers: [{ status: 503 }, { status: 429 }, 'ok'] });
    const outcome = await outcomeOf(openSink({ url: backend.url, encoding: 'json' }), SPANS);
    expect(outcome).toMatchObject({ delivered: 50, attempts: 3 });
    const [first, second, third] = backend.requests.map(({ body }) => Buffer.from(body));
    expect([second, third]).toEqual([first, first]);
  });

  it('leaves out what cannot be expressed, and counts it', async () => {
    const backend = await startBackend();
    const spans = [spanWith({ name: 'a' }), spanWith({ startTime: [-1, 0] }), spanWith({ name: 'b' })];
    const outcome = await outcomeOf(openSink({ url: backend.url, encoding: 'json' }), spans);
    expect(outcome).toMatchObject({
      delivered: 2,
      lost: [{ count: 1, reason: 'unencodable', stage: 'exportTo(otlpHttp)' }],
    });
    const decoded = decodeTracesJson(backend.requests[0]?.body ?? '');
    expect(decoded.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('is not sent when no span can be expressed', async () => {
    const backend = await startBackend();
    const spans = [spanWith({ startTime: [-1, 0] })];
    const outcome = await outcomeOf(openSink({ url: backend.url, encoding: 'json' }), spans);
    expect(outcome.lost).toEqual([{ count: 1, reason: 'unencodable', stage: 'exportTo(otlpHttp)' }]);
    expect(backend.requestCount).toBe(0);
  });

  it('over maxRequestBytes is not sent, and tooLarge; one byte less is', async () => {
    const backend = await startBackend();
    const options = { url: backend.url, encoding: 'json' } as const;
    const { failure, message } = await failureOf(openSink({ ...options, maxRequestBytes: BODY.length - 1 }), SPANS);
    expect(failure).toEqual({ kind: 'tooLarge' });
    expect(message).toContain(`a request of ${BODY.length} bytes (50 spans) is not sent`);
    expect(backend.connections).toBe(0);
    expect(await exportOnce(openSink({ ...options, maxRequestBytes: BODY.length }), SPANS)).toEqual({ rejected: 0 });
  });
});

describe('an answer in JSON', () => {
  it('that rejects some counts them, and the request is not sent again', async () => {
    const backend = await startBackend({ answers: { partialSuccess: { rejected: 2, message: 'too old' } } });
    const outcome = await outcomeOf(openSink({ url: backend.url, encoding: 'json' }), SPANS);
    expect(outcome).toMatchObject({ delivered: 48, rejected: 2, lost: [], attempts: 1, message: 'too old' });
    expect(backend.requestCount).toBe(1);
  });

  it.each<[string, object]>([
    ['{}', { rejected: 0 }],
    ['{"partialSuccess":{}}', { rejected: 0 }],
    ['{"partialSuccess":null,"unknown":[1]}', { rejected: 0 }],
    ['{"partialSuccess":{"rejectedSpans":"0","errorMessage":"slow down"}}', { rejected: 0, message: 'slow down' }],
    ['{"partialSuccess":{"rejectedSpans":7}}', { rejected: 7 }],
    ['{"partialSuccess":{"rejectedSpans":-1}}', { rejected: 0 }],
    ['{"partialSuccess":{"rejectedSpans":"9223372036854775807"}}', { rejected: Number.MAX_SAFE_INTEGER }],
    ['{"partialSuccess":{"rejectedSpans":9223372036854775807}}', { rejected: Number.MAX_SAFE_INTEGER }],
    ['', {}],
  ])('that is %s says %j', async (body, response) => {
    const backend = await startBackend({ answers: { body } });
    expect(await exportOnce(openSink({ url: backend.url, encoding: 'json' }), SPANS)).toEqual(response);
  });

  it.each(['{', '[]', '7', '{"partialSuccess":7}', '{"partialSuccess":{"rejectedSpans":"x"}}'])(
    'that is %s is a success with a warning',
    async (body) => {
      const backend = await startBackend({ answers: { body } });
      const outcome = await outcomeOf(openSink({ url: backend.url, encoding: 'json' }), SPANS);
      expect(outcome).toMatchObject({ delivered: 50, lost: [], attempts: 1 });
      expect(outcome.message).toContain('the answer cannot be read: the response is malformed: ');
    },
  );

  it.each<[string, string]>([
    ['{"code":3,"message":"bad"}', ': bad'],
    ['{"message":"no such tenant","details":[{"@type":"x"}]}', ': no such tenant'],
    ['{"code":3}', ': code 3'],
    ['{"error":"nobody"}', ': {"error":"nobody"}'],
    ['<html>', ': <html>'],
    ['', ''],
  ])('that refuses by %s is told%s', async (body, told) => {
    const backend = await startBackend({ answers: { status: 400, body } });
    const { failure, message } = await failureOf(openSink({ url: backend.url, encoding: 'json' }), SPANS);
    expect(failure).toEqual({ kind: 'permanent' });
    expect(message).toBe(`${backend.url} answered 400${told}`);
  });
});

describe('an answer in the other encoding than its request', () => {
  it('is read by its own type: JSON for protobuf', async () => {
    const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
    const body = '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}';
    const backend = await startBackend({ answers: { headers, body } });
    expect(await exportOnce(openSink({ url: backend.url }), SPANS)).toEqual({ rejected: 1, message: 'no' });
  });

  it('is read by its own type: protobuf for JSON', async () => {
    const headers = { 'content-type': 'application/x-protobuf' };
    const body = Buffer.from([0x0a, 6, 0x08, 1, 0x12, 2, 0x6e, 0x6f]);
    const backend = await startBackend({ answers: { headers, body } });
    const sink = openSink({ url: backend.url, encoding: 'json' });
    expect(await exportOnce(sink, SPANS)).toEqual({ rejected: 1, message: 'no' });
  });

  it.each(['application/jsonlines', 'application/json-seq', 'text/json'])(
    'is not read where it is %s',
    async (type) => {
      const body = '{"partialSuccess":{"rejectedSpans":"1"}}';
      const backend = await startBackend({ answers: { headers: { 'content-type': type }, body } });
      expect(await exportOnce(openSink({ url: backend.url, encoding: 'json' }), SPANS)).toEqual({});
    },
  );
});

describe('both encodings', () => {
  it('deliver the same spans', async () => {
    const backend = await startBackend();
    await exportOnce(openSink({ url: backend.url, encoding: 'json' }), SPANS);
    await exportOnce(openSink({ url: backend.url, encoding: 'protobuf' }), SPANS);
    const [json, protobuf] = backend.requests.map(({ body }) => body);
    expect(Buffer.compare(encodeTraces(decodeTracesJson(json ?? '')), protobuf ?? new Uint8Array())).toBe(0);
  });
});
