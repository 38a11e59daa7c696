import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lastValueFrom, of, type SchedulerLike, Subscription, toArray, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { createLedger, exponentialBackoff, InvalidOptionError } from '../../src/index.ts';
import {
  type Cloneable,
  inWorkers,
  sumStats,
  type WorkerPool,
  type WorkerPoolState,
  type WorkerTask,
  workerPool,
  workerTask,
} from '../../src/workers/index.ts';
import { presetSize } from '../../src/workers/workerPool/options.ts';
import type * as tasks from './tasks.ts';

const module = new URL('./tasks.ts', import.meta.url);
const DOUBLE = workerTask<typeof tasks.double>({ module, export: 'double' });

function stateOf(workers: WorkerPool): WorkerPoolState {
  let now: WorkerPoolState | undefined;
  workers.state$
    .subscribe((state) => {
      now = state;
    })
    .unsubscribe();
  return now as WorkerPoolState;
}

async function run(program: string): Promise<string[]> {
  const path = join(import.meta.dirname, 'programs', program);
  const { stdout } = await promisify(execFile)(process.execPath, [path], { timeout: 120_000 });
  return stdout.trim().split('\n');
}

/** A clock that stands still but for its timers. Each of these fires a little early: the first reading afterwards is before the time that it was set to, and the next one is not. */
function earlyClock(): { scheduler: SchedulerLike; early: { fired: number } } {
  const early = { fired: 0 };
  let nowMillis = 0;
  let isEarly = false;
  const now = () => {
    const reading = isEarly ? nowMillis - 0.01 : nowMillis;
    isEarly = false;
    return reading;
  };
  const schedule = (work: () => void, delayMillis = 0): Subscription => {
    // Deadlines of other kinds never come.
    if (delayMillis >= 1_000) return new Subscription();
    const turn = setImmediate(() => {
      nowMillis += delayMillis;
      isEarly = true;
      early.fired += 1;
      work();
    });
    return new Subscription(() => clearImmediate(turn));
  };
  return { scheduler: { now, schedule: schedule as never }, early };
}

describe('workerPool', () => {
  test.each([
    ['cpu', 1, 1],
    ['cpu', 2, 1],
    ['cpu', 8, 7],
    ['background', 2, 1],
    ['background', 8, 2],
    ['background', 64, 16],
  ] as const)('%s on %i cores has %i threads', (preset, cores, size) => {
    expect(presetSize(preset, cores)).toBe(size);
  });

  test('starts threads when there is work for them, and ends one that was idle for long enough', async () => {
    const scheduler = new VirtualTimeScheduler();
    const workers = workerPool({ size: 2, idleMillis: 50, scheduler });
    expect(stateOf(workers)).toEqual({
      size: 2,
      threads: 0,
      running: 0,
      queued: 0,
      completed: 0,
      crashes: 0,
      terminated: 0,
      isShutdown: false,
    });
    expect(await lastValueFrom(of(1).pipe(inWorkers(DOUBLE, { workers })))).toBe(2);
    expect(stateOf(workers)).toMatchObject({ threads: 1, completed: 1 });
    scheduler.flush();
    expect(stateOf(workers)).toMatchObject({ threads: 0, crashes: 0 });
    expect(await lastValueFrom(of(2).pipe(inWorkers(DOUBLE, { workers })))).toBe(4);
    await workers.shutdown();
  });

  test('shutdown waits for what runs and is queued, and takes nothing afterwards', async () => {
    const workers = workerPool({ size: 1 });
    const ledger = createLedger();
    const results = lastValueFrom(of(1, 2, 3).pipe(inWorkers(DOUBLE, { workers }), toArray()));
    const session = workers.session(DOUBLE);
    const late = lastValueFrom(session.run(10));
    await workers.shutdown();
    expect(await late).toBe(20);
    expect(stateOf(workers)).toMatchObject({ threads: 0, running: 0, isShutdown: true });
    await results;
    await lastValueFrom(of(1).pipe(inWorkers(DOUBLE, { workers, ledger }), toArray()));
    expect(ledger.stats()).toMatchObject({ lost: { alreadyShutdown: 1 }, pending: 0 });
  });

  test('shutdown at its deadline: what runs is lost as that', async () => {
    const workers = workerPool({ size: 1 });
    const told = new Int32Array(new SharedArrayBuffer(8));
    const task = workerTask<(told: Int32Array<SharedArrayBuffer>) => number>({ module, export: 'loop' });
    const ledger = createLedger();
    const all = lastValueFrom(of(told, told).pipe(inWorkers(task, { workers, ledger }), toArray()));
    await Atomics.waitAsync(told, 0, 0).value;
    await workers.shutdown({ timeoutMillis: 0 });
    expect(await all).toEqual([]);
    expect(ledger.stats()).toMatchObject({ lost: { shutdown: 1, alreadyShutdown: 1 }, pending: 0 });
  });

  test('leaves no thread, port or timer behind', async () => {
    expect(await run('leaks.ts')).toEqual(['{"threads":true}', '{"threads":0,"listeners":[0,0]}', '{"kept":[]}']);
  });

  test('keeps the process alive while a chunk waits for a thread that is being ended', async () => {
    expect(await run('afterTimeout.ts')).toEqual(['[]', '[ 2, 4 ]', 'the natural end']);
  });

  test('a timer that fires early is followed by another one, also where the time is over by then', async () => {
    const { scheduler, early } = earlyClock();
    const task = workerTask<(chunk: number) => number>({
      module: new URL('./crashingAtStart.ts', import.meta.url),
      export: 'never',
    });
    const workers = workerPool({
      size: 1,
      scheduler,
      backoff: exponentialBackoff({ initialMillis: 10, jitter: 'none' }),
    });
    expect(await lastValueFrom(of(1, 2).pipe(inWorkers(task, { workers }), toArray()))).toEqual([]);
    expect(early.fired).toBeGreaterThan(0);
    expect(stateOf(workers)).toMatchObject({ crashes: 2, queued: 0 });
    await workers.shutdown();
  });

  test.each([
    [{ size: 0 }, 'workerPool.size must be a whole number from 1'],
    [{ preset: 'gpu' }, "workerPool.preset must be one of 'cpu', 'background'"],
    [
      { resourceLimits: { maxOldSpaceMb: 3 } },
      'workerPool.resourceLimits.maxOldSpaceMb must be one of the known options',
    ],
    [{ name: '' }, 'workerPool.name must be a string that is not empty'],
  ])('refuses %j', (options, message) => {
    expect(() => workerPool(options as never)).toThrow(InvalidOptionError);
    expect(() => workerPool(options as never)).toThrow(message);
  });
});

describe('workerTask', () => {
  test('refuses what is no module', () => {
    expect(() => workerTask({ module: './tasks.ts', export: 'double' } as never)).toThrow(
      'workerTask.module must be a file: URL',
    );
  });

  test('has the types of the function, and refuses what holds functions', () => {
    expectTypeOf(DOUBLE).toEqualTypeOf<WorkerTask<number, number>>();
    expectTypeOf<Cloneable<{ at: Date; bytes: Uint8Array; tags: readonly string[] }>>().toEqualTypeOf<{
      at: Date;
      bytes: Uint8Array;
      tags: readonly string[];
    }>();
    expectTypeOf<Cloneable<{ test: () => boolean }>>().toEqualTypeOf<{ test: never }>();
    type WithMethod = (span: { name: string; end(): void }) => string;
    // @ts-expect-error its chunk has a method
    workerTask<WithMethod>({ module, export: 'double' });
    // @ts-expect-error its result is a function
    workerTask<() => () => void>({ module, export: 'double' });
  });
});

test('sumStats adds up the books of pipelines side by side', () => {
  const books = [1, 2].map((count) => {
    const ledger = createLedger();
    const account = ledger.open('input', 'in');
    account.accept(count);
    account.handOn(count);
    account.refuse(1, 'queueFull');
    return ledger.stats();
  });
  const sum = sumStats(books.map((stats) => structuredClone(stats)));
  expect(sum).toMatchObject({
    pipelines: 2,
    offered: 5,
    accepted: 3,
    handedOn: 3,
    refused: { queueFull: 2 },
    pending: 0,
  });
  expect(sum.stages.in).toMatchObject({ accepted: 3, handedOn: 3 });
  expect(sumStats([])).toMatchObject({ pipelines: 0, offered: 0 });
});
