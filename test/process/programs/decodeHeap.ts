import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { decodeTraces } from '../../../src/otlp/index.ts';
import { bombs } from '../../support/bombs.ts';
import { report } from './kit.ts';

/** How much memory spans take, beside the least `maxDecodedBytes` under which they are decoded. */

const COUNT = 10_000;
/** Up to which the least limit is known. */
const STEP = 1.1;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

function isWithin(bytes: Uint8Array, maxDecodedBytes: number): boolean {
  try {
    decodeTraces(bytes, { maxDecodedBytes });
    return true;
  } catch {
    return false;
  }
}

function leastLimit(bytes: Uint8Array): number {
  let refused = 1;
  let taken = 2 ** 30;
  while (taken / refused > STEP) {
    const middle = Math.round(Math.sqrt(refused * taken));
    if (isWithin(bytes, middle)) taken = middle;
    else refused = middle;
  }
  return taken;
}

/** Kept, so that nothing that was counted before is collected between two measurements. */
const kept: unknown[] = [];

for (const [name, bomb] of Object.entries(bombs)) {
  const bytes = bomb(COUNT);
  kept.push(bytes);
  const limit = leastLimit(bytes);
  const before = heap();
  kept.push(decodeTraces(bytes));
  report('bomb', { name, part: (heap() - before) / limit });
}
