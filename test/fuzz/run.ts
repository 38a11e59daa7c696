/**
 * Mutation fuzzing of a running receiver, over HTTP and gRPC: `npm run fuzz -- --minutes 10 --seed 7`.
 *
 *     --minutes N   how long, default 1
 *     --seed N      which requests, default 1; it is printed, and makes the same ones again
 *     --from N      begins at this request
 *
 * Each answer has to be one that is documented, to come in time, and to be what the strict decoder says of the body, with as many items. The exit code is 1 when one was not; each such request is printed with its number, so that `--seed` and `--from` repeat it. A sound one of them belongs into `corpus.ts`.
 */

import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fuzz } from './fuzz.ts';
import { watch } from './watchdog.ts';

const SHOW_EVERY = 5_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
  },
});
const [minutes, seed, from] = [values.minutes, values.seed, values.from].map(Number) as [number, number, number];
if (![minutes, seed, from].every((value) => value >= 0))
  throw new RangeError('--minutes, --seed and --from are numbers');

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');
const counter = watch(`of seed ${seed}`);
const endMillis = performance.now() + minutes * 60_000;

const goesOn = (index: number) => {
  Atomics.store(counter, 0, index);
  if (index % SHOW_EVERY === 0) {
    collect();
    const { heapUsed, rss } = process.memoryUsage();
    console.log(`${index} requests, heap ${mebibytes(heapUsed)} MiB, resident ${mebibytes(rss)} MiB`);
  }
  return performance.now() < endMillis;
};
const { requests, answers, findings } = await fuzz({ seed, from, goesOn });
console.log(`seed ${seed}: ${requests} requests`, answers);
for (const { index, what, shot } of findings) {
  const { bytes, ...how } = shot;
  console.log(`request ${index}: ${what}`, how, Buffer.from(bytes.subarray(0, 4_096)).toString('base64'));
}
console.log(`${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
