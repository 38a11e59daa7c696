/**
 * A backend that takes its time, and an input that can wait. While no export slot is free, batches grow; when two full ones wait, the gate closes, and nothing is
 * pulled. So 30,000 items pass through, and never more than a few batches of them are in memory.
 *
 *     node examples/03-slowBackend.ts
 */
import { map, tap, timer } from 'rxjs';
import { adaptiveBatch, createGate, exportTo, fromAsyncIterable, runPipeline, type Sink } from 'spanflow';

const gate = createGate();
const slow: Sink<number> = { name: 'slow', export: () => timer(100).pipe(map(() => ({}))) };

async function* numbers(count: number) {
  for (let number = 0; number < count; number += 1) yield number;
}

let mostInMemory = 0;
let closings = 0;
gate.saturated$.subscribe((saturated) => {
  if (saturated) closings += 1;
});

const input = fromAsyncIterable(numbers(30_000), { gate });
const outcomes$ = input.pipe(
  adaptiveBatch({ gate, initialExportBatchSize: 100, maxExportBatchSize: 1_000 }),
  tap(({ items, closedBy }) => console.log(`a batch of ${items.length}, closed by ${closedBy}`)),
  exportTo(slow, { concurrency: 2 }),
);
const pipeline = runPipeline(input, outcomes$);
pipeline.outcomes$.subscribe({
  next: () => {
    mostInMemory = Math.max(mostInMemory, pipeline.stats().pending);
  },
  complete: () => {
    const { delivered } = pipeline.stats();
    console.log(`delivered ${delivered}; at most ${mostInMemory} were in memory; the gate closed ${closings} times`);
    process.exitCode = delivered === 30_000 ? 0 : 1;
  },
});
