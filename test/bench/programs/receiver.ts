// A receiver: it takes requests over HTTP, decodes them, reads a few attributes of each span, and keeps the spans for a while.

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { decodeTraces } from '../../../src/otlp/index.ts';
import { protobufjsSpans } from '../../otlp/oracleDecode.ts';
import { answer, inputOf } from '../../scenarios/child.ts';

export type DecoderName = 'spanflow' | 'protobufjs' | 'none';

export interface ReceiverInput {
  readonly decoder: DecoderName;
  /** When this many spans are held, all of them are dropped. */
  readonly maxHeldSpans: number;
}

/** What receiving cost since the last question. */
export interface Received {
  readonly spans: number;
  /** How many of the spans have a route. */
  readonly routes: number;
  readonly cpuMicros: number;
  readonly peakHeapBytes: number;
}

const decoders: Readonly<Record<DecoderName, (body: Buffer) => ReadableSpan[]>> = {
  spanflow: decodeTraces,
  protobufjs: protobufjsSpans,
  none: () => [],
};

const { decoder, maxHeldSpans } = inputOf<ReceiverInput>();
const decode = decoders[decoder];
let held: ReadableSpan[] = [];
let routes = 0;
let spans = 0;
let peakHeapBytes = 0;
let cpu = process.cpuUsage();

const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
  const received = decode(await bodyOf(request));
  if (held.length >= maxHeldSpans) held = [];
  for (const span of received) {
    if (isRoute(span)) routes += 1;
    held.push(span);
  }
  spans += received.length;
  peakHeapBytes = Math.max(peakHeapBytes, getHeapStatistics().used_heap_size);
  response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end();
});

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function isRoute({ attributes, resource, name }: ReadableSpan): boolean {
  const route = attributes['http.route'] ?? attributes['rpc.method'];
  return route !== undefined && name !== '' && resource.attributes['service.name'] !== undefined;
}

await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

answer({
  listen: () => `http://127.0.0.1:${port}`,
  take: (): Received => {
    const { user, system } = process.cpuUsage(cpu);
    const taken = { spans, routes, cpuMicros: user + system, peakHeapBytes };
    spans = 0;
    routes = 0;
    peakHeapBytes = 0;
    cpu = process.cpuUsage();
    return taken;
  },
  /** Bytes of heap that each held span takes. */
  held: () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const count = held.length;
    collect();
    const before = getHeapStatistics().used_heap_size;
    held = [];
    collect();
    return count === 0 ? 0 : (before - getHeapStatistics().used_heap_size) / count;
  },
});
process.on('disconnect', () => process.exit(0));
