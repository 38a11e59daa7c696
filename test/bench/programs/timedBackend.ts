// A backend that answers at once, and knows of each span how long after its end it came in. It reads the spans only when it is asked: while it is measured it keeps bodies, and does no more.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeTraces } from '../../../src/otlp/index.ts';
import { answer } from '../../scenarios/child.ts';
import { percentile } from '../support/program.ts';

/** What it took since it was asked last, and the times from a span's end by `process.hrtime()`, which all processes of a machine share. Spans that ended at 0 are counted, and not timed. */
export interface TakenInTime {
  readonly spans: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
}

interface Request {
  readonly atMillis: number;
  readonly body: Uint8Array;
}

let requests: Request[] = [];

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks: Uint8Array[] = [];
  request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  request.on('end', () => {
    requests.push({ atMillis: millisOf(process.hrtime()), body: Buffer.concat(chunks) });
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end();
  });
});

await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

answer({
  listen: () => `http://127.0.0.1:${port}/v1/traces`,
  take: (): TakenInTime => {
    const taken = requests;
    requests = [];
    let spans = 0;
    const millis: number[] = [];
    for (const { atMillis, body } of taken) {
      for (const { endTime } of decodeTraces(body)) {
        spans += 1;
        const endMillis = millisOf(endTime);
        if (endMillis > 0) millis.push(atMillis - endMillis);
      }
    }
    return { spans, p50Millis: percentile(millis, 0.5), p99Millis: percentile(millis, 0.99) };
  },
});
// Whoever started it is gone, or was gone before it listened.
process.on('disconnect', () => process.exit(0));
if (!process.connected) process.exit(0);

function millisOf([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1e3 + nanos / 1e6;
}
