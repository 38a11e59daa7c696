// What other receivers' tests expect of requests over HTTP, put to a running one.

import { once } from 'node:events';
import { request } from 'node:http';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { status as grpcCode } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { createGate, type LossReason } from '../../../src/index.ts';
import * as verdicts from '../../../src/inputs/otlpReceiver/verdict.ts';
import { field } from '../../support/bombs.ts';
import { type ReceiverCase, receiverCases, VALID_BODY } from '../../support/receiverCases.ts';
import { connected, JSON_TYPE, jsonOf, open, PROTOBUF, post, requestOf, until } from './support.ts';

const MIB = 1024 * 1024;
const PACKED: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  zstd: zstdCompressSync,
};

/** Where the specification, or what stands in the receiver's README, differs from the recorded expectation. */
const OTHERWISE: Readonly<Record<string, number>> = {
  // A loss for good is told as a request that must not be sent again.
  'consumer fails: permanent, non-gRPC error': 400,
  'not retryable + RetryInfo': 400,
  // OTLP: 413, not 400.
  'MaxRequestBodySize == len(body)-1': 413,
  // RFC 9110: 415 for a coding that is not understood. `zlib` is no registered coding.
  ValidZlib: 415,
  UnsupportedCompression: 415,
  'unknown Content-Encoding': 415,
  'NoContentType + Content-Encoding: invalid': 415,
};

/** What a status is expected to be, of a case that is one request. */
function expected({ name, anyValue, expect: said }: ReceiverCase): (status: number) => boolean {
  // A field that nobody knows is passed over, here and in JSON of protobuf.
  if (JSON.stringify(anyValue) === '{"arrayValue":{"value":[]}}') return (status) => status === 200;
  const otherwise = OTHERWISE[name];
  if (otherwise !== undefined) return (status) => status === otherwise;
  if (typeof said === 'number') return (status) => status === said;
  if (said?.startsWith('2xx')) return (status) => status === 200;
  if (said?.startsWith('>=400')) return (status) => status >= 400 && status < 500;
  const shouldBe = /should be (\d{3})/.exec(said ?? '')?.[1];
  return (status) => status === Number(shouldBe);
}

const cases = receiverCases();
const isRequest = ({ name, method, path, contentEncoding, anyValue }: ReceiverCase) =>
  SITUATIONS[name] === undefined && [method, path, contentEncoding, anyValue].some((given) => given !== undefined);

/** Ends that a batch comes to behind the receiver. */
async function answerTo(reason: LossReason, retryAfterMillis?: number): Promise<Response> {
  const lost = () => ({ lost: [{ count: 2, reason, stage: 'backend' }] });
  const { url } = await open(
    { acknowledge: 'delivered', ...(retryAfterMillis !== undefined && { retryAfterMillis }) },
    lost,
  );
  return fetch(`${url}/v1/traces`, { method: 'POST', headers: PROTOBUF, body: bytesOf(requestOf(2)) });
}

const bytesOf = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;

type Situation = (given: ReceiverCase) => Promise<void>;

const ends =
  (reason: LossReason, retryAfterMillis?: number): Situation =>
  async (given) => {
    const { status, headers } = await answerTo(reason, retryAfterMillis);
    expect(expected(given)(status)).toBe(true);
    if (given.retryAfter !== undefined && retryAfterMillis !== undefined)
      expect(headers.get('retry-after')).toBe(given.retryAfter);
  };

const takes =
  (
    status: number,
    body: () => string | Uint8Array,
    headers: Record<string, string>,
    maxRequestBytes = 64 * MIB,
  ): Situation =>
  async () => {
    const { url } = await open({ maxRequestBytes });
    expect((await post(url, body(), headers)).status).toBe(status);
    // It goes on.
    expect((await post(url, requestOf(1))).status).toBe(200);
  };

const packed = (coding: string) => ({ ...PROTOBUF, 'content-encoding': coding });

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'consumer fails: permanent, non-gRPC error': ends('permanent'),
  'consumer fails: retryable error': ends('retriesExhausted'),
  'consumer fails: status InvalidArgument': ends('permanent'),
  'consumer fails: status Unavailable': ends('retriesExhausted'),
  'MaxRequestBodySize == len(body)': takes(200, () => requestOf(2), PROTOBUF, requestOf(2).length),
  'MaxRequestBodySize == len(body)-1': async () => {
    const { url } = await open({ maxRequestBytes: requestOf(2).length - 1 });
    expect((await post(url, requestOf(2))).status).toBe(413);
  },
  'gRPC code -> HTTP map': async ({ map = {} }) => {
    const ours = [
      verdicts.malformed(''),
      verdicts.unauthenticated(''),
      verdicts.notServed(''),
      verdicts.busy('', 1),
      verdicts.unavailable('', 1),
    ];
    for (const { code, status } of ours) expect([code, status]).toEqual([code, map[nameOf(code)]]);
    const { code, status } = verdicts.internal('');
    expect([grpcCode[code], status]).toEqual(['INTERNAL', map.default]);
  },
  // A time is always told: gRPC's clients send RESOURCE_EXHAUSTED again only with one.
  'retryable, no RetryInfo': ends('retriesExhausted'),
  'ResourceExhausted + RetryInfo 0s': ends('queueFull', 0),
  'ResourceExhausted + RetryInfo 13s': ends('queueFull', 13_000),
  'not retryable + RetryInfo': ends('permanent', 13_000),
  InvalidArgument: ends('permanent', 13_000),
  'no span delivered downstream after Shutdown() returned while a client keeps sending': async () => {
    const { url, receiver, batches } = await open();
    let isOver = false;
    const statuses: (number | 'gone')[] = [];
    const sending = (async () => {
      while (!isOver || statuses.at(-1) === 200)
        statuses.push(
          await post(url, requestOf(1)).then(
            (r) => r.status,
            () => 'gone' as const,
          ),
        );
    })();
    await until(() => batches.length > 0);
    await receiver.shutdown();
    const { length } = batches;
    isOver = true;
    await sending;
    expect([batches.length, statuses.at(-1)]).toEqual([length, 'gone']);
    // Whatever was taken was answered, and nothing else.
    expect(statuses.filter((status) => status === 200)).toHaveLength(length);
  },
  'ValidDeflate (zlib stream)': takes(200, () => deflateSync(requestOf(2)), packed('deflate')),
  Mixed_Gzip_EmptyBody: takes(400, () => new Uint8Array(), packed('gzip')),
  'Mixed_Gzip_TruncatedData = gzip(body)[:5]': takes(400, () => gzipSync(requestOf(2)).subarray(0, 5), packed('gzip')),
  Mixed_NoEncoding_EmptyBody: takes(200, () => new Uint8Array(), PROTOBUF),
  'decoder panics while reading': takes(400, () => withoutChecksum(gzipSync(requestOf(50))), packed('gzip')),
  '0x80 x 65536': async () => {
    const { receiver, url } = await open();
    receiver.logs$.subscribe();
    expect((await post(url, new Uint8Array(65_536).fill(0x80), PROTOBUF, '/v1/logs')).status).toBe(400);
  },
  'pause/resume: 64 requests trigger pause, 8 stalled TCP connections open, then resume: all 2xx again; shutdown while paused terminates':
    async () => {
      const gate = createGate();
      const { url, port, receiver, batches } = await open({ gate, maxQueueSize: 128 });
      const reopen = gate.close();
      const statuses = await Promise.all(Array.from({ length: 80 }, () => post(url, requestOf(2)))).then((all) =>
        all.map(({ status }) => status),
      );
      expect([
        statuses.filter((status) => status === 200).length,
        statuses.filter((status) => status === 429).length,
      ]).toEqual([64, 16]);
      for (let stalled = 0; stalled < 8; stalled += 1) connected(port).write('POST /v1/traces HTTP/1.1\r\n');
      reopen();
      await until(() => batches.length === 64);
      expect((await post(url, requestOf(2))).status).toBe(200);
      gate.close();
      expect((await post(url, requestOf(2))).status).toBe(200);
      await receiver.shutdown({ timeoutMillis: 100 }).catch(() => {});
      await until(() => receiver.stats().connections === 0);
    },
  'AnyValue.kvlist nested 200000 levels, 3.1 MB protobuf': takes(400, () => nestedMaps(200_000), PROTOBUF),
  'arrayValue/kvlistValue nested deeply in JSON; limit 100 message levels ~ 47 nested arrayValue': async () => {
    await takes(200, () => nestedJson(47), JSON_TYPE)({ name: '' });
    await takes(400, () => nestedJson(48), JSON_TYPE)({ name: '' });
  },
  'nested arrayValue ~ 700k-2M levels in JSON': takes(400, () => nestedJson(700_000), JSON_TYPE),
  'gzip of two concatenated members: must decode both (not just the first)': async () => {
    const { url, batches } = await open();
    const both = Buffer.concat([gzipSync(requestOf(1)), gzipSync(requestOf(2))]);
    expect((await post(url, both, packed('gzip'))).status).toBe(200);
    expect(batches[0]?.items).toHaveLength(3);
  },
  'Content-Encoding: x-gzip = gzip alias (RFC 9110); other codings or lists -> 415': async () => {
    await takes(200, () => gzipSync(requestOf(1)), packed('x-gzip'))({ name: '' });
    await takes(415, () => gzipSync(requestOf(1)), packed('gzip, identity'))({ name: '' });
  },
  'unknown Content-Encoding': takes(415, () => requestOf(1), packed('br')),
  '200 MiB gzip bomb; cap applies while inflating; chunked body without Content-Length cannot bypass cap': async () => {
    const { port, url } = await open();
    const zeros = gzipSync(new Uint8Array(MIB));
    const members = Array.from({ length: 200 }, () => zeros);
    expect(await chunked(port, members, packed('gzip'))).toBe(413);
    expect((await post(url, requestOf(1))).status).toBe(200);
  },
  '4 MiB of zeros gz against 64 KiB cap': takes(413, () => gzipSync(new Uint8Array(4 * MIB)), packed('gzip'), 65_536),
  '1 MB payload compressed < 4 KB, cap below 1 MB': takes(
    413,
    () => gzipSync(new Uint8Array(1_000_000)),
    packed('gzip'),
    900_000,
  ),
  'request > 64 MiB default limit, also after decompression': async () => {
    const { url } = await open();
    expect((await post(url, new Uint8Array(64 * MIB + 1))).status).toBe(413);
    expect((await post(url, gzipSync(new Uint8Array(64 * MIB + 1)), packed('gzip'))).status).toBe(413);
  },
};

describe('a request', () => {
  test.each(cases.filter(isRequest))('$name $contentType $contentEncoding $anyValue: $expect', async (given) => {
    const { url } = await open();
    const answer = await fetch(`${url}${given.path ?? '/v1/traces'}`, {
      method: given.method ?? 'POST',
      headers: headersOf(given),
      ...(given.method !== 'GET' && { body: bytesOf(bodyOf(given)) }),
    });
    const body = await answer.text();
    expect([answer.status, body, expected(given)(answer.status)]).toEqual([answer.status, body, true]);
    expect(answer.headers.get('content-type')).toBe(
      typeOf(given).includes('protobuf') ? PROTOBUF['content-type'] : 'application/json',
    );
  });
});

describe('a situation', () => {
  test.each(cases.filter((given) => !isRequest(given)))('$name: $expect', async (given) => {
    const situation = SITUATIONS[given.name];
    if (situation === undefined) throw new Error(`nothing here knows what is meant by ${given.name}`);
    await situation(given);
  });
});

function typeOf({ contentType, anyValue, name }: ReceiverCase): string {
  if (name.startsWith('NoContentType')) return '';
  return (contentType ?? (anyValue === undefined ? 'application/x-protobuf' : 'application/json')).toLowerCase();
}

function headersOf(given: ReceiverCase): Record<string, string> {
  const type = given.contentType ?? typeOf(given);
  return {
    ...(type !== '' && { 'content-type': type }),
    ...(given.contentEncoding && { 'content-encoding': given.contentEncoding }),
  };
}

function bodyOf(given: ReceiverCase): Uint8Array {
  const { name, body, anyValue, contentEncoding: coding = '' } = given;
  if (anyValue !== undefined) return Buffer.from(attribute(JSON.stringify(anyValue)));
  const isText = /uncompressed_text|Garbage/i.test(name);
  if (body !== undefined && body !== VALID_BODY) return Buffer.from(body);
  if (isText) return Buffer.from('uncompressed text');
  const plain = typeOf(given).includes('json') ? Buffer.from(jsonOf('a')) : requestOf(2);
  return PACKED[coding]?.(plain) ?? plain;
}

/** `DeadlineExceeded` of `DEADLINE_EXCEEDED`. */
function nameOf(code: number): string {
  return (grpcCode[code] ?? '').toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function withoutChecksum(packedBytes: Uint8Array): Uint8Array {
  return packedBytes.with(packedBytes.length - 6, (packedBytes.at(-6) ?? 0) ^ 0xff);
}

function attribute(value: string): string {
  return `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"a","value":${value}}]}]}]}]}`;
}

function nestedJson(depth: number): string {
  return attribute(`${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`);
}

/** Written from the inside, each level in front of what is there. */
function nestedMaps(depth: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const around = (number: number) => {
    const head: number[] = [number * 8 + 2];
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) head.push((rest & 0x7f) | 0x80);
    parts.push(Uint8Array.from([...head, rest]));
    length += head.length + 1;
  };
  for (let level = 0; level < depth; level += 1) for (const number of [2, 1, 6]) around(number);
  return field(1, field(2, field(2, field(9, field(2, Buffer.concat(parts.reverse()))))));
}

/** Sends a body of unknown length. */
async function chunked(port: number, parts: readonly Uint8Array[], headers: Record<string, string>): Promise<number> {
  const sent = request({ port, host: '127.0.0.1', path: '/v1/traces', method: 'POST', headers });
  sent.on('error', () => {});
  const answered = once(sent, 'response');
  for (const part of parts) sent.write(part);
  sent.end();
  const [response] = await answered;
  response.resume();
  return response.statusCode;
}
