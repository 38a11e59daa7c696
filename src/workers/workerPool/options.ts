import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';
import type { Observable, SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import {
  aFunction,
  aScheduler,
  millis,
  must,
  numberFrom,
  oneOf,
  optional,
  type Rules,
  record,
  whole,
} from '../../internal/validation.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import type { LossReason } from '../../model/tally.ts';
import { aBackoff, type Backoff, exponentialBackoff } from '../../strategies/backoff.ts';
import type { OperatorAnswer } from '../operatorTask/options.ts';
import type { WorkerTask } from '../task.ts';

/**
 * What the threads of a pool are for. With n cores, as `os.availableParallelism()` counts them: `cpu`: work that the stream waits for, on n − 1 threads, at least 1, so that a core is left for the main thread and its I/O ·
 * `background`: work that may take its time, on a quarter of n, at least 1; on Linux its threads also run below the priority of the program.
 */
export type WorkerPreset = 'cpu' | 'background';

/** A thread that ended without being told to. */
export interface WorkerCrash {
  /** The name of the pool. */
  readonly pool: string;
  /** The number of the worker, from 0. */
  readonly worker: number;
  /** `error`: an exception or a rejection that nothing caught · `outOfMemory`: the thread reached its `resourceLimits` · `exit`: it called `process.exit()` */
  readonly kind: 'error' | 'outOfMemory' | 'exit';
  /** What was thrown; `undefined` for `exit`. */
  readonly error: unknown;
  /** The exit code of the thread. */
  readonly exitCode: number;
  /** Whether it had done nothing yet. Then the next thread is started after a wait. */
  readonly isAtStart: boolean;
}

/** The options of {@link workerPool}. */
export interface WorkerPoolOptions {
  /** What the pool is called in errors, and its threads in a debugger or a profile. Default `workers`. */
  name?: string;
  /** What the threads are for: `cpu` or `background`, see {@link WorkerPreset}. Default `cpu`. */
  preset?: WorkerPreset;
  /** Threads at most: 1 or more. Default: that of the preset. More than there are cores makes nothing faster. */
  size?: number;
  /**
   * The memory of each thread, in megabytes, as Node has it: `maxOldGenerationSizeMb`, `maxYoungGenerationSizeMb`, `codeRangeSizeMb`, `stackSizeMb`. A thread that needs more is ended, which costs the chunk that it was working on. Buffers
   * are outside of these limits. Default: V8's own limits.
   */
  resourceLimits?: ResourceLimits;
  /** A thread that has had nothing to do for this long is ended, in milliseconds: 0 or more, or `Infinity` for never. Default 10,000: a start takes some 30 ms. A thread that holds the state of a subscription stays. */
  idleMillis?: number;
  /** How long a task may go on after it was aborted, in milliseconds: 0 or more. Default 1,000. Then its thread is ended and replaced: nothing else stops a loop. */
  abortMillis?: number;
  /** How long it takes until another thread is started when threads crash before they have done anything. Default `exponentialBackoff({ initialMillis: 100, maxMillis: 30_000 })`. */
  backoff?: Backoff;
  /** Called for each thread that ends without being told to. What it throws is ignored. Default: nothing is called. */
  onCrash?: (crash: WorkerCrash) => void;
  /** Numbers from 0 to 1 (excluded), for the jitter of `backoff`. Default `Math.random`. */
  random?: () => number;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export type WorkerPoolSettings = Required<Omit<WorkerPoolOptions, 'resourceLimits'>> &
  Pick<WorkerPoolOptions, 'resourceLimits'>;

export const WORKER_POOL_DEFAULTS: Readonly<Omit<WorkerPoolSettings, 'size'>> = Object.freeze({
  name: 'workers',
  preset: 'cpu',
  idleMillis: 10_000,
  abortMillis: 1_000,
  backoff: exponentialBackoff({ initialMillis: 100, maxMillis: 30_000 }),
  onCrash: () => {},
  random: Math.random,
  scheduler: monotonicScheduler,
});

const megabytes = numberFrom(0, Number.MAX_SAFE_INTEGER);

export const WORKER_POOL_RULES: Rules<WorkerPoolSettings> = {
  name: must('a string that is not empty', (name) => typeof name === 'string' && name !== ''),
  preset: oneOf('cpu', 'background'),
  size: whole(1),
  resourceLimits: optional(
    record({
      maxOldGenerationSizeMb: megabytes,
      maxYoungGenerationSizeMb: megabytes,
      codeRangeSizeMb: megabytes,
      stackSizeMb: megabytes,
    }),
  ),
  idleMillis: millis(0, 'orInfinity'),
  abortMillis: millis(0),
  backoff: aBackoff,
  onCrash: aFunction,
  random: aFunction,
  scheduler: aScheduler,
};

/** How many threads a preset has on this machine. */
export function presetSize(preset: WorkerPreset | undefined, cores: number = availableParallelism()): number {
  return Math.max(1, preset === 'background' ? Math.floor(cores / 4) : cores - 1);
}

/** What a pool is doing. */
export interface WorkerPoolState {
  /** The most threads that it may have. */
  readonly size: number;
  /** Threads that are there. */
  readonly threads: number;
  /** Chunks that are being worked on. */
  readonly running: number;
  /** Chunks that wait for a thread. Those that wait in the queues of operators are not counted here. */
  readonly queued: number;
  /** Chunks that tasks have finished with, and of which a result came. */
  readonly completed: number;
  /** Threads that ended without being told to. */
  readonly crashes: number;
  /** Threads that were ended because an aborted task went on for longer than `abortMillis`. */
  readonly terminated: number;
  /** Whether it has been shut down, or is being shut down. */
  readonly isShutdown: boolean;
}

/** How one subscription uses a pool. */
export interface WorkerSessionOptions {
  /** Whether the bytes of chunks and results are moved (`buffers`, the default), or copied (`none`). See {@link inWorkers}. */
  readonly transfer?: 'buffers' | 'none';
  /** How long a task may take for a chunk, in milliseconds: 1 or more, or `Infinity`. Default `Infinity`. */
  readonly timeoutMillis?: number;
  /** Called when a worker's state was lost, with what its `pendingItems` said last. Default: nothing is called. */
  readonly onStateLost?: (pendingItems: number, reason: LossReason) => void;
  /** Called when an operator answers later than it was asked. Default: nothing is called. */
  readonly onEmitted?: (answer: OperatorAnswer<unknown>) => void;
  /** Called when an operator has thrown, and goes on. Default: nothing is called. */
  readonly onTrouble?: (error: Error) => void;
}

/** The use that one subscription makes of a pool, with a state of its own in each worker. */
export interface WorkerSession<C, R> {
  /**
   * Runs the task on a chunk: emits its result (of an operator, the {@link OperatorAnswer}) and completes, or errors with a `SpanflowError`. Nothing happens before it is subscribed to, and **unsubscribing aborts**.
   *
   * @param worker the number of the only worker that may do it, from 0; left out, any may
   */
  run(chunk: C, worker?: number): Observable<R>;
  /** For each worker that has a state, what ends it when it is subscribed to: it calls the task's `finish`, and emits what that returns. Of an operator it is the answer to its completion. Empty where the task is a function and has no `finish`. */
  finish(): readonly Observable<R>[];
  /** Asks the operators in the workers to let out what they hold, when it is subscribed to. Completes when they have. */
  flush(urgency?: FlushUrgency): Observable<never>;
  /** Lets go of the states. Returns how many items they held, by their `pendingItems`. */
  close(): number;
}

/** Worker threads that operators share. */
export interface WorkerPool {
  /** What it is called. */
  readonly name: string;
  /** The most threads that it may have. */
  readonly size: number;
  /** What it is doing: the present state at the subscription, and each change. */
  readonly state$: Observable<WorkerPoolState>;
  /** The use that one subscription makes of it; what {@link inWorkers} is built on. */
  session<C, R>(task: WorkerTask<C, R>, options?: WorkerSessionOptions): WorkerSession<C, R>;
  /**
   * Takes no more work, waits for what is queued and running, and ends the threads. It resolves when they have ended: after `timeoutMillis` at the latest (0 or more, default 10,000), when what is left fails. A second call returns the
   * same promise.
   */
  shutdown(options?: { timeoutMillis?: number }): Promise<void>;
}
