import { DiagLogLevel, diag } from '@opentelemetry/api';
import { concat, EMPTY, from, lastValueFrom, NEVER, of, Subject, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adaptiveBatch, type Batch, createLedger, type Loss, withItems } from '../../src/index.ts';
import {
  type InWorkersOptions,
  inWorkers,
  type WorkerPool,
  type WorkerPoolOptions,
  workerPool,
  workerTask,
} from '../../src/workers/index.ts';
import type * as tasks from './tasks.ts';

const module = new URL('./tasks.ts', import.meta.url);
const DOUBLE = workerTask<typeof tasks.double>({ module, export: 'double' });
const FILL = workerTask<typeof tasks.fill>({ module, export: 'fill' });
const DOING = workerTask<(deed: tasks.Deed) => Promise<string>>({ module, export: 'doing' });

const pools: WorkerPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.shutdown({ timeoutMillis: 0 })));
});

function pool(options: WorkerPoolOptions = {}): WorkerPool {
  const made = workerPool({ size: 2, ...options });
  pools.push(made);
  return made;
}

const resultsOf = <T, R>(chunks: readonly T[], operator: ReturnType<typeof inWorkers<T, R>>) =>
  lastValueFrom(from(chunks).pipe(operator as never, toArray())) as Promise<R[]>;

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('the results', () => {
  test('come from other threads, one for each chunk', async () => {
    const workers = pool();
    const where = workerTask<typeof tasks.where>({ module, export: 'where' });
    const results = await lastValueFrom(from(upTo(20)).pipe(inWorkers(where, { workers }), toArray()));
    expect(results).toHaveLength(20);
    expect(results.every(({ isMainThread }) => !isMainThread)).toBe(true);
    expect(new Set(results.map(({ worker }) => worker))).toEqual(new Set([0, 1]));
  });

  test('come although the task posts to its parent by itself', async () => {
    const task = workerTask<typeof tasks.chatty>({ module, export: 'chatty' });
    expect(await resultsOf([1, 2, 3], inWorkers(task, { workers: pool({ size: 1 }) }))).toEqual([1, 2, 3]);
  });

  test('keep the order of the source where that is asked for', async () => {
    const workers = pool();
    const results = await lastValueFrom(
      from(upTo(500)).pipe(inWorkers(DOUBLE, { workers, order: 'source' }), toArray()),
    );
    expect(results).toEqual(upTo(500).map((value) => value * 2));
  });

  test('come as the chunks end otherwise: a slow one holds up no other', async () => {
    const workers = pool();
    const task = workerTask<typeof tasks.waitFor>({ module, export: 'waitFor' });
    const slow = new Int32Array(new SharedArrayBuffer(4));
    const fast = new Int32Array(new SharedArrayBuffer(4)).fill(1);
    const seen: string[] = [];
    const chunks = [
      { told: slow, answer: 'slow' },
      { told: fast, answer: 'fast' },
      { told: fast, answer: 'fast too' },
    ];
    await new Promise<void>((resolve) => {
      from(chunks)
        .pipe(inWorkers(task, { workers }))
        .subscribe({
          next: (answer) => {
            seen.push(answer);
            if (seen.length < 2) return;
            Atomics.store(slow, 0, 1);
            Atomics.notify(slow, 0);
          },
          complete: resolve,
        });
    });
    expect(seen).toEqual(['fast', 'fast too', 'slow']);
  });

  test('of nothing: it completes and starts no thread', async () => {
    const workers = pool();
    let threads = -1;
    workers.state$.subscribe((state) => {
      threads = state.threads;
    });
    expect(await lastValueFrom(EMPTY.pipe(inWorkers(DOUBLE, { workers }), toArray()))).toEqual([]);
    expect(threads).toBe(0);
  });

  test('are followed by the error of the source', async () => {
    const workers = pool();
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      const failing = new Subject<number>();
      failing.pipe(inWorkers(DOUBLE, { workers })).subscribe({
        next: (value) => seen.push(value),
        error: (error) => {
          seen.push(error);
          resolve();
        },
      });
      failing.next(1);
      failing.error('broken');
    });
    expect(seen).toEqual([2, 'broken']);
  });

  test('of several operators come from one pool', async () => {
    const workers = pool({ size: 1 });
    const both = await Promise.all([
      resultsOf(upTo(50), inWorkers(DOUBLE, { workers })),
      resultsOf(upTo(50), inWorkers(DOUBLE, { workers })),
    ]);
    expect(both.map((results) => results.length)).toEqual([50, 50]);
  });
});

describe('bytes', () => {
  test('are moved to the worker and back: what was sent is empty afterwards', async () => {
    const workers = pool();
    const bytes = new Uint8Array(1_000);
    const [result] = await resultsOf([bytes], inWorkers(FILL, { workers }));
    expect(result).toEqual(new Uint8Array(1_000).fill(7));
    expect(bytes.byteLength).toBe(0);
  });

  test('are copied where that is asked for', async () => {
    const workers = pool();
    const bytes = new Uint8Array(1_000);
    const [result] = await resultsOf([bytes], inWorkers(FILL, { workers, transfer: 'none' }));
    expect(result).toEqual(new Uint8Array(1_000).fill(7));
    expect(bytes).toEqual(new Uint8Array(1_000));
  });

  test('of a larger buffer are copied, and leave the rest of it alone', async () => {
    const workers = pool();
    const whole = new Uint8Array(100).fill(1);
    const pooled = Buffer.from('from the pool of Node');
    const results = await resultsOf([whole.subarray(10, 20), pooled], inWorkers(FILL, { workers, order: 'source' }));
    expect(results.map((result) => result.byteLength)).toEqual([10, 21]);
    expect(whole).toEqual(new Uint8Array(100).fill(1));
    expect(pooled.toString()).toBe('from the pool of Node');
  });

  test('are found in the fields and elements of a chunk', async () => {
    const workers = pool();
    const task = workerTask<typeof tasks.sumOf>({ module, export: 'sumOf' });
    const parts = [new Uint8Array(3).fill(2), new Uint8Array(10).fill(9).subarray(0, 1)];
    expect(await resultsOf([{ parts }], inWorkers(task, { workers }))).toEqual([15]);
    expect(parts.map((part) => part.byteLength)).toEqual([0, 1]);
  });
});

interface Ending {
  readonly results: readonly unknown[];
  readonly losses: readonly Loss[];
  readonly errors: readonly string[];
  readonly books: unknown;
}

/** Runs the deeds one after the other, and tells what was lost, and why. */
async function endingOf(
  deeds: readonly tasks.Deed[],
  workers: WorkerPool,
  options: Partial<InWorkersOptions<tasks.Deed, tasks.Deed, string, string>> = {},
): Promise<Ending> {
  const losses: Loss[] = [];
  const errors: string[] = [];
  const ledger = createLedger();
  const results = await lastValueFrom(
    from(deeds).pipe(
      inWorkers<tasks.Deed, string>(DOING, {
        workers,
        ledger,
        ...options,
        onLoss: (loss) => losses.push(loss),
        onTaskError: (error) => errors.push((error as Error).message),
      }),
      toArray(),
    ),
  );
  const { accepted, handedOn, pending, lost } = ledger.stats().stages.inWorkers as never as Record<string, unknown>;
  return { results, losses, errors, books: { accepted, handedOn, pending, lost } };
}

describe('a task that', () => {
  test.each(['throw', 'reject'] as const)('%ss costs its chunk and no thread', async (deed) => {
    const workers = pool({ size: 1 });
    const { results, errors, books } = await endingOf(['work', deed, 'work'], workers);
    expect(results).toEqual(['work', 'work']);
    expect(errors).toEqual([
      expect.stringMatching(/^the task doing of file:.* failed: (?:thrown|rejected) by the task$/),
    ]);
    expect(books).toEqual({ accepted: 3, handedOn: 2, pending: 0, lost: { operatorFailed: 1 } });
    expect(await stateOf(workers)).toMatchObject({ crashes: 0, threads: 1 });
  });

  test('throws an error of many megabytes: its message is cut', async () => {
    const task = workerTask<typeof tasks.talkative>({ module, export: 'talkative' });
    const errors: Error[] = [];
    const onTaskError = (error: unknown) => void errors.push(error as Error);
    const operator = inWorkers(task, {
      workers: pool({ resourceLimits: { maxOldGenerationSizeMb: 64 } }),
      onTaskError,
    });
    expect(await resultsOf([8_000_000], operator)).toEqual([]);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message.length).toBeLessThan(11_000);
  });

  test('returns a function: the error says so', async () => {
    const { errors, books } = await endingOf(['function'], pool({ size: 1 }));
    expect(errors).toEqual([expect.stringContaining('the result is a function, which cannot be sent')]);
    expect(books).toMatchObject({ lost: { operatorFailed: 1 } });
  });

  test('does not exist: the error names the exports', async () => {
    const workers = pool({ size: 1 });
    const task = workerTask<(chunk: number) => number>({ module, export: 'duoble' });
    const errors: unknown[] = [];
    const operator = inWorkers(task, { workers, onTaskError: (error) => errors.push((error as Error).message) });
    expect(await resultsOf([1], operator)).toEqual([]);
    expect(errors).toEqual([expect.stringMatching(/exports no function 'duoble'; its exports are .*double/)]);
  });
});

describe('what diag is told of failures', () => {
  const warnings: string[] = [];
  beforeEach(() => {
    warnings.length = 0;
    const ignore = () => {};
    const logger = { ...{ error: ignore, info: ignore, debug: ignore, verbose: ignore }, warn: collect };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  });
  afterEach(() => diag.disable());
  const collect = (warning: string) => void warnings.push(warning);

  test('the first one of each kind, with its message and without any options; the others are summed up at the end', async () => {
    const workers = pool({ size: 1 });
    const deeds: tasks.Deed[] = ['work', 'throw', 'exit', 'throw', 'reject', 'exit', 'work'];
    const seen: number[] = [];
    const operator = inWorkers(DOING, { workers, name: 'parsing', receive: () => seen.push(warnings.length) });
    await resultsOf(deeds, operator as never);
    expect(seen).toEqual([0, 2]);
    expect(warnings).toEqual([
      expect.stringMatching(/^parsing: the task doing of file:.* failed: thrown by the task$/),
      'parsing: worker 0 of workers called process.exit(3)',
      expect.stringMatching(/^parsing: the task doing of file:.* failed: rejected by the task \(the newest of 2\)$/),
      'parsing: worker 0 of workers called process.exit(3)',
    ]);
  });

  test('a name that the module does not export, a chunk that cannot be sent, and a callback that throws', async () => {
    const workers = pool({ size: 1 });
    const missing = workerTask<(chunk: number) => number>({ module, export: 'duoble' });
    await resultsOf([1], inWorkers(missing, { workers }));
    await resultsOf([() => {}], inWorkers(DOUBLE as never, { workers }));
    const receive = () => {
      throw new Error('cannot be read');
    };
    await resultsOf([1], inWorkers(DOUBLE, { workers, receive }));
    expect(warnings).toEqual([
      expect.stringMatching(/^inWorkers: the task duoble of .* exports no function 'duoble'; its exports are .*double/),
      expect.stringMatching(/^inWorkers: the chunk for double of .* is a function, which cannot be sent/),
      'inWorkers: a callback threw: cannot be read',
    ]);
  });
});

describe('a crash', () => {
  test.each([
    ['exit', 'exit'],
    ['uncaught', 'error'],
    ['unhandled', 'error'],
    ['outOfMemory', 'outOfMemory'],
  ] as const)('by %s costs the chunk, is counted, and the thread is replaced', async (deed, kind) => {
    const crashes: unknown[] = [];
    const workers = pool({
      size: 1,
      resourceLimits: { maxOldGenerationSizeMb: 32 },
      onCrash: (crash) => crashes.push(crash),
    });
    const { results, losses, books } = await endingOf(['work', deed, 'work'], workers);
    expect(results).toEqual(['work', 'work']);
    expect(losses).toEqual([{ count: 1, reason: 'workerCrashed', stage: 'inWorkers' }]);
    expect(books).toEqual({ accepted: 3, handedOn: 2, pending: 0, lost: { workerCrashed: 1 } });
    expect(crashes).toEqual([expect.objectContaining({ kind, pool: 'workers', worker: 0, isAtStart: false })]);
    expect(await stateOf(workers)).toMatchObject({ crashes: 1, completed: 2 });
  });

  test('at the start makes the next thread wait, and each costs one chunk', async () => {
    const task = workerTask<(chunk: number) => number>({
      module: new URL('./crashingAtStart.ts', import.meta.url),
      export: 'never',
    });
    const delays: number[] = [];
    const crashes: boolean[] = [];
    const step = (delayMillis: number) => ({
      delayMillis,
      next: () => {
        delays.push(delayMillis);
        return step(delayMillis + 1);
      },
    });
    const workers = pool({
      size: 1,
      backoff: { first: () => step(1) },
      onCrash: ({ isAtStart }) => crashes.push(isAtStart),
    });
    const ledger = createLedger();
    expect(await resultsOf([1, 2, 3], inWorkers(task, { workers, ledger }))).toEqual([]);
    expect(crashes).toEqual([true, true, true]);
    expect(delays).toEqual([1, 2]);
    expect(ledger.stats()).toMatchObject({ pending: 0, lost: { workerCrashed: 3 } });
  });
});

describe('a chunk that cannot be cloned', () => {
  test('is lost alone, with an error that says where the function is; no bytes are detached', async () => {
    const workers = pool({ size: 1 });
    const errors: unknown[] = [];
    const ledger = createLedger();
    const bytes = new Uint8Array(8);
    const bad = { bytes, rules: [{ test: () => true }] };
    const task = workerTask<(chunk: unknown) => unknown>({ module, export: 'double' });
    const results = await resultsOf<unknown, unknown>(
      [bad, 2],
      inWorkers(task, { workers, ledger, onTaskError: (error) => errors.push((error as Error).message) }),
    );
    expect(results).toEqual([4]);
    expect(errors).toEqual([
      expect.stringMatching(
        /^the chunk for double of file:.* at \.rules\[0\]\.test is a function, which cannot be sent/,
      ),
    ]);
    expect(bytes.byteLength).toBe(8);
    expect(ledger.stats()).toMatchObject({ lost: { unencodable: 1 }, pending: 0 });
  });
});

describe('unsubscribed', () => {
  test('it aborts what runs, and the thread works on', async () => {
    const workers = pool({ size: 1 });
    const told = new Int32Array(new SharedArrayBuffer(8));
    const task = workerTask<typeof tasks.untilAborted>({ module, export: 'untilAborted' });
    const ledger = createLedger();
    const subscription = concat(of(told, told), NEVER).pipe(inWorkers(task, { workers, ledger })).subscribe();
    await Atomics.waitAsync(told, 0, 0).value;
    subscription.unsubscribe();
    await Atomics.waitAsync(told, 1, 0).value;
    expect(ledger.stats()).toMatchObject({ pending: 0, lost: { unconfirmed: 1, unsubscribed: 1 } });
    expect(await resultsOf([1], inWorkers(DOUBLE, { workers }))).toEqual([2]);
    expect(await stateOf(workers)).toMatchObject({ terminated: 0, crashes: 0, threads: 1 });
  });

  test('while the module is being imported, no state is made that nobody would let go of', async () => {
    const workers = pool({ size: 1, abortMillis: 60_000 });
    const slow = new URL('./slowTasks.ts', import.meta.url);
    const task = workerTask<(n: number) => number>({ module: slow, export: 'statesMade', state: 'makeState' });
    const channel = new BroadcastChannel('slowTasks');
    const importing = new Promise((resolve) => {
      channel.onmessage = resolve;
    });
    const subscription = of(1).pipe(inWorkers(task, { workers })).subscribe();
    await importing;
    channel.close();
    subscription.unsubscribe();
    expect(await resultsOf([1], inWorkers(task, { workers }))).toEqual([1]);
    expect(await stateOf(workers)).toMatchObject({ terminated: 0, crashes: 0, threads: 1 });
  });

  test('a task that does not stop costs its thread', async () => {
    const workers = pool({ size: 1, abortMillis: 1 });
    const told = new Int32Array(new SharedArrayBuffer(8));
    const task = workerTask<(told: Int32Array<SharedArrayBuffer>) => number>({ module, export: 'loop' });
    const subscription = of(told).pipe(inWorkers(task, { workers })).subscribe();
    await Atomics.waitAsync(told, 0, 0).value;
    subscription.unsubscribe();
    expect(await resultsOf([1], inWorkers(DOUBLE, { workers }))).toEqual([2]);
    expect(await stateOf(workers)).toMatchObject({ terminated: 1, crashes: 0 });
  });
});

test('a chunk that takes too long is lost, and the next one has a thread', async () => {
  const workers = pool({ size: 1, abortMillis: 1 });
  const errors: unknown[] = [];
  const told = new Int32Array(new SharedArrayBuffer(8));
  const task = workerTask<(told: Int32Array<SharedArrayBuffer>) => number>({ module, export: 'loop' });
  const ledger = createLedger();
  const operator = inWorkers(task, {
    workers,
    timeoutMillis: 5,
    ledger,
    onTaskError: (error) => errors.push((error as { code: string }).code),
  });
  expect(await resultsOf([told], operator)).toEqual([]);
  expect(errors).toEqual(['TIMEOUT']);
  expect(ledger.stats()).toMatchObject({ pending: 0, lost: { operatorFailed: 1 } });
  expect(await resultsOf([1], inWorkers(DOUBLE, { workers }))).toEqual([2]);
});

describe('with shardBy', () => {
  const COUNT = workerTask<(key: string) => number | Record<string, number>>({
    module,
    export: 'count',
    state: 'newCounts',
    finish: 'counted',
  });
  const keys = upTo(300).map((index) => `key ${index % 30}`);

  test('all chunks of a key meet one state, which is finished at the end', async () => {
    const workers = pool({ size: 3 });
    const results = await resultsOf(keys, inWorkers(COUNT, { workers, shardBy: (key) => key }));
    const ends = results.splice(300) as Record<string, number>[];
    expect(ends.length).toBe(3);
    const counts = ends.flatMap((end) => Object.entries(end));
    expect(counts.map(([key]) => key).sort()).toEqual([...new Set(keys)].sort());
    expect(counts.every(([, count]) => count === 10)).toBe(true);
  });

  test.each([
    ['small integers', (index: number) => index],
    ['short texts', (index: number) => `k${index}`],
  ] as const)('%s are spread evenly over the workers', async (_, keyOf) => {
    const workers = pool({ size: 4 });
    const where = workerTask<typeof tasks.where>({ module, export: 'where' });
    const chunks = [...upTo(16), ...upTo(16)];
    const send = { workers, shardBy: keyOf, receive: ({ worker }: { worker: number }, key?: number) => [key, worker] };
    const pairs = await lastValueFrom(from(chunks).pipe(inWorkers(where, send), toArray()));
    const met = [...new Set(pairs.map(String))];
    expect(met).toHaveLength(16);
    const byWorker = Object.groupBy(met, (pair) => pair.split(',')[1] as string);
    expect(Object.values(byWorker).map((of) => of?.length)).toEqual([4, 4, 4, 4]);
  });

  test('each subscription has a state of its own', async () => {
    const workers = pool({ size: 1 });
    const operator = inWorkers(COUNT, { workers, shardBy: (key: string) => key });
    expect(await resultsOf(['a', 'a'], operator)).toEqual([1, 2, { a: 2 }]);
    expect(await resultsOf(['a'], operator)).toEqual([1, { a: 1 }]);
  });

  test('a crash loses what its state held, by its own count', async () => {
    const workers = pool({ size: 1 });
    const ledger = createLedger();
    const losses: Loss[] = [];
    const results = await resultsOf(
      ['a', 'a', 'exit', 'a'],
      inWorkers(COUNT, { workers, ledger, shardBy: (key) => key, onLoss: (loss) => losses.push(loss) }),
    );
    expect(results).toEqual([1, 2, 1, { a: 1 }]);
    expect(losses.map(({ count }) => count)).toEqual([2, 1]);
    expect(ledger.stats().stages.inWorkers).toMatchObject({
      accepted: 4,
      handedOn: 1,
      pending: 0,
      lost: { workerCrashed: 3 },
    });
  });

  test('unsubscribed, it counts what the states held', async () => {
    const workers = pool({ size: 1 });
    const ledger = createLedger();
    await new Promise<void>((resolve) => {
      const seen: unknown[] = [];
      const subscription = concat(of('a', 'b'), NEVER)
        .pipe(inWorkers(COUNT, { workers, ledger, shardBy: (key) => key }))
        .subscribe((value) => {
          seen.push(value);
          if (seen.length === 2) {
            subscription.unsubscribe();
            resolve();
          }
        });
    });
    expect(ledger.stats().stages.inWorkers).toMatchObject({
      accepted: 2,
      handedOn: 0,
      pending: 0,
      lost: { unsubscribed: 2 },
    });
  });

  test('a `finish` that throws is told, and what the state held is lost', async () => {
    const workers = pool({ size: 1 });
    const ledger = createLedger();
    const errors: unknown[] = [];
    const task = workerTask<(key: string) => number>({
      module,
      export: 'count',
      state: 'newCounts',
      finish: 'failing',
    });
    const operator = inWorkers(task, {
      workers,
      ledger,
      shardBy: (key) => key,
      onTaskError: (error) => errors.push((error as Error).message),
    });
    expect(await resultsOf(['a'], operator)).toEqual([1]);
    expect(errors).toEqual([expect.stringContaining('no end')]);
    expect(ledger.stats().stages.inWorkers).toMatchObject({ handedOn: 0, lost: { operatorFailed: 1 } });
  });
});

describe('a batch', () => {
  const batches = (count: number, ledger = createLedger()) =>
    from(upTo(count)).pipe(adaptiveBatch<number>({ ledger, maxExportBatchSize: count, maxQueueSize: 1_000 }));

  test('is held until its result is held, and ends as that does', async () => {
    const workers = pool({ size: 1 });
    const ledger = createLedger();
    const operator = inWorkers<number, number, Batch<number>, Batch<number>>(DOUBLE, {
      workers,
      ledger,
      send: (batch) => batch.items.length,
      receive: (result, batch) => withItems(batch as Batch<number>, [result]),
    });
    await new Promise<void>((resolve) => {
      batches(10, ledger)
        .pipe(operator)
        .subscribe({
          next: (batch) => {
            expect(batch.items).toEqual([20]);
            const hold = batch.hold();
            expect(ledger.stats().stages.adaptiveBatch).toMatchObject({ pending: 10 });
            hold.settle({ delivered: 9, rejected: 1, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 });
          },
          complete: resolve,
        });
    });
    expect(ledger.stats().stages.adaptiveBatch).toMatchObject({ delivered: 9, rejected: 1, pending: 0 });
    expect(ledger.stats().stages.inWorkers).toMatchObject({ accepted: 10, handedOn: 10 });
  });

  test('that is lost ends as lost', async () => {
    const workers = pool({ size: 1 });
    const ledger = createLedger();
    const operator = inWorkers<tasks.Deed, string, Batch<number>, string>(DOING, {
      workers,
      ledger,
      send: () => 'exit',
    });
    expect(await lastValueFrom(batches(10, ledger).pipe(operator, toArray()))).toEqual([]);
    expect(ledger.stats().stages.adaptiveBatch).toMatchObject({ lost: { workerCrashed: 10 }, pending: 0 });
  });
});

/** The state of the pool now. */
function stateOf(workers: WorkerPool): Promise<unknown> {
  return new Promise((resolve) => workers.state$.subscribe(resolve).unsubscribe());
}
