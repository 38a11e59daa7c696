/**
 * Tasks that are submitted one by one, run up to four at a time, and are waited for all together. A task is a closure, so `boundedMergeMap` has nothing to do but to call it. One that fails is a result like
 * the others, and ends nothing.
 *
 *     node examples/11-submitAndWait.ts
 */
import { setTimeout } from 'node:timers/promises';
import { lastValueFrom, toArray } from 'rxjs';
import { boundedMergeMap, channel, createGate } from 'spanflow';

const gate = createGate();
const tasks = channel<() => Promise<string>>({ gate });
const whenAllDone = lastValueFrom(
  tasks.items$.pipe(
    boundedMergeMap((task) => task(), { concurrency: 4, order: 'source', maxQueueSize: 8, gate }),
    toArray(),
  ),
);

let running = 0;
let most = 0;

async function reserve(order: number): Promise<string> {
  running += 1;
  most = Math.max(most, running);
  await setTimeout(5);
  running -= 1;
  if (order === 7) throw new Error(`no stock for order ${order}`);
  return `order ${order}`;
}

for (let order = 1; order <= 20; order += 1) await tasks.send(() => reserve(order));
tasks.close();

const results = await whenAllDone;
for (const result of results) if (result.kind === 'failed') console.log(`failed: ${(result.error as Error).message}`);
const done = results.flatMap((result) => (result.kind === 'failed' ? [] : result.values));
console.log(`${done.length} of ${results.length} done, from ${done[0]} to ${done.at(-1)}; at most ${most} at a time`);
process.exitCode = done.length === 19 && most <= 4 ? 0 : 1;
