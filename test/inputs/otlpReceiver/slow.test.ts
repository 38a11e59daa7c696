// Clients that are slow, stop in the middle, or are many.

import type { Socket } from 'node:net';
import { VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { closed, connected, JSON_TYPE, jsonOf, open, post, until } from './support.ts';

const HEAD = 'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

describe('slow clients', () => {
  test('a head that does not end is answered 408, and its connection is closed', async () => {
    const { port } = await open({ http: { headersTimeoutMillis: 50 } });
    const socket = connected(port);
    const answer = closed(socket);
    socket.write(HEAD);
    expect(await answer).toMatch(/^HTTP\/1.1 408 /);
  });

  test('a request that does not end is answered 408, and its connection is closed', async () => {
    const { port, receiver } = await open({ http: { headersTimeoutMillis: 50, requestTimeoutMillis: 100 } });
    const socket = connected(port);
    const answer = closed(socket);
    socket.write(`${HEAD}content-length: 100\r\n\r\n{`);
    expect(await answer).toMatch(/^HTTP\/1.1 408 /);
    await until(() => receiver.stats().openRequests === 0);
    expect(receiver.stats().bytesInFlight).toBe(0);
  });

  test('a body that trickles is answered 408 from its fifth second on, long before its time is over', async () => {
    const scheduler = new VirtualTimeScheduler();
    const { port, receiver } = await open({ http: { minBytesPerSecond: 100 }, scheduler });
    const socket = connected(port);
    const answer = closed(socket);
    socket.write(`${HEAD}content-length: 10000\r\n\r\n${' '.repeat(400)}`);
    await until(() => receiver.stats().bytesInFlight > 0);
    scheduler.maxFrames = 4_900;
    scheduler.flush();
    expect(receiver.stats().openRequests).toBe(1);
    scheduler.maxFrames = 6_000;
    scheduler.flush();
    expect(await answer).toMatch(/^HTTP\/1.1 408 /);
  });

  test('a body that breaks off leaves nothing behind', async () => {
    const { port, receiver, url } = await open();
    const socket = connected(port);
    socket.write(`${HEAD}content-length: 100\r\n\r\n{`);
    await until(() => receiver.stats().bytesInFlight === 100);
    socket.destroy();
    await until(() => receiver.stats().openRequests === 0);
    expect(receiver.stats()).toMatchObject({ bytesInFlight: 0 });
    expect((await post(url, jsonOf('a'), JSON_TYPE)).status).toBe(200);
  });

  test('what is no HTTP is answered 400, and a head that is too long 431', async () => {
    const { port } = await open();
    const garbage = connected(port);
    const answer = closed(garbage);
    garbage.write('\x16\x03\x01 hello\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1.1 400 /);
    const long = connected(port);
    const refusal = closed(long);
    long.write(`${HEAD}x: ${'y'.repeat(100_000)}\r\n\r\n`);
    expect(await refusal).toMatch(/^HTTP\/1.1 431 /);
  });
});

describe('many clients', () => {
  test('a thousand connections with half a request each cost a bounded amount, and others are served', async () => {
    const { port, url, receiver } = await open({ http: { maxConnections: 1_100 } });
    const sockets: Socket[] = [];
    for (let index = 0; index < 1_000; index += 1) {
      const socket = connected(port);
      sockets.push(socket);
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n10\r\n${' '.repeat(16)}\r\n`);
    }
    await until(() => receiver.stats().openRequests === 1_000);
    await until(() => receiver.stats().bytesInFlight === 16_000);
    expect((await post(url, jsonOf('a'), JSON_TYPE)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await until(() => receiver.stats().openRequests === 0);
    expect(receiver.stats().bytesInFlight).toBe(0);
  });

  test('connections beyond the limit are closed at once', async () => {
    const { port, receiver } = await open({ http: { maxConnections: 5 } });
    const sockets = Array.from({ length: 5 }, () => connected(port));
    await until(() => receiver.stats().connections === 5);
    const sixth = connected(port);
    expect(await closed(sixth)).toBe('');
    sockets[0]?.destroy();
    await until(() => receiver.stats().connections === 4);
  });

  test('bodies of one connection share its bytes, however many requests are sent ahead', async () => {
    const { port, receiver } = await open({ maxRequestBytes: 1_000, maxConnectionBytes: 1_000 }, 'held');
    const socket = connected(port);
    const answers = closed(socket);
    const body = ' '.repeat(900);
    for (let index = 0; index < 20; index += 1) socket.write(`${HEAD}content-length: 900\r\n\r\n${body}`);
    await until(() => receiver.stats().requests === 20);
    expect(receiver.stats().bytesInFlight).toBeLessThanOrEqual(1_000);
    await until(() => receiver.stats().openRequests === 0);
    socket.end();
    const statuses = (await answers).match(/HTTP\/1.1 \d+/g) ?? [];
    // One after the other, each body is read and found to be no JSON; what comes while another one is being read is refused.
    expect([statuses.length, new Set(statuses)]).toEqual([20, new Set(['HTTP/1.1 400', 'HTTP/1.1 429'])]);
  });
});
