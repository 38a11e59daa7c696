import { setImmediate } from 'node:timers/promises';
import type { Attributes, Context, Link } from '@opentelemetry/api';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import * as sdk2 from 'opentelemetry-sdk-trace-2';
import { estimateItemBytes } from '../../../src/flow/itemBytes.ts';
import { heapBytesOf } from '../../../src/flow/memory.ts';
import { decodeTraces, encodeTraces } from '../../../src/otlp/index.ts';
import { report } from './kit.ts';

/** How much heap spans take, beside what is estimated of them: `node --expose-gc test/process/programs/heap.ts`. */

const collect = globalThis.gc as () => void;

interface Kind {
  readonly what: string;
  readonly attributes?: () => Attributes;
  readonly events?: number;
  readonly links?: number;
}

let serial = 0; // makes each text a new one
const text = (length: number) => Buffer.from(`${serial++}-`.repeat(length).slice(0, length)).toString('latin1');
const texts = (count: number, length: number, make: (length: number) => string = text): Attributes => {
  const attributes: Attributes = {};
  for (let at = 0; at < count; at += 1) attributes[`key.${at}`] = make(length);
  return attributes;
};
const request = (): Attributes => ({
  'http.request.method': 'GET',
  'http.route': '/cart/:id',
  'url.path': `/cart/${serial++}`,
  'http.response.status_code': 200,
  'server.address': 'shop.example',
  'server.port': 443,
  'client.address': text(12),
  'user.id': text(16),
  'cart.total': serial + 0.5,
  'cart.gift': false,
});
const id = (digits: number) => Buffer.from((serial++).toString(16).padStart(digits, '0')).toString('latin1');
/** As it is made by programs: the engine keeps the longer text of which it is a part. */
const cut = (length: number) => `${serial++}-`.repeat(length / 2).slice(0, length);
const wide = (length: number) => `${serial++}語`.padEnd(length, '語');

const kinds: readonly Kind[] = [
  { what: 'bare' },
  { what: 'one number', attributes: () => ({ 'http.response.status_code': 200 }) },
  { what: 'ten short attributes', attributes: request },
  { what: 'ten of 100 characters', attributes: () => texts(10, 100) },
  { what: 'ten of 500 characters', attributes: () => texts(10, 500) },
  { what: 'a hundred of 20 characters', attributes: () => texts(100, 20) },
  { what: 'a text of 10,000 characters', attributes: () => texts(1, 10_000) },
  { what: 'a hundred numbers', attributes: () => ({ numbers: Array.from({ length: 100 }, () => serial++ + 0.5) }) },
  { what: 'a hundred texts in a list', attributes: () => ({ texts: Array.from({ length: 100 }, () => text(10)) }) },
  { what: 'eight events of three attributes', events: 8 },
  { what: 'eight links of three attributes', links: 8 },
  { what: 'ten of 100 characters beyond Latin-1', attributes: () => texts(10, 100, wide) },
  { what: 'ten of 100 characters, cut out of longer ones', attributes: () => texts(10, 100, cut) },
];

type Collecting = { onEnd(span: ReadableSpan): void; onStart(span: object, context: Context): void };

function providerOf(sdk: string, kept: ReadableSpan[]) {
  const processor: Collecting & { forceFlush(): Promise<void>; shutdown(): Promise<void> } = {
    onStart() {},
    onEnd: (span) => kept.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const options = { spanProcessors: [processor] };
  return sdk === 'SDK 3' ? new TracerProvider(options) : new sdk2.TracerProvider(options as object);
}

function make(provider: ReturnType<typeof providerOf>, { attributes, events = 0, links = 0 }: Kind): void {
  const tracer = provider.getTracer('heap');
  const link = (): Link => ({
    context: { traceId: id(32), spanId: id(16), traceFlags: 1 },
    attributes: texts(3, 20),
  });
  const span = tracer.startSpan(`GET /${serial % 10}`, { links: Array.from({ length: links }, link) });
  for (const [key, value] of Object.entries(attributes?.() ?? {})) span.setAttribute(key, value as string);
  for (let at = 0; at < events; at += 1) span.addEvent('message', texts(3, 20));
  span.end();
}

async function used(): Promise<number> {
  await setImmediate();
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const SPANS = 500;

async function measure(sdk: string, kind: Kind): Promise<void> {
  const kept: ReadableSpan[] = [];
  const provider = providerOf(sdk, kept);
  for (let at = 0; at < 100; at += 1) make(provider, kind);
  kept.length = 0;
  const before = await used();
  for (let at = 0; at < SPANS; at += 1) make(provider, kind);
  const measured = ((await used()) - before) / SPANS;
  const wire = kept.reduce((sum, span) => sum + estimateItemBytes(span), 0) / SPANS;
  report('heap', {
    sdk,
    what: kind.what,
    wire,
    estimated: heapBytesOf(1, wire),
    measured,
    ratio: heapBytesOf(1, wire) / measured,
  });
  kept.length = 0;
}

/** Of views, which take less: what the engine gives back meanwhile is as much as a request of them takes. */
const REQUESTS = 20;

/** Views of requests, of which those of one share the bytes. */
async function measureReceived(kind: Kind): Promise<void> {
  const made: ReadableSpan[] = [];
  const provider = providerOf('SDK 3', made);
  for (let at = 0; at < SPANS; at += 1) make(provider, kind);
  const bytes = encodeTraces(made);
  made.length = 0;
  for (let round = 0; round < 2; round += 1) decodeTraces(bytes.slice());
  const before = await used();
  const requests = Array.from({ length: REQUESTS }, () => decodeTraces(bytes.slice()));
  const count = SPANS * REQUESTS;
  const measured = ((await used()) - before) / count;
  const wire = requests.flat().reduce((sum, span) => sum + estimateItemBytes(span), 0) / count;
  const read = ((await used()) - before) / count;
  report('heap', {
    sdk: 'received',
    what: kind.what,
    wire,
    estimated: heapBytesOf(1, wire),
    measured,
    read,
    ratio: heapBytesOf(1, wire) / read,
  });
  requests.length = 0;
}

// What the engine compiles meanwhile is not a span's.
for (const kind of kinds)
  for (const sdk of ['SDK 3', 'SDK 2']) for (let at = 0; at < 200; at += 1) make(providerOf(sdk, []), kind);
for (const kind of kinds) {
  await measure('SDK 3', kind);
  await measure('SDK 2', kind);
  await measureReceived(kind);
}
