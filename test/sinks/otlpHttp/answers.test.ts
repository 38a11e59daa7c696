import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { exportOnce, failureOf, openSink, outcomeOf, startBackend } from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith(), spanWith(), spanWith()];
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
/** partial_success = 1: rejected_spans = 1: 1, error_message = 2: "no". */
const PARTIAL = Buffer.from([0x0a, 6, 0x08, 1, 0x12, 2, 0x6e, 0x6f]);

describe('a partial success', () => {
  it('counts what was rejected, and is not sent again', async () => {
    const backend = await startBackend({ answers: { partialSuccess: { rejected: 2, message: 'too old' } } });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome).toMatchObject({ delivered: 1, rejected: 2, lost: [], attempts: 1, message: 'too old' });
    expect(outcome.error).toBeUndefined();
    expect(backend.requestCount).toBe(1);
  });

  it('that rejects none is a warning', async () => {
    const backend = await startBackend({ answers: { partialSuccess: { rejected: 0, message: 'slow down' } } });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome).toMatchObject({ delivered: 3, rejected: 0, lost: [], message: 'slow down' });
  });

  it('that rejects more than there was rejects all', async () => {
    const backend = await startBackend({ answers: { partialSuccess: { rejected: 1_000 } } });
    expect(await outcomeOf(openSink({ url: backend.url }), SPANS)).toMatchObject({ delivered: 0, rejected: 3 });
  });

  it('that rejects fewer than none rejects none', async () => {
    // rejected_spans: -1, as ten bytes.
    const body = Buffer.from([0x0a, 11, 0x08, ...Array(9).fill(0xff), 1]);
    const backend = await startBackend({ answers: { body } });
    const sink = openSink({ url: backend.url });
    expect(await exportOnce(sink, SPANS)).toEqual({ rejected: 0 });
    expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 3, rejected: 0 });
  });

  it('with a message of a megabyte is shortened', async () => {
    const backend = await startBackend({ answers: { partialSuccess: { rejected: 1, message: 'x'.repeat(1 << 20) } } });
    const { message } = await exportOnce(openSink({ url: backend.url }), SPANS);
    expect(message?.length).toBeLessThan(2_000);
  });

  it('is read with a length and without one', async () => {
    const server = await rawServer(({ socket }) => {
      socket.end(Buffer.concat([Buffer.from(rawAnswer(200, { ...PROTOBUF, connection: 'close' }, '')), PARTIAL]));
    });
    expect(await exportOnce(openSink({ url: server.url }), SPANS)).toEqual({ rejected: 1, message: 'no' });
  });

  it('is read in pieces', async () => {
    const server = await rawServer(({ socket }) => {
      socket.write(rawAnswer(200, { ...PROTOBUF, 'transfer-encoding': 'chunked' }, ''));
      for (const byte of PARTIAL) socket.write(Buffer.from([0x31, 13, 10, byte, 13, 10]));
      socket.write('0\r\n\r\n');
    });
    expect(await exportOnce(openSink({ url: server.url }), SPANS)).toEqual({ rejected: 1, message: 'no' });
  });
});

describe('a success whose body', () => {
  it('is malformed is a success with a warning', async () => {
    const backend = await startBackend({ answers: { body: Uint8Array.of(0x01) } });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome).toMatchObject({ delivered: 3, lost: [], attempts: 1 });
    expect(outcome.message).toContain('the answer cannot be read');
  });

  it.each(['text/plain', 'application/octet-stream'])('is %s is not read', async (type) => {
    const backend = await startBackend({ answers: { headers: { 'content-type': type }, body: PARTIAL } });
    expect(await exportOnce(openSink({ url: backend.url }), SPANS)).toEqual({});
  });

  it('is protobuf by any spelling is read', async () => {
    const headers = { 'content-type': 'Application/X-Protobuf; charset=utf-8' };
    const backend = await startBackend({ answers: { headers, body: PARTIAL } });
    expect(await exportOnce(openSink({ url: backend.url }), SPANS)).toEqual({ rejected: 1, message: 'no' });
  });

  it('is as large as maxResponseBytes is read; one byte more is a failure for good', async () => {
    const backend = await startBackend({ answers: { body: PARTIAL } });
    const exact = openSink({ url: backend.url, maxResponseBytes: PARTIAL.length });
    expect(await exportOnce(exact, SPANS)).toEqual({ rejected: 1, message: 'no' });
    const small = openSink({ url: backend.url, maxResponseBytes: PARTIAL.length - 1 });
    const { failure, message } = await failureOf(small, SPANS);
    expect(failure).toEqual({ kind: 'permanent', mayHaveArrived: true });
    expect(message).toBe(`${backend.url} answered 200 with more than maxResponseBytes ${PARTIAL.length - 1}`);
  });

  it('has no type is read by the encoding of the request', async () => {
    const server = await rawServer(({ socket }) => {
      socket.write(Buffer.concat([Buffer.from(rawAnswer(200, { 'content-length': PARTIAL.length }, '')), PARTIAL]));
    });
    expect(await exportOnce(openSink({ url: server.url }), SPANS)).toEqual({ rejected: 1, message: 'no' });
    const json = JSON.stringify({ partialSuccess: { rejectedSpans: '2', errorMessage: 'old' } });
    const other = await rawServer(({ socket }) => {
      socket.write(rawAnswer(200, { 'content-length': json.length }, json));
    });
    const sink = openSink({ url: other.url, encoding: 'json' });
    expect(await exportOnce(sink, SPANS)).toEqual({ rejected: 2, message: 'old' });
  });

  it.each([
    ['gzip', gzipSync(PARTIAL)],
    ['X-GZip', gzipSync(PARTIAL)],
    ['deflate', deflateSync(PARTIAL)],
    ['br', brotliCompressSync(PARTIAL)],
    ['zstd', zstdCompressSync(PARTIAL)],
    ['deflate, identity, gzip', gzipSync(deflateSync(PARTIAL))],
  ])('is compressed (%s) is read', async (coding, body) => {
    const headers = { ...PROTOBUF, 'content-encoding': coding };
    const backend = await startBackend({ answers: { headers, body } });
    expect(await exportOnce(openSink({ url: backend.url }), SPANS)).toEqual({ rejected: 1, message: 'no' });
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['br', brotliCompressSync],
  ])(
    'is compressed (%s), and longer than maxResponseBytes when it is not, is a failure for good',
    async (coding, compress) => {
      const body = compress(Buffer.alloc(1 << 20));
      const backend = await startBackend({ answers: { headers: { ...PROTOBUF, 'content-encoding': coding }, body } });
      const sink = openSink({ url: backend.url, maxResponseBytes: 100_000 });
      expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'permanent', mayHaveArrived: true });
    },
  );

  it.each([
    ['in an unknown coding', 'constructor'],
    ['in no valid gzip', 'gzip'],
  ])('is %s is a success with a warning', async (_, coding) => {
    const headers = { ...PROTOBUF, 'content-encoding': coding };
    const backend = await startBackend({ answers: { headers, body: PARTIAL } });
    expect((await exportOnce(openSink({ url: backend.url }), SPANS)).message).toContain('cannot be read');
  });

  it('has line breaks and terminal escapes in its text shows them escaped', async () => {
    const message = 'a\r\nb\u001b[2Jc';
    const backend = await startBackend({ answers: { partialSuccess: { rejected: 1, message } } });
    const response = await exportOnce(openSink({ url: backend.url }), SPANS);
    expect(response.message).toBe('a\\r\\nb\\u001b[2Jc');
  });

  it('never ends is left as soon as it is over maxResponseBytes', async () => {
    const server = await rawServer(({ socket }) => {
      socket.write(rawAnswer(200, { 'transfer-encoding': 'chunked' }, ''));
      const more = () => {
        while (socket.writable && socket.write(`400\r\n${'x'.repeat(1_024)}\r\n`));
      };
      socket.on('drain', more);
      more();
    });
    const sink = openSink({ url: server.url, maxResponseBytes: 100_000 });
    const outcome = await outcomeOf(sink, SPANS);
    expect(outcome).toMatchObject({ delivered: 0, attempts: 1, error: { failure: { kind: 'permanent' } } });
    await server.until(({ closedConnections }) => closedConnections === 1);
  });

  it.each([
    ['longer than its length', { 'content-length': 1 }, 'ab'],
    ['shorter than its length', { 'content-length': 100 }, 'a'],
    ['cut off', { 'transfer-encoding': 'chunked' }, '5\r\nab'],
  ])('is %s is a success all the same', async (_, headers, body) => {
    const server = await rawServer(({ socket }) => socket.end(rawAnswer(200, headers, body)));
    const outcome = await outcomeOf(openSink({ url: server.url }), SPANS);
    expect(outcome).toMatchObject({ delivered: 3, attempts: 1, lost: [] });
  });

  it('is reset after its status is a success all the same', async () => {
    const server = await rawServer(({ socket }) => {
      socket.write(rawAnswer(200, { 'content-length': 100 }, 'a'), () => socket.resetAndDestroy());
    });
    const response = await exportOnce(openSink({ url: server.url }), SPANS);
    expect(response).toEqual({ message: 'the answer broke off after its status' });
  });
});

describe('a failure whose body', () => {
  it.each([
    [503, 'retryable'],
    [400, 'permanent'],
  ] as const)('is reset after status %i is %s', async (status, kind) => {
    const server = await rawServer(({ socket }) => {
      socket.write(rawAnswer(status, { 'content-length': 100 }, 'a'), () => socket.resetAndDestroy());
    });
    const { failure, message } = await failureOf(openSink({ url: server.url }), SPANS);
    expect(failure).toEqual({ kind });
    expect(message).toBe(`${server.url} answered ${status}`);
  });
});

describe('a failure whose text', () => {
  it('has line breaks and terminal escapes shows them escaped', async () => {
    const backend = await startBackend({
      answers: { status: 400, headers: { 'content-type': 'text/plain' }, body: 'no\nspanflow: all is well\u001b[1A' },
    });
    const { message } = await failureOf(openSink({ url: backend.url }), SPANS);
    expect(message).toBe(`${backend.url} answered 400: no\\nspanflow: all is well\\u001b[1A`);
  });

  it.each([200, 400, 429, 503])('is over maxResponseBytes with status %i is not tried again', async (status) => {
    const answers = { status, headers: { 'retry-after': '1' }, body: 'x'.repeat(1_001) };
    const backend = await startBackend({ answers });
    const outcome = await outcomeOf(openSink({ url: backend.url, maxResponseBytes: 1_000 }), SPANS);
    const failure = status === 200 ? { kind: 'permanent', mayHaveArrived: true } : { kind: 'permanent' };
    expect(outcome).toMatchObject({ attempts: 1, error: { failure } });
  });

  // google.rpc.Status: message = 2.
  const said = 'http: request body too large';
  const status = Buffer.concat([Buffer.from([0x12, said.length]), Buffer.from(said)]);
  it.each<[string, Record<string, string>, string | Buffer]>([
    ['a Status in protobuf', PROTOBUF, status],
    ['a Status in JSON', { 'content-type': 'application/json' }, JSON.stringify({ code: 3, message: said })],
    ['plain text', { 'content-type': 'text/plain' }, `${said}\n`],
    ['plain text with what was done', { 'content-type': 'text/plain' }, `failed to read: ${said}`],
  ])('says in %s that the request is too large means so, with status 400 only', async (_, headers, body) => {
    const backend = await startBackend({
      answers: [
        { status: 400, headers, body },
        { status: 401, headers, body },
      ],
    });
    const sink = openSink({ url: backend.url });
    expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'tooLarge' });
    expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'permanent' });
  });

  it('only mentions a request that is too large means no more than its status', async () => {
    const body = 'attribute "request body too large" is not known';
    const backend = await startBackend({ answers: { status: 400, headers: { 'content-type': 'text/plain' }, body } });
    expect((await failureOf(openSink({ url: backend.url }), SPANS)).failure).toEqual({ kind: 'permanent' });
  });
});

describe('an unrequested informational answer', () => {
  const ok = rawAnswer(200, { 'content-length': 0 }, '');
  const continues = 'HTTP/1.1 100 Continue\r\n\r\n';
  it.each([
    ['100', continues],
    ['an empty line, and 100', `\r\n${continues}`],
    ['100, an empty line, and 100', `${continues}\r\n${continues}`],
    ['100 of HTTP/1.0', continues.replace('1.1', '1.0')],
    ['100 with headers, twice', `HTTP/1.1 100 Continue\r\nx: y\r\n\r\n${continues}`],
    ['102', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['103', 'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n'],
    ['103 and 100', `HTTP/1.1 103 Early Hints\r\n\r\n${continues}`],
  ])('(%s) is skipped, together with the answer, before it, and byte by byte, on one connection', async (_, before) => {
    let count = 0;
    const server = await rawServer(({ socket }) => {
      count += 1;
      if (count === 1) socket.write(before + ok);
      else if (count === 2) socket.write(before, () => setImmediate(() => socket.write(ok)));
      else writeByBytes(socket, before + ok);
    });
    const sink = openSink({ url: server.url });
    for (let round = 0; round < 3; round++) expect(await exportOnce(sink, SPANS)).toEqual({});
    expect([server.requests.length, server.connections]).toEqual([3, 1]);
  });

  it('and never ends is no answer', async () => {
    const server = await rawServer(({ socket }) => socket.end('HTTP/1.1 100 Cont'));
    expect((await failureOf(openSink({ url: server.url }), SPANS)).failure).toEqual({ kind: 'unknownOutcome' });
  });
});

function writeByBytes(socket: Socket, text: string, from = 0): void {
  if (from === text.length || socket.destroyed) return;
  socket.write(text.slice(from, from + 1), () => setImmediate(() => writeByBytes(socket, text, from + 1)));
}

describe('an answer that is no HTTP', () => {
  const settings = Buffer.from([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]);
  it.each<[string, string | Buffer, string]>([
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', 'what is not HTTP/1.1'],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}`, 'what is not HTTP/1.1'],
    ['a length that is no number', rawAnswer(200, { 'content-length': 'many' }, ''), 'what is not HTTP/1.1'],
    ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 'what is not'],
    ['HTTP/2', settings, 'HTTP/2; port 4317 is usually gRPC: OTLP over HTTP listens on 4318'],
    ['TLS', Buffer.from([21, 3, 1, 0, 2, 2, 70]), 'TLS: the URL should begin with https://'],
  ])('(%s) gets one attempt, and may have taken the spans', async (_, bytes, said) => {
    const server = await rawServer(({ socket }) => socket.end(bytes));
    const outcome = await outcomeOf(openSink({ url: server.url }), SPANS);
    expect(outcome).toMatchObject({ attempts: 1, error: { failure: { kind: 'permanent', mayHaveArrived: true } } });
    expect(outcome.error?.message).toContain(`${server.url} answered in ${said}`);
  });

  it('but an end leaves unknown whether the spans arrived', async () => {
    const server = await rawServer(({ socket }) => socket.end(''));
    const { failure, message } = await failureOf(openSink({ url: server.url }), SPANS);
    expect(failure).toEqual({ kind: 'unknownOutcome' });
    expect(message).toMatch(/^no answer from http:.* while (sending|waiting for the answer): /);
  });
});
