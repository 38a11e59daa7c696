import { Observable, type OperatorFunction } from 'rxjs';
import { must, settingsOf } from '../../internal/validation.ts';
import { Stage } from '../../ledger/stage.ts';
import type { WorkerTask } from '../task.ts';
import {
  IN_WORKERS_DEFAULTS,
  IN_WORKERS_RULES,
  type InWorkersOptions,
  type InWorkersSettings,
  STAGE,
} from './options.ts';
import { Working } from './working.ts';

const aTask = must('a task of workerTask()', (task) => {
  const { module, export: name } = (task ?? {}) as Partial<WorkerTask<never, unknown>>;
  return typeof module === 'string' && typeof name === 'string';
});

/**
 * Runs a function of a module over chunks, on the threads of a pool.
 *
 * ```text
 * source      abcd---|
 * subscribed  ^------!
 *             inWorkers: two workers; a and d take 6 ms, b and c 2 ms
 * result      ---b-ca----(d|)
 * ```
 *
 * A chunk is whatever comes: give it enough work to be worth the way to another thread and back, some 20 to 50 µs. `bufferCount` and `adaptiveBatch` make chunks of single items.
 *
 * **Emits** the result of each chunk. A task that throws, a worker that crashes and a task that takes too long cost their chunk and nothing else. **Completes** after the source, when every chunk has its result, and after what
 * the task's `finish` returns. **Errors** like the source, after the results; states are dropped then.
 * **Unsubscribed**, it starts nothing more, aborts what runs (the task's `signal`; after the pool's `abortMillis` its thread is ended), drops the states, and reports what it held as lost.
 *
 * **Order**: by `order`, as chunks end or as they came; with `shardBy`, the chunks of a key one after the other. Each worker has one chunk at a time, and whichever is idle takes the next one.
 *
 * **What is detached**: with `transfer: 'buffers'`, an `ArrayBuffer`, or a view that is all of its buffer, is moved and not copied if it is the chunk itself, one of its elements or fields, or one of theirs; afterwards it is empty on this side. The same
 * holds for results on the side of the worker. A `Uint8Array` or `Buffer` that is a part of a larger buffer is copied, and stays as it is. Everything else is copied by structured cloning, which costs more than it saves for most objects: encode
 * them (`send`) and let the worker have the bytes. Instances of classes arrive as plain objects, without their methods.
 *
 * **Batches**: a {@link Batch} is held until its result has been emitted, or is lost; `receive` makes a batch of it again by `withItems`, whose holders then speak for it. The books count a batch as its items, and any other chunk as 1.
 *
 * **State**: a task that remembers (`state` of {@link workerTask}) has a state of its own in each worker and for each subscription; with `shardBy` it sees all chunks of its keys. The items that it holds count as handed on; if it tells their
 * number as `pendingItems`, they are counted as lost when the state is lost (`workerCrashed`, `unsubscribed`).
 *
 * **Operators**: a task of `kind: 'operator'` is an RxJS operator ({@link operatorTask}) that each worker has for itself: with `shardBy`, `tailSample` and `groupByTrace` see all spans of their traces, on all cores. What comes out is emitted when it comes, whatever `order` says. A chunk has its result when it has
 * gone in; what the operators hold is pending, and what they remove or lose is in the books here. One that throws goes on, and is told (`onTaskError`).
 *
 * **Flush**: `flushWhen`, or the `forceFlush` of the run, waits for the chunks that came before it, and lets out what operators in the workers hold.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds; `unencodable` (the chunk cannot be cloned, a function in it for example; the error says where), `operatorFailed` (the task threw, took too long, or its result cannot be cloned), `workerCrashed`,
 * `shutdown` and `alreadyShutdown` (of the pool); `unsubscribed` for what waited and `unconfirmed` for what ran. Each is reported to `onLoss`, and why to `onTaskError`
 * and by OpenTelemetry's `diag.warn`: the first failure of each kind (thrown, timed out, crashed, not cloneable …) at once, then the newest of that kind with their number, at most every 30 seconds.
 *
 * **Process**: it is kept alive while a worker works, and not otherwise: what operators there hold does not, unless a flush waits for it.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * // ./tasks.js: export const gzip = (body) => new Uint8Array(gzipSync(body));
 * const gzip = workerTask<(body: Uint8Array) => Uint8Array>({ module: new URL('file:///srv/app/tasks.js'), export: 'gzip' });
 * const workers = workerPool();
 * of(new TextEncoder().encode('{}'))
 *   .pipe(inWorkers(gzip, { workers, order: 'source' }))
 *   .subscribe((body) => console.log(body.byteLength));
 * ```
 *
 * @see workerPool, workerTask, operatorTask, boundedMergeMap
 */
export function inWorkers<C, R, T = C, O = R>(
  task: WorkerTask<C, R>,
  options: InWorkersOptions<T, C, R, O>,
): OperatorFunction<T, O> {
  const settings = settingsOf<InWorkersSettings<T, C, R, O>>(
    STAGE,
    IN_WORKERS_DEFAULTS as unknown as Partial<InWorkersSettings<T, C, R, O>>,
    IN_WORKERS_RULES,
    options,
    { task: [task, aTask] },
  );
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? STAGE);
  return function inWorkersOperator(source) {
    return new Observable((subscriber) => {
      const { account, run } = stage.open();
      run?.coversWhatFollows(account);
      const own = { ...settings, flushWhen: settings.flushWhen ?? run?.parts.flush$ };
      new Working<T, C, R, O>(subscriber, task, own, account, run).follow(source);
    });
  };
}
