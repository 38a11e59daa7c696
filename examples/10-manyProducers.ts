/**
 * Many producers, one bounded queue, and consumers that compete: each job is done by exactly one of them, and whoever is faster does more. While the queue is full, `send` waits, so no producer runs
 * ahead.
 *
 *     node examples/10-manyProducers.ts
 */
import { setTimeout } from 'node:timers/promises';
import { channel, createGate, toAsyncIterable } from 'spanflow';

const gate = createGate();
const jobs = channel<string>({ maxQueueSize: 10, gate });

// Each subscriber of `items$` would get every job. One iterator that several read shares them out instead; the gate keeps the jobs in the channel while nobody reads.
const queue = toAsyncIterable(jobs.items$, { gate, maxQueueSize: 3 })[Symbol.asyncIterator]();

async function produce(name: string, count: number): Promise<void> {
  for (let number = 1; number <= count; number += 1) await jobs.send(`${name} ${number}`);
}

async function consume(millisPerJob: number): Promise<string[]> {
  const done: string[] = [];
  for (;;) {
    const next = await queue.next();
    if (next.done === true) return done;
    await setTimeout(millisPerJob);
    done.push(next.value);
  }
}

let waits = 0;
jobs.saturated$.subscribe((saturated) => {
  if (saturated) waits += 1;
});

const consumers = [consume(1), consume(10), consume(10)];
await Promise.all([produce('web', 40), produce('batch', 40), produce('cron', 20)]);
jobs.close();

const done = await Promise.all(consumers);
console.log(`jobs done by each consumer: ${done.map(({ length }) => length).join(', ')}`);
console.log(`${new Set(done.flat()).size} different jobs of 100; producers had to wait: ${waits > 0 ? 'yes' : 'no'}`);
process.exitCode = new Set(done.flat()).size === 100 && done.flat().length === 100 ? 0 : 1;
