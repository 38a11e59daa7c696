import { gzipSync } from 'node:zlib';
import { type Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Batch, Tally } from '../../../src/index.ts';
import { type OtlpReceiverOptions, otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { decodeResponse, decodeStatus } from '../../../src/otlp/responses/response.ts';
import { retryInfoMillis } from '../../../src/otlp/responses/retryInfo.ts';
import { SIGNALS } from '../../../src/otlp/signals.ts';
import { type Answered, bareClient, call } from '../../support/grpcCalls.ts';
import { authority } from '../../support/httpCertificates.ts';
import { requestOf, tallyOf, until } from './support.ts';

type Taken = (batch: Batch<ReadableSpan>) => Partial<Tally>;

async function openGrpc(options: OtlpReceiverOptions = {}, taken?: Taken | 'held') {
  const receiver = otlpReceiver({ ...options, grpc: { port: 0, ...options.grpc } });
  const batches: Batch<ReadableSpan>[] = [];
  receiver.traces$.subscribe((batch) => {
    batches.push(batch);
    const hold = taken && batch.hold();
    if (typeof taken === 'function') hold?.settle(tallyOf(taken(batch)));
  });
  const { grpc } = await receiver.listen();
  onTestFinished(() => receiver.shutdown({ timeoutMillis: 1 }).catch(() => {}));
  return { receiver, batches, port: grpc?.port ?? 0, url: grpc?.url ?? '' };
}

function clientOf(...given: Parameters<typeof bareClient>): Client {
  const client = bareClient(...given);
  onTestFinished(() => client.close());
  return client;
}

function detailsOf({ error }: Answered): Buffer {
  return Buffer.from(error?.metadata.get('grpc-status-details-bin')[0] ?? '');
}

describe('a call over gRPC', () => {
  test('is a batch, plain and with gzip, and is answered with an empty message', async () => {
    const { port, batches, receiver } = await openGrpc();
    const plain = await call(clientOf(port), requestOf(3));
    const gzip = clientOf(port, credentials.createInsecure(), { 'grpc.default_compression_algorithm': 2 });
    const packed = await call(gzip, requestOf(200));
    expect([plain.code, packed.code]).toEqual([0, 0]);
    expect(plain.message).toHaveLength(0);
    expect(batches.map(({ items }) => items.length)).toEqual([3, 200]);
    expect(receiver.stats()).toMatchObject({ requests: 2, answers: { grpc: { 0: 2 } } });
  });

  test('is a partial success where items were rejected', async () => {
    const { port } = await openGrpc({ acknowledge: 'delivered' }, () => ({ delivered: 1, rejected: 2 }));
    const { code, message } = await call(clientOf(port), requestOf(3));
    expect([code, decodeResponse(message as Buffer).rejected]).toEqual([0, 2]);
  });

  test('is refused as malformed: INVALID_ARGUMENT', async () => {
    const { port } = await openGrpc();
    const answer = await call(clientOf(port), Buffer.from('0aff', 'hex'));
    expect(answer.code).toBe(status.INVALID_ARGUMENT);
    expect(decodeStatus(detailsOf(answer))).toMatch(/malformed/);
    expect(retryInfoMillis(detailsOf(answer))).toBeUndefined();
  });

  test.each([
    ['retriesExhausted', status.UNAVAILABLE, 1_500],
    ['queueFull', status.RESOURCE_EXHAUSTED, 1_500],
    ['permanent', status.INVALID_ARGUMENT, undefined],
    ['tooLarge', status.RESOURCE_EXHAUSTED, undefined],
  ] as const)('whose items were lost as %s has code %d and RetryInfo %s', async (reason, code, retryAfterMillis) => {
    const lost = () => ({ lost: [{ count: 2, reason, stage: 'backend' }] });
    const { port } = await openGrpc({ acknowledge: 'delivered', retryAfterMillis: 1_500 }, lost);
    const answer = await call(clientOf(port), requestOf(2));
    expect([answer.code, retryInfoMillis(detailsOf(answer))]).toEqual([code, retryAfterMillis]);
  });

  test('that finds the queue full: RESOURCE_EXHAUSTED with RetryInfo, before it is read', async () => {
    const { port } = await openGrpc({ maxQueueSize: 2 }, 'held');
    const client = clientOf(port);
    expect((await call(client, requestOf(2))).code).toBe(0);
    const answer = await call(client, requestOf(1));
    expect([answer.code, retryInfoMillis(detailsOf(answer))]).toEqual([status.RESOURCE_EXHAUSTED, 1_000]);
  });

  test('over the limit, also when decompressed: RESOURCE_EXHAUSTED without RetryInfo', async () => {
    const { port } = await openGrpc({ maxRequestBytes: 10_000 });
    const plain = await call(clientOf(port), new Uint8Array(20_000));
    const gzip = clientOf(port, credentials.createInsecure(), { 'grpc.default_compression_algorithm': 2 });
    const bomb = await call(gzip, new Uint8Array(5_000_000));
    for (const answer of [plain, bomb])
      expect([answer.code, retryInfoMillis(detailsOf(answer))]).toEqual([status.RESOURCE_EXHAUSTED, undefined]);
  });

  test('of a signal that nobody takes, or of another service: UNIMPLEMENTED', async () => {
    const { port } = await openGrpc();
    const client = clientOf(port);
    expect((await call(client, new Uint8Array(), { method: SIGNALS.logs.method })).code).toBe(status.UNIMPLEMENTED);
    expect((await call(client, new Uint8Array(), { method: '/a.B/C' })).code).toBe(status.UNIMPLEMENTED);
  });

  test('without one of the tokens: UNAUTHENTICATED', async () => {
    const { port, batches } = await openGrpc({ bearerTokens: ['0123456789abcdef'] });
    const client = clientOf(port);
    expect((await call(client, requestOf(1))).code).toBe(status.UNAUTHENTICATED);
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer 0123456789abcdef');
    expect((await call(client, requestOf(1), { metadata })).code).toBe(0);
    expect(batches).toHaveLength(1);
  });

  test('over TLS, and with certificates of clients', async () => {
    const { cert: ca, issue } = authority('spanflow tests');
    const server = issue('localhost', ['127.0.0.1']);
    const client = issue('client');
    const verify = { checkServerIdentity: () => undefined };
    const bytes = (pem: string) => Buffer.from(pem);
    const { port, url } = await openGrpc({ grpc: { tls: { ...server, clientCa: ca } } });
    expect(url).toMatch(/^https:/);
    const known = credentials.createSsl(bytes(ca), bytes(client.key), bytes(client.cert), verify);
    const unknown = credentials.createSsl(bytes(ca), null, null, verify);
    const named = { 'grpc.ssl_target_name_override': 'localhost' };
    expect((await call(clientOf(port, known, named), requestOf(1))).code).toBe(0);
    expect((await call(clientOf(port, unknown, named), requestOf(1))).code).toBe(status.UNAVAILABLE);
  });

  test('waits to be read until another one has come, and then is', async () => {
    const { port, batches } = await openGrpc({ maxRequestBytes: 1_000_000, maxBytesInFlight: 1_000_000 });
    const client = clientOf(port);
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(client, requestOf(50))));
    expect(answers.every(({ code }) => code === 0)).toBe(true);
    expect(batches).toHaveLength(20);
  });

  test('that came before the shutdown is answered; later ones find nobody', async () => {
    const receiver = otlpReceiver({ grpc: { port: 0 }, acknowledge: 'delivered' });
    const holds: ReturnType<Batch<ReadableSpan>['hold']>[] = [];
    receiver.traces$.subscribe((batch) => holds.push(batch.hold()));
    const { grpc } = await receiver.listen();
    const client = clientOf(grpc?.port ?? 0);
    const first = call(client, requestOf(1));
    await until(() => holds.length === 1);
    const shutdown = receiver.shutdown();
    holds[0]?.settle(tallyOf({ delivered: 1 }));
    expect((await first).code).toBe(0);
    await shutdown;
    expect((await call(client, requestOf(1))).code).toBe(status.UNAVAILABLE);
    expect(receiver.stats().connections).toBe(0);
  });

  test('is refused beyond the number of connections', async () => {
    const { port, receiver } = await openGrpc({ grpc: { maxConnections: 1 } });
    const own = { 'grpc.use_local_subchannel_pool': 1 };
    const first = clientOf(port, credentials.createInsecure(), own);
    expect((await call(first, requestOf(1))).code).toBe(0);
    const second = clientOf(port, credentials.createInsecure(), own);
    expect((await call(second, requestOf(1), { deadline: Date.now() + 2_000 })).code).not.toBe(0);
    expect(receiver.stats().connections).toBe(1);
  });
});

test('both servers share the streams', async () => {
  const { port, batches, receiver } = await openGrpc({ http: { port: 0 } });
  await call(clientOf(port), requestOf(1));
  const body = gzipSync(requestOf(2));
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' };
  await fetch(`${receiver.address.http?.url}/v1/traces`, { method: 'POST', headers, body });
  expect(batches.map(({ items }) => items.length)).toEqual([1, 2]);
});
