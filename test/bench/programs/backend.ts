// A backend that does as little as one can: it reads a request, counts its spans and says yes.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer, inputOf } from '../../scenarios/child.ts';
import { SpanCounter } from '../support/spanCounter.ts';

export interface BackendInput {
  /** How long it waits with its answer. */
  readonly answerMillis: number;
}

/** What it took since it was asked last. */
export interface Taken {
  readonly requests: number;
  readonly spans: number;
}

const { answerMillis } = inputOf<BackendInput>();
let taken: Taken = { requests: 0, spans: 0 };

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const counter = new SpanCounter();
  request.on('data', (chunk: Uint8Array) => counter.push(chunk));
  request.on('end', () => {
    taken = { requests: taken.requests + 1, spans: taken.spans + counter.spans };
    if (answerMillis === 0) sayYes(request, response);
    else setTimeout(sayYes, answerMillis, request, response);
  });
});

function sayYes(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end();
}

await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

answer({
  listen: () => `http://127.0.0.1:${port}/v1/traces`,
  take: () => {
    const before = taken;
    taken = { requests: 0, spans: 0 };
    return before;
  },
});
// Whoever started it is gone, or was gone before it listened.
process.on('disconnect', () => process.exit(0));
if (!process.connected) process.exit(0);
