import { type Link, LinkedQueue } from '../../flow/linkedQueue.ts';
import type { SpanflowError } from '../../model/errors.ts';
import type { LossReason } from '../../model/tally.ts';
import type { OperatorAnswer } from '../operatorTask/options.ts';
import type { SentTask, StateBooks } from '../protocol.ts';

/** Whose state a job uses. */
export interface JobOwner {
  readonly id: number;
  /** A worker's state, with this many items in it, was lost. */
  readonly onStateLost: (pendingItems: number, reason: LossReason) => void;
  /** An operator answers later than it was asked, with what its books have changed by. */
  readonly onEmitted: (answer: OperatorAnswer<unknown>) => void;
  /** An operator has thrown, and goes on. */
  readonly onTrouble: (error: SpanflowError) => void;
}

/** A piece of work for one thread. */
export interface Job {
  readonly owner: JobOwner;
  readonly task: SentTask;
  readonly work:
    | { readonly kind: 'run'; readonly chunk: unknown; readonly transfer: boolean }
    | { readonly kind: 'finish' };
  /** The only worker that may do it, or `undefined`. */
  readonly worker: number | undefined;
  readonly timeoutMillis: number;
  /** @param books what the books of the state have changed by */
  done(value: unknown, books: StateBooks): void;
  failed(error: SpanflowError): void;
}

interface Waiting {
  readonly job: Job;
  readonly sequence: number; // of its coming
}

/** Jobs that wait for a thread: those for any worker, and those for a certain one. Each queue is first in, first out. */
export class JobLine {
  readonly #shared = new LinkedQueue<Waiting>();
  readonly #own: readonly LinkedQueue<Waiting>[];
  readonly #links = new Map<Job, Link<Waiting>>();
  #came = 0;

  constructor(size: number) {
    this.#own = Array.from({ length: size }, () => new LinkedQueue<Waiting>());
  }

  get length(): number {
    return this.#links.size;
  }

  get hasShared(): boolean {
    return this.#shared.length > 0;
  }

  hasOwn(worker: number): boolean {
    return this.#queueOf(worker).length > 0;
  }

  push(job: Job): void {
    this.#links.set(job, this.#queueOf(job.worker).push({ job, sequence: this.#came++ }));
  }

  /** Removes a job that waits. */
  remove(job: Job): boolean {
    const link = this.#links.get(job);
    if (link === undefined) return false;
    this.#links.delete(job);
    this.#queueOf(job.worker).remove(link);
    return true;
  }

  /** Removes the oldest job that this worker may do. */
  take(worker: number): Job | undefined {
    const [own, shared] = [this.#queueOf(worker).first?.value, this.#shared.first?.value];
    const next = own !== undefined && (shared === undefined || own.sequence < shared.sequence) ? own : shared;
    if (next !== undefined) this.remove(next.job);
    return next?.job;
  }

  /** Removes all jobs. */
  clear(): Job[] {
    const jobs = [...this.#links.keys()];
    for (const job of jobs) this.remove(job);
    return jobs;
  }

  #queueOf(worker: number | undefined): LinkedQueue<Waiting> {
    return worker === undefined ? this.#shared : (this.#own[worker] as LinkedQueue<Waiting>);
  }
}
