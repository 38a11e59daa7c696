import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, exportOnce, failureOf, openSink } from '../../support/httpExports.ts';
import { recorder } from '../../support/httpRecorder.ts';
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

  it('is not given back while another attempt has it, which the system has not taken', async () => {
    const lendings = recordLendings();
    const server = await recorder(() => 'atOnce');
    const sink = openSink({ url: server.url });
    const gate = new Gate();
    let sockets = 0;
    onRequest((socket) => {
      sockets += 1;
      if (sockets === 1) slowDown(socket, gate.hold);
    });
    const batch = batchOf(SPANS);
    const slow = firstValueFrom(sink.export(batch));
    await firstValueFrom(sink.export(batch));
    expect(lendings.givenBack).toEqual([]);
    for (let count = 0; count < 3; count++) await exportOnce(openSink({ url: server.url }), OTHERS);
    expect(lendings.givenBack).toHaveLength(3);
    gate.open();
    await slow;
    expect(lendings.givenBack).toHaveLength(4);
    expect(server.arrivals.map(({ body }) => body.equals(BODY))).toEqual([true, false, false, false, true]);
  });

  it('is not given back while another attempt awaits a header', async () => {
    const server = await recorder(() => 'atOnce');
    const slow = Promise.withResolvers<string>();
    const tokens = [slow.promise, Promise.resolve('token')];
    const sink = openSink({ url: server.url, headers: { authorization: () => tokens.shift() ?? 'token' } });
    const batch = batchOf(SPANS);
    const waiting = firstValueFrom(sink.export(batch));
    await firstValueFrom(sink.export(batch));
    for (let count = 0; count < 3; count++) await exportOnce(sink, OTHERS);
    slow.resolve('token');
    await waiting;
    expect(server.arrivals.map(({ body }) => body.equals(BODY))).toEqual([true, false, false, false, true]);
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

  it('is lent to nobody where no span can be expressed', async () => {
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

  it('is kept where a header cannot be made', async () => {
    const lendings = recordLendings();
    const server = await recorder(() => 'atOnce');
    let calls = 0;
    const header = () => {
      calls += 1;
      if (calls === 1) throw new Error('no token');
      return 'token';
    };
    const sink = openSink({ url: server.url, headers: { authorization: header } });
    const batch = batchOf(SPANS);
    await expect(firstValueFrom(sink.export(batch))).rejects.toMatchObject({ failure: { kind: 'retryable' } });
    await exportOnce(sink, OTHERS);
    await firstValueFrom(sink.export(batch));
    expect(server.arrivals.map(({ body }) => body.equals(BODY))).toEqual([false, true]);
    expect(lendings.givenBack).toHaveLength(1);
  });

  it('is kept while a header is awaited, for whoever sends it at last', async () => {
    const lendings = recordLendings();
    const server = await recorder(() => 'atOnce');
    const tokens: ((token: string) => void)[] = [];
    const isAsked = Promise.withResolvers<void>();
    const header = () =>
      new Promise<string>((resolve) => {
        tokens.push(resolve);
        isAsked.resolve();
      });
    const sink = openSink({ url: server.url, headers: { authorization: header } });
    const batch = batchOf(SPANS);
    const first = firstValueFrom(sink.export(batch));
    const abandoned = sink.export(batch).subscribe();
    await isAsked.promise;
    abandoned.unsubscribe();
    await exportOnce(openSink({ url: server.url }), OTHERS);
    expect(lendings.givenBack).toHaveLength(1);
    for (const tell of tokens) tell('token');
    await first;
    expect(server.arrivals.map(({ body }) => body.equals(BODY))).toEqual([false, true]);
    expect(lendings.givenBack).toHaveLength(1);
  });
});
