import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createGate, createLedger, exportTo, rebatch, runPipeline, toMemory } from '../../../src/index.ts';
import { otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import type { LossReason } from '../../../src/model/tally.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { decodeResponseJson, decodeStatusJson } from '../../../src/otlp/responses/jsonResponse.ts';
import { decodeResponse, decodeStatus } from '../../../src/otlp/responses/response.ts';
import { retryInfoMillis } from '../../../src/otlp/responses/retryInfo.ts';
import { spanWith } from '../../support/spans.ts';
import { closed, connected, JSON_TYPE, jsonOf, open, PROTOBUF, post, requestOf, talk, until } from './support.ts';

const lost = (reason: LossReason, count = 1) => ({ lost: [{ count, reason, stage: 'backend' }] });

describe('a request over HTTP', () => {
  test('is a batch, in protobuf and in JSON, and is answered in its format', async () => {
    const { url, batches } = await open();
    const protobuf = await post(url, requestOf(3));
    const json = await post(url, jsonOf('GET /'), { 'content-type': 'Application/JSON; charset=utf-8' });
    expect([protobuf.status, json.status]).toEqual([200, 200]);
    expect(protobuf.headers.get('content-type')).toBe('application/x-protobuf');
    expect(json.headers.get('content-type')).toBe('application/json');
    expect([protobuf.body.length, json.body.toString()]).toEqual([0, '{}']);
    expect(batches.map(({ items }) => items.length)).toEqual([3, 1]);
    expect(batches[1]?.items[0]?.name).toBe('GET /');
  });

  test.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('may be compressed with %s', async (coding, compress) => {
    const { url, batches } = await open();
    const { status } = await post(url, compress(requestOf(2)), { ...PROTOBUF, 'content-encoding': coding });
    expect(status).toBe(200);
    expect(batches[0]?.items).toHaveLength(2);
  });

  test('of each signal goes to its own stream', async () => {
    const receiver = otlpReceiver({ http: { port: 0 } });
    const seen: string[] = [];
    receiver.logs$.subscribe(({ items: [record] }) => seen.push(`log ${record?.body}`));
    receiver.metrics$.subscribe(({ items: [point] }) => seen.push(`metric ${point?.metric.descriptor.name}`));
    const { http } = await receiver.listen();
    const url = http?.url ?? '';
    const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'hello' } }] }] }] };
    const gauge = { name: 'load', gauge: { dataPoints: [{ asDouble: 1 }] } };
    const metrics = { resourceMetrics: [{ scopeMetrics: [{ metrics: [gauge] }] }] };
    expect((await post(url, JSON.stringify(logs), JSON_TYPE, '/v1/logs')).status).toBe(200);
    expect((await post(url, JSON.stringify(metrics), JSON_TYPE, '/v1/metrics')).status).toBe(200);
    expect(seen).toEqual(['log hello', 'metric load']);
    await receiver.shutdown();
  });

  test('is passed on byte for byte where nobody reads it; a text that is no UTF-8 counts when it is read', async () => {
    const { url, receiver, batches } = await open();
    const body = encodeTraces([spanWith({ name: 'a?b' })]);
    body[Buffer.from(body).indexOf('a?b') + 1] = 0xff;
    expect((await post(url, body)).status).toBe(200);
    const items = batches[0]?.items ?? [];
    expect(encodeTraces(items)).toEqual(body);
    expect(receiver.stats().malformedTexts).toBe(0);
    expect(items.map(({ name }) => name)).toEqual(['a\ufffdb']);
    expect(receiver.stats().malformedTexts).toBe(1);
  });

  test('without items succeeds, and is no batch', async () => {
    const { url, batches } = await open();
    expect((await post(url, new Uint8Array())).status).toBe(200);
    expect((await post(url, '{}', JSON_TYPE)).status).toBe(200);
    expect(batches).toEqual([]);
  });
});

describe('a request that is refused', () => {
  test('says in its format why', async () => {
    const { url } = await open();
    const protobuf = await post(url, Buffer.from('0aff', 'hex'));
    const json = await post(url, '{"resourceSpans": 1}', JSON_TYPE);
    expect([protobuf.status, json.status]).toEqual([400, 400]);
    expect(decodeStatus(protobuf.body)).toMatch(/malformed/);
    expect(decodeStatusJson(json.body)).toMatch(/malformed/);
  });

  test('of a signal that nobody has ever subscribed to: 404; later than that 503', async () => {
    const receiver = otlpReceiver({ http: { port: 0 } });
    const { http } = await receiver.listen();
    const url = http?.url ?? '';
    expect((await post(url, requestOf(1))).status).toBe(404);
    receiver.traces$.subscribe().unsubscribe();
    const again = await post(url, requestOf(1));
    expect([again.status, again.headers.get('retry-after')]).toEqual([503, '1']);
    await receiver.shutdown();
  });

  test('for what it is: method, path, type, coding', async () => {
    const { url, port } = await open();
    const get = await fetch(`${url}/v1/traces`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await post(url, requestOf(1), PROTOBUF, '/v1/spans')).status).toBe(404);
    expect((await post(url, requestOf(1), { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post(url, requestOf(1), { ...PROTOBUF, 'content-encoding': 'br' })).status).toBe(415);
    expect((await post(url, requestOf(1), { ...PROTOBUF, 'content-encoding': 'constructor' })).status).toBe(415);
    const without = 'POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';
    expect(await talk(port, without)).toMatch(/^HTTP\/1.1 415 /);
  });

  test('a body over the limit: 413 at once where its length is told, and as soon as it is over where it is not', async () => {
    const { url, port, receiver } = await open({ maxRequestBytes: 1_000 });
    const told = await post(url, new Uint8Array(1_001));
    expect([told.status, decodeStatus(told.body)]).toEqual([413, expect.stringMatching(/maxRequestBytes 1000/)]);
    const head = `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
    const socket = connected(port);
    const answer = closed(socket);
    socket.write(`${head}7d0\r\n${'x'.repeat(2_000)}\r\n`);
    await until(() => receiver.stats().answers.http['413'] === 2);
    socket.end();
    expect(await answer).toMatch(/^HTTP\/1.1 413 /);
  });

  test('a body that becomes more than the limit when it is decompressed: 413', async () => {
    const { url, receiver } = await open({ maxRequestBytes: 100_000 });
    const bomb = gzipSync(new Uint8Array(10_000_000));
    expect((await post(url, bomb, { ...PROTOBUF, 'content-encoding': 'gzip' })).status).toBe(413);
    expect(receiver.stats().bytesInFlight).toBe(0);
  });

  test('items beyond the limits of the decoder: 413; beyond the queue: 413 if they never fit', async () => {
    const few = await open({ decode: { maxItems: 5 } });
    expect((await post(few.url, requestOf(10))).status).toBe(413);
    const small = await open({ maxQueueSize: 5 });
    const refused = await post(small.url, requestOf(10));
    expect([refused.status, decodeStatus(refused.body)]).toEqual([413, expect.stringMatching(/10 items/)]);
  });

  test('compressed with garbage, cut off, or empty: 400', async () => {
    const { url } = await open();
    const gzip = { ...PROTOBUF, 'content-encoding': 'gzip' };
    for (const body of [Buffer.from('{}'), gzipSync(requestOf(3)).subarray(0, 20), new Uint8Array()])
      expect((await post(url, body, gzip)).status).toBe(400);
    expect((await post(url, Buffer.from('{}'), { ...PROTOBUF, 'content-encoding': 'zstd' })).status).toBe(400);
  });

  test('leaves its connection usable', async () => {
    const { port } = await open();
    const bad = 'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello';
    const good =
      'POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}';
    expect((await talk(port, bad, good)).match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 415', 'HTTP/1.1 200']);
  });

  test('is not asked for its body', async () => {
    const { port } = await open({ maxRequestBytes: 10 });
    const head = 'POST /v1/traces HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\n';
    const socket = connected(port);
    const answer = closed(socket);
    socket.write(`${head}content-length: 100\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    expect(await answer).toMatch(/^HTTP\/1.1 413 /);
    const taken = connected(port);
    const twice = closed(taken);
    taken.write(`${head}connection: close\r\ncontent-length: 2\r\n\r\n`);
    await new Promise((resolve) => taken.once('data', resolve));
    taken.write('{}');
    expect((await twice).match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
  });
});

describe("with acknowledge: 'delivered', the answer", () => {
  test('comes when each holder has settled', async () => {
    const { url, receiver, holds } = await open({ acknowledge: 'delivered' }, 'held');
    let isAnswered = false;
    const answer = post(url, requestOf(2)).then(({ status }) => {
      isAnswered = true;
      return status;
    });
    await until(() => holds.length === 1);
    expect([isAnswered, receiver.stats().openRequests]).toEqual([false, 1]);
    holds[0]?.settle({ delivered: 2, rejected: 0, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 });
    expect(await answer).toBe(200);
  });

  test('is a partial success where items were rejected, with their number and what the backend said', async () => {
    const ended = () => ({ delivered: 1, rejected: 2, message: 'two are too old' });
    const { url } = await open({ acknowledge: 'delivered' }, ended);
    const protobuf = await post(url, requestOf(3));
    const json = await post(url, jsonOf('a'), JSON_TYPE);
    expect([protobuf.status, json.status]).toEqual([200, 200]);
    expect(decodeResponse(protobuf.body)).toEqual({ rejected: 2, message: 'two are too old' });
    expect(decodeResponseJson(json.body)).toEqual({ rejected: 2, message: 'two are too old' });
  });

  test.each([
    ['retriesExhausted', 503, '1'],
    ['unconfirmed', 503, '1'],
    ['queueFull', 429, '1'],
    ['permanent', 400, null],
    ['tooLarge', 413, null],
    ['unencodable', 400, null],
    ['unsampled', 200, null],
  ] as const)('to items that were lost as %s is %d', async (reason, status, retryAfter) => {
    const { url } = await open({ acknowledge: 'delivered' }, () => lost(reason));
    const answer = await post(url, jsonOf('a'), JSON_TYPE);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter]);
  });

  test('is 503 where some items may still arrive, and a partial success where some never will', async () => {
    const some = { delivered: 1, ...lost('retriesExhausted') };
    const retryable = await open({ acknowledge: 'delivered', retryAfterMillis: 2_500 }, () => some);
    const again = await post(retryable.url, requestOf(2));
    expect([again.status, again.headers.get('retry-after')]).toEqual([503, '3']);
    expect(retryInfoMillis(again.body)).toBe(2_500);
    const final = await open({ acknowledge: 'delivered' }, () => ({ delivered: 1, ...lost('permanent') }));
    const partial = await post(final.url, requestOf(2));
    expect([partial.status, decodeResponse(partial.body).rejected]).toEqual([200, 1]);
  });

  test('is 200 where items were taken out on the way, and where nobody holds the batch', async () => {
    const filtered = await open({ acknowledge: 'delivered' }, () => ({ delivered: 1 }));
    expect((await post(filtered.url, requestOf(3))).status).toBe(200);
    const dropped = await open({ acknowledge: 'delivered' });
    expect((await post(dropped.url, requestOf(3))).status).toBe(200);
  });

  test('is 503 when there is no outcome in time', async () => {
    const scheduler = new VirtualTimeScheduler();
    const { url, holds } = await open({ acknowledge: 'delivered', answerTimeoutMillis: 500, scheduler }, 'held');
    const answer = post(url, requestOf(1));
    await until(() => holds.length === 1);
    scheduler.maxFrames = 500;
    scheduler.flush();
    expect((await answer).status).toBe(503);
  });

  test('passes on the time for which a backend wants to be left alone', async () => {
    const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' });
    const { ExportError } = await import('../../../src/index.ts');
    const sink = {
      name: 'busy',
      export: async () => {
        throw new ExportError({ kind: 'throttled', retryAfterMillis: 7_000 }, 'busy');
      },
    };
    receiver.traces$.pipe(exportTo<ReadableSpan>(sink, { retry: { maxAttempts: 1 } })).subscribe();
    const { http } = await receiver.listen();
    const { status, headers } = await post(http?.url ?? '', requestOf(1));
    expect([status, headers.get('retry-after')]).toEqual([503, '7']);
    await receiver.shutdown();
  });

  test('is that of exactly the items of the request, behind rebatch', async () => {
    const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' });
    const sink = {
      name: 'picky',
      export: async ({ items }: { items: readonly ReadableSpan[] }) => {
        if (items.some(({ name }) => name === 'bad')) throw Object.assign(new Error('no'), {});
        return {};
      },
    };
    const options = { retry: { maxAttempts: 1 } };
    receiver.traces$.pipe(rebatch({ maxExportBatchSize: 1 }), exportTo<ReadableSpan>(sink, options)).subscribe();
    const { http } = await receiver.listen();
    const names = ['good', 'bad', 'good', 'fine'];
    const answers = await Promise.all(names.map((name) => post(http?.url ?? '', jsonOf(name), JSON_TYPE)));
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 200, 200]);
    await receiver.shutdown();
  });
});

describe('a receiver that is full', () => {
  test('refuses with 429 while holders keep what they were given, by items and by bytes', async () => {
    const ledger = createLedger();
    const { url, holds } = await open({ maxQueueSize: 3, ledger }, 'held');
    expect((await post(url, requestOf(2))).status).toBe(200);
    const refused = await post(url, requestOf(2));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(ledger.stats().stages['otlpReceiver(traces)']).toMatchObject({
      ...{ offered: 4, accepted: 2, refused: { queueFull: 2 }, handedOn: 2, pending: 0 },
    });
    holds[0]?.settle({ delivered: 2, rejected: 0, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 });
    expect((await post(url, requestOf(2))).status).toBe(200);
    const small = await open({ maxQueueBytes: requestOf(2).length + 1 }, 'held');
    expect((await post(small.url, requestOf(2))).status).toBe(200);
    expect((await post(small.url, requestOf(2))).status).toBe(429);
  });

  test('keeps requests in its queue while a gate is closed, and while a holder takes no other', async () => {
    const gate = createGate();
    const reopen = gate.close();
    const { url, batches, holds, receiver } = await open({ gate, maxQueueSize: 4 }, 'held');
    for (const count of [1, 2]) expect((await post(url, requestOf(count))).status).toBe(200);
    expect([batches.length, receiver.stats().signals.traces.queuedItems]).toEqual([0, 3]);
    expect((await post(url, requestOf(2))).status).toBe(429);
    reopen();
    await until(() => batches.length === 1);
    expect(receiver.stats().signals.traces.queuedItems).toBe(2);
    holds[0]?.ready();
    expect(batches.map(({ items }) => items.length)).toEqual([1, 2]);
  });

  test('refuses with 429 what would be too many bytes at a time, of all connections', async () => {
    const { url, port, receiver } = await open({
      maxRequestBytes: 1_000,
      maxConnectionBytes: 1_000,
      maxBytesInFlight: 1_500,
    });
    const socket = connected(port);
    socket.write(
      'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{',
    );
    await until(() => receiver.stats().bytesInFlight === 900);
    expect((await post(url, new Uint8Array(700))).status).toBe(429);
    socket.destroy();
    await until(() => receiver.stats().bytesInFlight === 0);
    expect((await post(url, new Uint8Array())).status).toBe(200);
  });

  test('gives the room of a batch back when its lease is over', async () => {
    const scheduler = new VirtualTimeScheduler();
    const { url, receiver } = await open({ holdLeaseMillis: 1_000, scheduler }, 'held');
    expect((await post(url, requestOf(2))).status).toBe(200);
    expect(receiver.stats().signals.traces.pendingItems).toBe(2);
    scheduler.maxFrames = 1_000;
    scheduler.flush();
    expect(receiver.stats().signals.traces.pendingItems).toBe(0);
  });

  test.each([900, 5_000])(
    'the lease of a batch that was in the queue for %d ms begins when it is emitted',
    async (waitMillis) => {
      const scheduler = new VirtualTimeScheduler();
      const gate = createGate();
      const reopen = gate.close();
      const { url, receiver, batches } = await open({ holdLeaseMillis: 1_000, scheduler, gate }, 'held');
      const pendingAt = (millis: number) => {
        scheduler.maxFrames = millis;
        scheduler.flush();
        return receiver.stats().signals.traces.pendingItems;
      };
      scheduler.schedule(() => {}, waitMillis);
      expect((await post(url, requestOf(2))).status).toBe(200);
      expect(pendingAt(waitMillis)).toBe(2);
      reopen();
      await until(() => batches.length === 1);
      scheduler.schedule(() => {}, 999);
      expect(pendingAt(waitMillis + 999)).toBe(2);
      expect(pendingAt(waitMillis + 1_000)).toBe(0);
    },
  );
});

describe('the shutdown of a receiver', () => {
  test('answers what has come, refuses what comes, and ends the streams', async () => {
    const { url, receiver, holds } = await open({ acknowledge: 'delivered' }, 'held');
    let hasCompleted = false;
    receiver.traces$.subscribe({
      complete: () => {
        hasCompleted = true;
      },
    });
    const first = post(url, requestOf(1));
    await until(() => holds.length === 1);
    const shutdown = receiver.shutdown();
    await expect(post(url, requestOf(1))).rejects.toThrow();
    expect(hasCompleted).toBe(true);
    holds[0]?.settle({ delivered: 1, rejected: 0, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 });
    expect((await first).status).toBe(200);
    await shutdown;
    await expect(receiver.listen()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('answers 503 to what has no outcome at its deadline, and loses what waits in the queue', async () => {
    const gate = createGate();
    gate.close();
    const ledger = createLedger();
    const { url, receiver } = await open({ acknowledge: 'delivered', gate, ledger });
    const answer = post(url, requestOf(3));
    await until(() => receiver.stats().signals.traces.queuedItems === 3);
    await expect(receiver.shutdown({ timeoutMillis: 20 })).rejects.toMatchObject({ code: 'FLUSH_TIMEOUT' });
    expect((await answer).status).toBe(503);
    expect(ledger.stats().stages['otlpReceiver(traces)']).toMatchObject({
      accepted: 3,
      lost: { shutdown: 3 },
      pending: 0,
    });
  });

  test('of a run ends the receiver, and waits for its outcomes', async () => {
    const receiver = otlpReceiver({ http: { port: 0 } });
    const memory = toMemory<ReadableSpan>();
    const run = runPipeline(
      receiver,
      receiver.traces$.pipe(rebatch({ scheduledDelayMillis: 60_000 }), exportTo(memory)),
    );
    const { http } = await receiver.listen();
    await post(http?.url ?? '', requestOf(3));
    await run.shutdown();
    expect(run.stats()).toMatchObject({ accepted: 3, delivered: 3, pending: 0 });
    expect(run.stats().places.map(({ stage }) => stage)).toEqual([
      'otlpReceiver(traces)',
      'rebatch',
      'exportTo(toMemory)',
    ]);
  });
});

describe('forceFlush of a receiver', () => {
  test('sends out what rebatch gathers, and resolves when it has its outcome', async () => {
    const receiver = otlpReceiver({ http: { port: 0 } });
    const memory = toMemory<ReadableSpan>();
    receiver.traces$.pipe(rebatch({ scheduledDelayMillis: 60_000 }), exportTo(memory)).subscribe();
    const { http } = await receiver.listen();
    await post(http?.url ?? '', requestOf(3));
    await receiver.forceFlush();
    expect(memory.items).toHaveLength(3);
    await receiver.shutdown();
  });
});
