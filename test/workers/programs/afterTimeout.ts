/** All tasks have timed out, and their threads are still being ended: what comes next is all that this program waits for. */
import { lastValueFrom, of, toArray } from 'rxjs';
import { inWorkers, workerPool, workerTask } from '../../../src/workers/index.ts';
import type { double, loop } from '../tasks.ts';

const module = new URL('../tasks.ts', import.meta.url);
const workers = workerPool({ size: 1, idleMillis: Number.POSITIVE_INFINITY, abortMillis: 200 });
const looping = inWorkers(workerTask<typeof loop>({ module, export: 'loop' }), { workers, timeoutMillis: 1 });
const doubling = inWorkers(workerTask<typeof double>({ module, export: 'double' }), { workers });

const told = new Int32Array(new SharedArrayBuffer(8));
console.log(await lastValueFrom(of(told).pipe(looping, toArray())));
console.log(await lastValueFrom(of(1, 2).pipe(doubling, toArray())));
process.on('exit', () => console.log('the natural end'));
