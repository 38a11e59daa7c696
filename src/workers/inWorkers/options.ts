import type { Observable } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { type GatedQueueOptions, QUEUE_RULES } from '../../flow/queueOptions.ts';
import {
  aFunction,
  anObservable,
  anOverflow,
  millis,
  oneOf,
  optional,
  type Rules,
  shape,
} from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import { isBatch } from '../../model/batch.ts';
import type { Overflow } from '../../model/overflow.ts';
import type { Loss } from '../../model/tally.ts';
import type { WorkerPool } from '../workerPool/options.ts';

/** The options of {@link inWorkers}. `T` comes, `C` goes to a worker, `R` comes back, `O` is emitted. */
export interface InWorkersOptions<T, C, R, O> extends GatedQueueOptions<T> {
  /** The pool. Operators that are given the same one share its threads: the oldest chunk goes first. */
  workers: WorkerPool;
  /** What the stage is called in losses and statistics. Default `inWorkers`. */
  name?: string;
  /** The order of the results. `completion` (the default): as the chunks end · `source`: in the order of the chunks; a result that waits for an earlier one takes a place in the queue. */
  order?: 'completion' | 'source';
  /**
   * The key of a chunk: chunks of one key go to one worker, one after the other, so that the state there knows all of them. Keys are compared by their text. A new key goes to a worker that has the fewest so far, and stays there; beyond 4,096 keys a hash decides. A worker that crashes is replaced, with a new state. With `shardBy` the results
   * of a key come in the order of its chunks, and `order` cannot be `source`. Default: any worker that is idle takes the next chunk.
   */
  shardBy?: (item: T) => string | number | bigint;
  /** Makes of a chunk what goes to the worker: of a batch of spans their encoded bytes, for example. It runs on the main thread when a worker is free. Default: the chunk itself. */
  send?: (item: T) => C;
  /**
   * Makes of a result what is emitted; `item` is the chunk that it belongs to, and `undefined` for what the task's `finish` has returned, and for what comes out of an operator. Of a batch it makes a batch by `withItems(item, …)`, so that the holds of the batch go on.
   * Default: the result itself.
   */
  receive?: (result: R, item: T | undefined) => O;
  /**
   * Whether bytes are moved to the worker and back (`buffers`, the default), or copied (`none`). What was moved is empty on this side afterwards (`byteLength` 0): give `none` if somebody else keeps the chunk.
   */
  transfer?: 'buffers' | 'none';
  /** How long a task may take for one chunk, in milliseconds: 1 or more, or `Infinity`. Default 60,000. Then it is aborted, and the chunk is lost as `operatorFailed`. */
  timeoutMillis?: number;
  /** Chunks that wait for a worker, at most: 1 or more, default 1,000. */
  maxQueueSize?: number;
  /**
   * What happens to a chunk that meets a full queue. `dropNewest` (the default) refuses it; `dropOldest` loses those that have waited longest;
   * `error` refuses it, unsubscribes the source, lets what is queued and running finish, and then errors with a {@link QueueFullError}.
   */
  overflow?: Overflow;
  /**
   * Each emission is a flush: the operators in the workers (`kind: 'operator'`) let out what they hold. A {@link FlushRequest} (an input's `flush$`) is also answered, when the chunks that came before it have their results, and what was let out has come back. Default:
   * that of the run ({@link runPipeline}), or else none.
   */
  flushWhen?: Observable<unknown>;
  /** Called for each loss (`queueFull`, `tooLarge`, `unencodable`, `operatorFailed`, `workerCrashed`, `shutdown`, `alreadyShutdown`, `unsubscribed`, `unconfirmed`), with the chunks. Bytes that were moved are not in them any more. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called with the reason when a chunk is lost to its task or its worker, and when `finish` fails or an operator in a worker has thrown; then there is no chunk. Default: nothing is called. The first failure of each kind is told by `diag.warn` in any case, and later ones summed up. */
  onTaskError?: (error: unknown, item: T | undefined) => void;
  /** Called when `onLoss`, `onTaskError`, `sizeOf` or a teardown throws, and when `sizeOf` returns an invalid number. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what is lost. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
}

export type InWorkersSettings<T, C, R, O> = Required<
  Omit<InWorkersOptions<T, C, R, O>, 'name' | 'gate' | 'ledger' | 'shardBy' | 'flushWhen'>
> & {
  name: string | undefined;
  gate: Gate | undefined;
  ledger: Ledger | undefined;
  shardBy: ((item: T) => string | number | bigint) | undefined;
  flushWhen: Observable<unknown> | undefined;
};

/** The bytes of a batch are known. */
function bytesOf(item: unknown): number {
  const isKnown = typeof item === 'object' && item !== null && 'items' in item && isBatch(item as never);
  return isKnown ? (item as unknown as { bytes: number }).bytes : estimateItemBytes(item);
}

const same = (value: unknown) => value;

export const IN_WORKERS_DEFAULTS: Readonly<Omit<InWorkersSettings<unknown, unknown, unknown, unknown>, 'workers'>> =
  Object.freeze({
    name: undefined,
    order: 'completion',
    shardBy: undefined,
    flushWhen: undefined,
    send: same,
    receive: same,
    transfer: 'buffers',
    timeoutMillis: 60_000,
    maxQueueSize: 1_000,
    maxQueueBytes: 64 * 1024 * 1024,
    overflow: 'dropNewest',
    gate: undefined,
    sizeOf: bytesOf,
    onLoss: () => {},
    onTaskError: () => {},
    onCallbackError: () => {},
    ledger: undefined,
  });

export const STAGE = 'inWorkers';

export const IN_WORKERS_RULES: Rules<InWorkersSettings<unknown, unknown, unknown, unknown>> = {
  ...QUEUE_RULES,
  ...STAGE_RULES,
  workers: shape('a pool of workerPool()', 'session'),
  order: (value, option, call) => {
    oneOf('completion', 'source')(value, option, call);
    if (value === 'source' && call.hasValue('shardBy'))
      call.add(option, "'completion' with shardBy, which keeps the order within each key", value);
  },
  shardBy: optional(aFunction),
  flushWhen: optional(anObservable),
  send: aFunction,
  receive: aFunction,
  transfer: oneOf('buffers', 'none'),
  timeoutMillis: millis(1, 'orInfinity'),
  overflow: anOverflow,
  onTaskError: aFunction,
};
