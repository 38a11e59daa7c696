import { describe, expect, it } from 'vitest';
import { batchOf, exportOnce, failureOf, openSink } from '../../support/httpExports.ts';
import { recorder } from '../../support/httpRecorder.ts';
import { closedPort } from '../../support/httpServer.ts';
import { bodyOf, Gate, largeBatch, onRequest, recordLendings, slowDown } from '../../support/lending.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = largeBatch(1);
const BODY = bodyOf(SPANS);
const OTHERS = largeBatch(2, 300);

describe('the buffer of a request', () => {
  it('is given back once it was answered, and sent', async () => {
    const lendings = recordLendings();
    const sink = openSink({ url: (await recorder(() => 'atOnce')).url });
    for (let count = 1; count <= 5; count++) {
      await exportOnce(sink, SPANS);
      expect(lendings.givenBack).toHaveLength(count);
    }
    expect(lendings.takenAgain.length).toBeGreaterThan(0);
    expect(lendings.givenBackTwice).toEqual([]);
  });

  it('is not given back before the system has taken all of it', async () => {
    const lendings = recordLendings();
    const sink = openSink({ url: (await recorder(() => 'atOnce')).url });
    const gate = new Gate();
    onRequest((socket) => slowDown(socket, gate.hold));
    const answered = exportOnce(sink, SPANS);
    await gate.reached;
    expect(lendings.givenBack).toEqual([]);
    gate.open();
    await answered;
    expect(lendings.givenBack).toHaveLength(1);
  });

  it('is not given back while the attempt awaits a header', async () => {
    const server = await recorder(() => 'atOnce');
    const slow = Promise.withResolvers<string>();
    const tokens = [slow.promise, Promise.resolve('token')];
    const sink = openSink({ url: server.url, headers: { authorization: () => tokens.shift() ?? 'token' } });
    const waiting = exportOnce(sink, SPANS);
    for (let count = 0; count < 3; count++) await exportOnce(sink, OTHERS);
    slow.resolve('token');
    await waiting;
    expect(server.arrivals.map(({ body }) => body.equals(BODY))).toEqual([false, false, false, true]);
  });

  it('is given back where the request is too large to be sent', async () => {
    const lendings = recordLendings();
    const sink = openSink({ url: 'http://127.0.0.1:9', maxRequestBytes: BODY.length - 1 });
    for (let count = 1; count <= 3; count++) {
      expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'tooLarge' });
      expect(lendings.givenBack).toHaveLength(count);
    }
    expect(lendings.givenBackTwice).toEqual([]);
  });

  it('is not lent when no span can be expressed', async () => {
    const lendings = recordLendings();
    const server = await recorder(() => 'atOnce');
    const sink = openSink({ url: server.url });
    const bad = SPANS.map((span) => ({ ...span, startTime: [-1, 0] as [number, number] }));
    expect(await exportOnce(sink, bad)).toEqual({ unencodable: bad.length });
    await exportOnce(sink, SPANS);
    expect(server.arrivals.map(({ body }) => body.equals(BODY))).toEqual([true]);
    expect(lendings.givenBack).toHaveLength(1);
  });

  it('holds what can be expressed where some spans cannot', async () => {
    const server = await recorder(() => 'atOnce');
    const bad = spanWith({ startTime: [-1, 0] });
    expect(await exportOnce(openSink({ url: server.url }), [bad, ...SPANS, bad])).toEqual({ unencodable: 2 });
    expect(server.arrivals.map(({ body }) => body.equals(BODY))).toEqual([true]);
  });

  it('is given back at once when nothing of it was sent: a header function throws, or the port is closed', async () => {
    const lendings = recordLendings();
    const fails = () => {
      throw new Error('no token');
    };
    const failing = openSink({ url: 'http://127.0.0.1:9', headers: { authorization: fails } });
    expect((await failureOf(failing, SPANS)).failure).toEqual({ kind: 'retryable' });
    expect(lendings.givenBack).toHaveLength(1);
    const refused = openSink({ url: `http://127.0.0.1:${await closedPort()}` });
    expect((await failureOf(refused, SPANS)).failure).toEqual({ kind: 'retryable', connectionRefused: true });
    expect(lendings.givenBack).toHaveLength(2);
    expect(lendings.givenBackTwice).toEqual([]);
  });

  it('is given back where the attempt is given up before it is sent', async () => {
    const lendings = recordLendings();
    const server = await recorder(() => 'atOnce');
    const isAsked = Promise.withResolvers<void>();
    const never = new Promise<string>(() => {});
    const first = [never];
    const header = () => {
      isAsked.resolve();
      return first.shift() ?? 'token';
    };
    const sink = openSink({ url: server.url, headers: { authorization: header } });
    const abandoned = sink.export(batchOf(OTHERS)).subscribe();
    await isAsked.promise;
    abandoned.unsubscribe();
    await exportOnce(sink, SPANS);
    expect(server.arrivals.map(({ body }) => body.equals(BODY))).toEqual([true]);
    expect(lendings.givenBack).toHaveLength(2);
  });
});
