/** Subscribes and unsubscribes many times, and tells how many threads, ports and timers are there afterwards. */
import { MessageChannel } from 'node:worker_threads';
import { firstValueFrom, NEVER, startWith } from 'rxjs';
import { fromPort, inWorkers, toPort, workerPool, workerTask } from '../../../src/workers/index.ts';

const module = new URL('../tasks.ts', import.meta.url);
const double = workerTask<(value: number) => number>({ module, export: 'double' });
const workers = workerPool({ size: 2 });
for (let round = 0; round < 20; round += 1)
  await firstValueFrom(NEVER.pipe(startWith(1, 2, 3), inWorkers(double, { workers })));
let threads = 0;
workers.state$.subscribe((state) => {
  threads = state.threads;
});
console.log(JSON.stringify({ threads: threads <= 2 }));
await workers.shutdown();

const { port1, port2 } = new MessageChannel();
const sink = toPort<number>(port1);
for (let round = 0; round < 20; round += 1) fromPort(port2).subscribe().unsubscribe();
await sink.shutdown?.();
console.log(JSON.stringify({ threads, listeners: [port1, port2].map((port) => port.listenerCount('message')) }));
port1.close();
const kept = process.getActiveResourcesInfo().filter((name) => /MessagePort|Worker|Timeout|Immediate/.test(name));
console.log(JSON.stringify({ kept }));
