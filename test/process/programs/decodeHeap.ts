import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type DecodeOptions, decodeLogs, decodeMetrics, decodeTraces } from '../../../src/otlp/index.ts';
import { bombs, logBombs, metricBombs } from '../../support/bombs.ts';
import { report } from './kit.ts';

/** How much memory decoded items take, beside the least `maxDecodedBytes` under which they are decoded. */

const COUNT = 10_000;
/** Up to which the least limit is known. */
const STEP = 1.1;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heap(): number {
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

/** Kept, so that nothing that was counted before is collected between two measurements. */
const kept: unknown[] = [];

function measure(decode: Decode, all: typeof bombs): void {
  for (const [name, bomb] of Object.entries(all)) {
    const bytes = bomb(COUNT);
    kept.push(bytes);
    const limit = leastLimit(decode, bytes);
    const before = heap();
    kept.push(decode(bytes));
    report('bomb', { name, part: (heap() - before) / limit });
  }
}

measure(decodeTraces, bombs);
measure(decodeLogs, logBombs);
measure(decodeMetrics, metricBombs);
