import { createHmac } from 'node:crypto';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import type { HeadersRequest, OtlpHttpOptions } from '../../../src/index.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { exportOnce, openSink, startBackend } from '../../support/httpExports.ts';
import { type RawRequest, rawAnswer, rawServer } from '../../support/httpServer.ts';
import { largeBatch } from '../../support/lending.ts';
import { spanWith } from '../../support/spans.ts';

const OK = rawAnswer(200, { 'content-length': 0 }, '');
const SMALL = [spanWith()];
/** Most of their body is one large piece of memory, which is lent. */
const LARGE = largeBatch(5);

const signatureOf = (body: Uint8Array) => createHmac('sha256', 'a key').update(body).digest('hex');
const sign = ({ body }: HeadersRequest) => signatureOf(body);

const signatureIn = ({ head }: RawRequest) => /^x-signature: (.*)\r$/m.exec(head)?.[1];

async function verified(spans: readonly ReadableSpan[], options: OtlpHttpOptions): Promise<unknown[]> {
  const server = await rawServer(({ socket }) => void socket.write(OK));
  const sink = openSink({ url: server.url, ...options });
  for (let index = 0; index < 3; index++) await exportOnce(sink, spans);
  return server.requests.map((request) => signatureIn(request) === signatureOf(request.body));
}

describe('a function for a header that signs the body', () => {
  it.each([
    ['of protobuf', {}],
    ['of JSON', { encoding: 'json' }],
    ['of gzip', { compression: 'gzip' }],
    ['of zstd', { compression: 'zstd' }],
  ] as const)('%s is given the bytes that arrive, however large', async (_, options) => {
    const headers = { 'x-signature': sign };
    expect(await verified(SMALL, { ...options, headers })).toEqual([true, true, true]);
    expect(await verified(LARGE, { ...options, headers })).toEqual([true, true, true]);
  });

  it('may be asynchronous, and may be the one for all headers', async () => {
    const later = async (request: HeadersRequest) => {
      await new Promise(setImmediate);
      return { 'x-signature': sign(request) };
    };
    expect(await verified(LARGE, { headers: later })).toEqual([true, true, true]);
  });

  it('is given method, URL and the headers that describe the body', async () => {
    const backend = await startBackend();
    const seen: HeadersRequest[] = [];
    const url = `${backend.url}?tenant=a%20b`;
    const headers = {
      'x-signature': (request: HeadersRequest) => {
        seen.push({ ...request });
        return 'x';
      },
    };
    await exportOnce(openSink({ url, headers, userAgent: 'shop/1' }), SMALL);
    await exportOnce(openSink({ url, headers, compression: 'gzip' }), SMALL);
    expect(seen).toMatchObject([
      {
        ...{ method: 'POST', url, refused: undefined },
        headers: {
          'content-type': 'application/x-protobuf',
          'content-length': `${encodeTraces(SMALL).length}`,
          'user-agent': expect.stringMatching(/^shop\/1 /) as string,
        },
      },
      { headers: { 'content-encoding': 'gzip', 'content-length': `${backend.requests[1]?.wireBytes}` } },
    ]);
    expect(seen[0]?.headers).not.toHaveProperty('content-encoding');
  });

  it('signs the request after a 401, too', async () => {
    let requests = 0;
    const server = await rawServer(({ socket }) => {
      requests += 1;
      socket.write(requests === 1 ? rawAnswer(401, { 'content-length': 0 }, '') : OK);
    });
    await exportOnce(openSink({ url: server.url, headers: { 'x-signature': sign } }), LARGE);
    expect(server.requests.map((request) => signatureIn(request) === signatureOf(request.body))).toEqual([true, true]);
  });
});
