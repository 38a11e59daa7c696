import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { receivedBytes } from '../../../src/model/received.ts';
import {
  type DecodeOptions,
  decodeLogs,
  decodeMetrics,
  decodeTraces,
  viewLogs,
  viewMetrics,
  viewTraces,
} from '../../../src/otlp/index.ts';
import { viewLogsJson } from '../../../src/otlp/logs/decode/viewLogsJson.ts';
import { viewMetricsJson } from '../../../src/otlp/metrics/decode/viewMetricsJson.ts';
import { viewTracesJson } from '../../../src/otlp/traces/decode/viewTracesJson.ts';
import { bombs, logBombs, metricBombs } from '../../support/bombs.ts';
import { logJsonBombs, metricJsonBombs, spanJsonBombs } from '../../support/jsonBombs.ts';
import { input, report } from './kit.ts';

/** How much memory decoded items take, or views, or views of which everything has been read, beside the least `maxDecodedBytes` under which they are decoded. */

const COUNT = 10_000;
/** Up to which the least limit is known. */
const STEP = 1.1;
/** What is small is decoded so often that it takes about as much: what V8 keeps and drops for itself between two measurements is up to 200 kB. */
const LEAST_BYTES = 4_000_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A turn later, nothing of the call is left on the stack. */
async function heap(): Promise<number> {
  await setImmediate();
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

type Decode = (bytes: Uint8Array, options?: DecodeOptions) => unknown[];

function isWithin(decode: Decode, bytes: Uint8Array, maxDecodedBytes: number): boolean {
  try {
    decode(bytes, { maxDecodedBytes });
    return true;
  } catch {
    return false;
  }
}

function leastLimit(decode: Decode, bytes: Uint8Array): number {
  let refused = 1;
  let taken = 2 ** 30;
  while (taken / refused > STEP) {
    const middle = Math.round(Math.sqrt(refused * taken));
    if (isWithin(decode, bytes, middle)) taken = middle;
    else refused = middle;
  }
  return taken;
}

/** Of the least limit. A call of its own for each bomb: what one has held is not there any more when the next one is measured. */
async function partTaken(decode: Decode, bytes: Uint8Array): Promise<number> {
  const limit = leastLimit(decode, bytes);
  const times = Math.ceil(LEAST_BYTES / limit);
  const before = await heap();
  const held = Array.from({ length: times }, () => decode(bytes));
  const taken = (await heap()) - before;
  return taken / (limit * held.length);
}

async function measure(
  decode: Decode,
  all: Readonly<Record<string, (count: number) => Buffer | string>>,
): Promise<void> {
  for (const [name, bomb] of Object.entries(all)) {
    report('bomb', { name, part: await partTaken(decode, Buffer.from(bomb(COUNT))) });
  }
}

/** The views of a request, of which everything has been read. */
function allRead(view: Decode): Decode {
  return (bytes, options) => {
    const views = view(bytes, options);
    for (const item of views) readAll(item as Record<string, unknown>);
    return views;
  };
}

function readAll(view: Record<string, unknown>): void {
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(view))) {
    const value = view[name];
    if (name === 'spanContext' && typeof value === 'function') value.call(view);
  }
}

/** Views of a request in JSON, read; it is an error where they are decoded items, since these need less. */
function ofJson(view: Decode): Decode {
  return allRead((bytes, options) => {
    const views = view(bytes, options);
    if (views.some((item) => receivedBytes(item as object) === undefined)) throw new Error('they are not views');
    return views;
  });
}

const ways = {
  decoded: (decode: Decode) => decode,
  views: (_: Decode, view: Decode) => view,
  'views that have been read': (_: Decode, view: Decode) => allRead(view),
};
const { what } = input<{ what: keyof typeof ways | 'views of JSON' }>();
if (what === 'views of JSON') {
  await measure(ofJson(viewTracesJson), spanJsonBombs);
  await measure(ofJson(viewLogsJson), logJsonBombs);
  await measure(ofJson(viewMetricsJson), metricJsonBombs);
} else {
  await measure(ways[what](decodeTraces, viewTraces), bombs);
  await measure(ways[what](decodeLogs, viewLogs), logBombs);
  await measure(ways[what](decodeMetrics, viewMetrics), metricBombs);
}
