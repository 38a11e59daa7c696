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

  it('with a text of a megabyte has a short one', async () => {
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

  it.each(['text/plain', 'application/octet-stream', ''])('is %s is not read', async (type) => {
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
    expect(failure).toEqual({ kind: 'permanent' });
    expect(message).toBe(`${backend.url} answered with more than maxResponseBytes ${PARTIAL.length - 1}`);
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
    expect(outcome.lost).toEqual([{ count: 3, reason: 'permanent', stage: 'otlpHttp' }]);
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

describe('an answer that is no HTTP', () => {
  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}`],
    ['a length that is no number', rawAnswer(200, { 'content-length': 'many' }, '')],
    ['an end without an answer', ''],
  ])('(%s) leaves unknown whether the spans arrived', async (_, bytes) => {
    const server = await rawServer(({ socket }) => socket.end(bytes));
    const { failure, message } = await failureOf(openSink({ url: server.url }), SPANS);
    expect(failure).toEqual({ kind: 'unknownOutcome' });
    expect(message).toContain(`no answer from ${server.url}: `);
  });
});
