// All recorded requests through a receiver, rebatch and two sinks to two backends: each span arrives at both, the same in every field.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { expect, onTestFinished, test } from 'vitest';
import { fanOut, otlpHttp, rebatch, runPipeline } from '../../../src/index.ts';
import { otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { astronomy, hipstershop } from '../../support/data.ts';
import { SpanDigests } from '../../support/spanDigests.ts';
import { post } from './support.ts';

const SENDERS = 4;
/** Then something hangs: beside other work, the requests of the first test alone took more than three minutes. */
const BOUND_MILLIS = 900_000;

/** A server that keeps the digests of what it is sent. */
async function backend() {
  const arrived = new SpanDigests();
  let requests = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    arrived.add(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    requests += 1;
    response.setHeader('content-type', 'application/x-protobuf').end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1/traces`, arrived, requests: () => requests };
}

async function throughTwoSinks(requests: Iterable<Uint8Array>) {
  const [one, other] = [await backend(), await backend()];
  const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered', answerTimeoutMillis: 120_000 });
  const sinks = {
    one: otlpHttp({ url: one.url, environment: {} }),
    other: otlpHttp({ url: other.url, environment: {}, compression: 'gzip' }),
  };
  const options = { attemptTimeoutMillis: 60_000 };
  const batches$ = receiver.traces$.pipe(rebatch<ReadableSpan>(), fanOut(sinks, options));
  const pipeline = runPipeline(receiver, batches$);
  const { http } = await receiver.listen();
  const sent = new SpanDigests();
  const statuses = new Map<number, number>();
  const queue = requests[Symbol.iterator]();
  const sender = async () => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      sent.add(next.value);
      const { status } = await post(http?.url ?? '', next.value);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  await pipeline.shutdown({ deadlineMillis: 60_000 });
  return { sent, one, other, statuses: Object.fromEntries(statuses) };
}

function expectAll(sent: SpanDigests, ...backends: readonly { readonly arrived: SpanDigests }[]): void {
  for (const { arrived } of backends) {
    expect([arrived.size, sent.without(arrived).slice(0, 5)]).toEqual([sent.size, []]);
    expect(arrived.without(sent).slice(0, 5)).toEqual([]);
  }
}

test('every request is delivered to both backends, each span equal in every field', {
  timeout: BOUND_MILLIS,
}, async () => {
  const { count, requests } = astronomy();
  let answered = 0;
  const counted = function* () {
    for (const request of requests()) {
      answered += 1;
      yield request;
    }
  };
  const { sent, one, other, statuses } = await throughTwoSinks(counted());
  expect([sent.size, statuses]).toEqual([count.spans, { 200: answered }]);
  expectAll(sent, one, other);
  // In batches of its own, not in requests of the senders.
  expect(one.requests()).toBeLessThan(answered);
});

test('one request that is larger than every batch is delivered in parts, and answered once', async () => {
  const { request, spans } = hipstershop();
  const { sent, one, other, statuses } = await throughTwoSinks([request]);
  expect([sent.size, statuses]).toEqual([spans, { 200: 1 }]);
  expectAll(sent, one, other);
  expect(one.requests()).toBeGreaterThan(spans / 2_000 - 1);
});
