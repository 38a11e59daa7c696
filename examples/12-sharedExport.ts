/**
 * One way out for many callers: each gives its items and awaits what became of exactly these, while the handle puts the items of all of them into common batches. A failed export is an answer, not an
 * exception.
 *
 *     node examples/12-sharedExport.ts
 */
import { map, timer } from 'rxjs';
import { ExportError, exportHandle, type Sink } from 'spanflow';

let requests = 0;
const store: Sink<string> = {
  name: 'store',
  export: ({ items }) => {
    requests += 1;
    if (items.includes('wrong')) throw new ExportError({ kind: 'permanent' }, 'one of these is wrong');
    return timer(10).pipe(map(() => ({})));
  },
};

await using handle = exportHandle(store, { scheduledDelayMillis: 20, concurrency: 2 });

async function call(name: string, items: readonly string[]): Promise<void> {
  const { delivered, lost, error } = await handle.export(items);
  const losses = lost.map(({ count, reason }) => `${count} ${reason}`).join(', ') || 'none';
  console.log(`${name}: delivered ${delivered}, lost: ${losses}`, error?.message ?? '');
}

// These share a batch, and so a request.
await Promise.all([call('web', ['a', 'b', 'c']), call('batch', Array(50).fill('d')), call('cron', ['e'])]);
console.log(`${requests} request for three callers`);

await call('careless', ['f', 'wrong']);
await call('impatient', ['g']);

// A caller may stop waiting. What is not queued by then stays out.
await handle
  .export(['h'], { signal: AbortSignal.abort(new Error('no time')) })
  .catch((error) => console.log(`hasty: ${error.message}`));

await handle.shutdown();
const { offered, delivered, lost, pending } = handle.stats();
console.log({ offered, delivered, lost, pending });
process.exitCode = delivered === 55 && pending === 0 ? 0 : 1;
