// The receiver's own work is not traced: whether tracing is suppressed in each place where an instrumentation looks.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { expect, onTestFinished, test } from 'vitest';
import { otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { bareClient, call } from '../../support/grpcCalls.ts';
import { recordTracing } from '../../support/httpTracing.ts';
import { post, requestOf } from './support.ts';

test('tracing is suppressed where Node tells of requests, and where batches are taken', async () => {
  const { tracer, names } = recordTracing();
  const seen: Record<string, boolean> = {};
  const pass = (place: string) => {
    seen[place] = isTracingSuppressed(context.active());
    tracer.startSpan(place).end();
  };
  for (const channel of ['http.server.request.start', 'http2.server.stream.start']) {
    const look = () => pass(channel);
    subscribe(channel, look);
    onTestFinished(() => void unsubscribe(channel, look));
  }
  const receiver = otlpReceiver({ http: { port: 0 }, grpc: { port: 0 } });
  onTestFinished(() => receiver.shutdown().catch(() => {}));
  let over = 'HTTP';
  receiver.traces$.subscribe(() => pass(`a batch over ${over}`));
  const { http, grpc } = await receiver.listen();

  expect((await post(http?.url ?? '', requestOf(1))).status).toBe(200);
  over = 'gRPC';
  const client = bareClient(grpc?.port ?? 0);
  onTestFinished(() => client.close());
  expect((await call(client, requestOf(1))).code).toBe(0);

  const places = ['http.server.request.start', 'http2.server.stream.start', 'a batch over HTTP', 'a batch over gRPC'];
  expect(seen).toEqual(Object.fromEntries(places.map((place) => [place, true])));
  expect(names()).toEqual([]);
});
