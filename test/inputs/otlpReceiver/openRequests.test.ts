// Requests that wait for their outcome: how many, and whose.

import type { Socket } from 'node:net';
import { credentials, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OpenRequests } from '../../../src/inputs/otlpReceiver/admission/openRequests.ts';
import { retryInfoMillis } from '../../../src/otlp/responses/retryInfo.ts';
import { bareClient, call } from '../../support/grpcCalls.ts';
import { connected, open, post, requestOf, tallyOf, until } from './support.ts';

describe('the places of open requests', () => {
  const countOf = (places: OpenRequests, connection: string) => {
    const taken: (() => void)[] = [];
    for (let end = places.take(connection); end !== undefined; end = places.take(connection)) taken.push(end);
    return taken;
  };

  test('are half of all for one connection, and half of the rest for the next', () => {
    const places = new OpenRequests(16);
    const counts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => countOf(places, name).length);
    expect(counts).toEqual([8, 4, 2, 1, 1, 0]);
  });

  test('are given back once, and are then free for any', () => {
    const places = new OpenRequests(2);
    const [first] = countOf(places, 'a');
    const [second] = countOf(places, 'b');
    expect(places.take('c')).toBeUndefined();
    first?.();
    first?.();
    expect([countOf(places, 'c').length, countOf(places, 'd').length]).toEqual([1, 0]);
    second?.();
    expect(countOf(places, 'd')).toHaveLength(1);
  });

  test('are one if there is only one', () => {
    expect(countOf(new OpenRequests(1), 'a')).toHaveLength(1);
  });
});

const BODY = requestOf(1);
const HEAD = `POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${BODY.length}\r\n\r\n`;

function pipeline(socket: Socket, requests: number): void {
  socket.write(Buffer.concat(Array(requests).fill(Buffer.concat([Buffer.from(HEAD), BODY]))));
}

test('one connection that sends many requests ahead gets 429 beyond its places, in their order; another one is let in', async () => {
  const { receiver, port, url, holds } = await open({ acknowledge: 'delivered', http: { maxOpenRequests: 8 } }, 'held');
  const socket = connected(port);
  let answers = '';
  socket.on('data', (data: Buffer) => {
    answers += data.toString('latin1');
  });
  pipeline(socket, 10);
  // Its holder takes one at a time.
  const readied = () => {
    for (const hold of holds) hold.ready();
    return holds.length;
  };
  await until(() => readied() === 4 && receiver.stats().answers.http[429] === 6);
  const other = post(url, BODY);
  await until(() => readied() === 5);
  for (const hold of holds) hold.settle(tallyOf({ delivered: 1 }));
  expect((await other).status).toBe(200);
  const statuses = () => [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  await until(() => statuses().length === 10);
  expect(statuses()).toEqual([...Array(4).fill('200'), ...Array(6).fill('429')]);
  expect(answers).toContain('too many requests have no answer');
  await until(() => receiver.stats().openRequests === 0);
  const last = post(url, BODY);
  await until(() => holds.length === 6);
  holds.at(-1)?.settle(tallyOf({ delivered: 1 }));
  expect((await last).status).toBe(200);
});

test('a connection that never reads its answers keeps no more requests than its places and what Node holds back for it', async () => {
  const { receiver, port } = await open({ acknowledge: 'delivered', http: { maxOpenRequests: 8 } }, 'held');
  const socket = connected(port);
  pipeline(socket, 5_000);
  await until(() => (receiver.stats().answers.http[429] ?? 0) > 0);
  await post(`http://127.0.0.1:${port}`, BODY, {}); // refused for its type: all that had come before was looked at
  expect(receiver.stats().openRequests).toBeLessThan(1_000);
});

test('calls beyond the places of a connection: RESOURCE_EXHAUSTED with RetryInfo; another connection is let in', async () => {
  const { receiver, holds } = await open({ acknowledge: 'delivered', grpc: { port: 0, maxOpenRequests: 4 } }, 'held');
  const port = receiver.address.grpc?.port ?? 0;
  const client = () => {
    const one = bareClient(port, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    onTestFinished(() => one.close());
    return one;
  };
  const mine = client();
  const waiting = [call(mine, BODY), call(mine, BODY)];
  await until(() => receiver.stats().openRequests === 2);
  const refused = await call(mine, BODY);
  expect(refused.code).toBe(status.RESOURCE_EXHAUSTED);
  const details = Buffer.from(refused.error?.metadata.get('grpc-status-details-bin')[0] ?? '');
  expect(retryInfoMillis(details)).toBe(1_000);
  waiting.push(call(client(), BODY));
  await until(() => receiver.stats().openRequests === 3);
  const settle = () => {
    for (const hold of holds) hold.settle(tallyOf({ delivered: 1 }));
    return holds.length === 3;
  };
  await until(settle);
  settle();
  expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual([0, 0, 0]);
  const again = call(mine, BODY);
  await until(() => holds.length === 4);
  holds.at(-1)?.settle(tallyOf({ delivered: 1 }));
  expect((await again).code).toBe(0);
});
