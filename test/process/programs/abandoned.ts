import { setImmediate } from 'node:timers/promises';
import { channel, memoryBudget } from '../../../src/index.ts';
import { report } from './kit.ts';

/** Channels that are forgotten with items in them: `--expose-gc`. */

const collect = globalThis.gc as () => void;
const memory = memoryBudget({ maxBytes: 1_000_000 });

function forget(): void {
  const forgotten = channel<string>({ memory });
  for (let item = 0; item < 10; item += 1) forgotten.trySend('x'.repeat(100));
}

for (let count = 0; count < 20; count += 1) forget();
report('forgotten', { usedBytes: memory.usedBytes });
while (memory.usedBytes > 0) {
  collect();
  await setImmediate();
}
report('collected');
