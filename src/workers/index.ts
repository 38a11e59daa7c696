/**
 * Work on all cores: operators that run in worker threads, and channels between threads and processes. It needs Node.
 *
 * @module spanflow/workers
 */

import '../internal/requireNode.ts';

// A function that runs in a worker, and what may be sent there.

export type { Cloneable } from './payload/cloneable.ts';
export type { StateBooks } from './protocol.ts';
export {
  type AnyTask,
  type SendableTask,
  type TaskContext,
  type TaskFunction,
  type TaskReference,
  type WorkerTask,
  workerTask,
} from './task.ts';

// An operator that runs in workers.

export { operatorTask } from './operatorTask/operatorTask.ts';
export type {
  OpenOperator,
  OperatorAnswer,
  OperatorListener,
  OperatorOutput,
  OperatorTask,
  OperatorTaskOptions,
} from './operatorTask/options.ts';

// The threads.

export type {
  WorkerCrash,
  WorkerPool,
  WorkerPoolOptions,
  WorkerPoolState,
  WorkerPreset,
  WorkerSession,
  WorkerSessionOptions,
} from './workerPool/options.ts';
export { workerPool } from './workerPool/workerPool.ts';

// The operator.

export { inWorkers } from './inWorkers/inWorkers.ts';
export type { InWorkersOptions } from './inWorkers/options.ts';

// Channels between threads, and between processes.

export { type StatsToSum, type SummedStats, sumStats } from '../ledger/sumStats.ts';
export type { MessageEndpoint } from './ports/endpoint.ts';
export { fromPort } from './ports/fromPort.ts';
export type { FromPortOptions, ToPortOptions } from './ports/options.ts';
export { toPort } from './ports/toPort.ts';
