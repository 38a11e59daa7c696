/** Everything idle: a pool that has worked, a channel that has carried a batch, both still open. The process ends by itself. */
import { MessageChannel } from 'node:worker_threads';
import { lastValueFrom, of } from 'rxjs';
import { exportTo } from '../../../src/index.ts';
import { fromPort, inWorkers, toPort, workerPool, workerTask } from '../../../src/workers/index.ts';

const module = new URL('../tasks.ts', import.meta.url);
const double = workerTask<(value: number) => number>({ module, export: 'double' });
const workers = workerPool({ size: 2, idleMillis: Number.POSITIVE_INFINITY });
console.log(await lastValueFrom(of(21).pipe(inWorkers(double, { workers }))));

const { port1, port2 } = new MessageChannel();
fromPort<string>(port2).subscribe((batch) => {
  console.log(batch.items[0]);
});
const { delivered } = await lastValueFrom(of(['over the port']).pipe(exportTo(toPort<string>(port1))));
console.log(delivered);
process.on('exit', () => console.log('the natural end'));
