// Ends a process that no longer gets on: its thread watches a counter that the main thread increments.

import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const LOOK_MILLIS = 20_000;

/** Tells where the program stood, and kills it, when the counter stands still. */
export function watch(said: string): Int32Array {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  new Worker(import.meta.filename, { workerData: { counter, said } }).unref();
  return counter;
}

if (!isMainThread) {
  const { counter, said }: { readonly counter: Int32Array; readonly said: string } = workerData;
  let before = -1;
  setInterval(() => {
    const now = Atomics.load(counter, 0);
    if (now === before) {
      writeSync(2, `\nit hangs at request ${now} ${said}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    before = now;
  }, LOOK_MILLIS);
}
