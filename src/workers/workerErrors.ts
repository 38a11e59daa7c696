import { messageOf, SpanflowError } from '../model/errors.ts';
import type { ThreadCrash } from './thread/thread.ts';

/** A worker thread ended while it worked on a chunk. The chunk is lost, and the thread is replaced. */
export class WorkerCrashedError extends SpanflowError {
  override readonly name = 'WorkerCrashedError';

  /** `error`: an exception or a rejection that nothing caught · `outOfMemory`: the thread reached its `resourceLimits` · `exit`: it called `process.exit()` */
  readonly kind: ThreadCrash['kind'];

  constructor(pool: string, worker: number, crash: ThreadCrash) {
    super('WORKER_CRASHED', `worker ${worker} of ${pool} ${sayings[crash.kind](crash)}`, { cause: crash.error });
    this.kind = crash.kind;
  }
}

const sayings: Readonly<Record<ThreadCrash['kind'], (crash: ThreadCrash) => string>> = {
  error: ({ error }) => `ended by an error that nothing caught: ${messageOf(error)}`,
  outOfMemory: () => 'ran out of memory: raise its resourceLimits, or send smaller chunks',
  exit: ({ exitCode }) => `called process.exit(${exitCode})`,
};

/** The pool is being shut down, or has been. */
export class PoolClosedError extends SpanflowError {
  override readonly name = 'PoolClosedError';

  /** `shutdown`: the work was waiting or running when the deadline of the shutdown was over · `alreadyShutdown`: it came after the shutdown */
  readonly reason: 'shutdown' | 'alreadyShutdown';

  constructor(pool: string, reason: 'shutdown' | 'alreadyShutdown') {
    super(
      'CLOSED',
      `${pool}: ${reason === 'shutdown' ? 'the deadline of the shutdown is over' : 'it has been shut down'}`,
    );
    this.reason = reason;
  }
}

/** What a task threw. */
export function taskError(task: string, thrown: unknown): SpanflowError {
  return new SpanflowError('OPERATOR_FAILED', `the task ${task} failed: ${messageOf(thrown)}`, { cause: thrown });
}
