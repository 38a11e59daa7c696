import type { Subscription } from 'rxjs';
import { after } from '../../internal/timers.ts';
import { RaceTimeoutError, SpanflowError } from '../../model/errors.ts';
import type { LossReason } from '../../model/tally.ts';
import type { WorkerPlace } from '../../strategies/workerChoice.ts';
import { NotCloneableError } from '../payload/notCloneableError.ts';
import { packed } from '../payload/packed.ts';
import type { FromThread } from '../protocol.ts';
import { nameOfTask } from '../task.ts';
import { Thread, type ThreadCrash } from '../thread/thread.ts';
import { taskError, WorkerCrashedError } from '../workerErrors.ts';
import type { Job, JobOwner } from './job.ts';
import type { WorkerPoolSettings } from './options.ts';

/** What a place tells its pool. */
export interface SlotEvents {
  /** It has become free, or has changed. */
  onFree(): void;
  /** A result, or the failure of a task, has come from the thread. */
  onAnswered(isResult: boolean): void;
  onCrashed(crash: ThreadCrash, isAtStart: boolean): void;
  /** The thread was ended because an aborted task went on. */
  onTerminated(): void;
}

/** What runs in the thread; without `job` it was aborted, and the thread has not answered yet. */
interface Running {
  readonly id: number;
  job: Job | undefined;
  readonly timers: Subscription[];
}

/** One place of a pool: a thread, or none, and what it works on. One job at a time, so that a crash costs one chunk. */
export class Slot {
  readonly #worker: number;
  readonly #settings: WorkerPoolSettings;
  readonly #events: SlotEvents;
  readonly #states = new Map<JobOwner, number>(); // whose state the thread has, and how many items it holds
  #thread: Thread | undefined;
  #hasAnswered = false; // the present thread, to anything
  #running: Running | undefined;
  #idle: Subscription | undefined; // ends a thread that has had nothing to do for long
  #jobs = 0; // that have been sent

  constructor(worker: number, settings: WorkerPoolSettings, events: SlotEvents) {
    this.#worker = worker;
    this.#settings = settings;
    this.#events = events;
  }

  get hasThread(): boolean {
    return this.#thread !== undefined;
  }

  get state(): WorkerPlace['state'] {
    if (this.#running !== undefined) return 'busy';
    return this.#thread === undefined ? 'unstarted' : 'idle';
  }

  /** Whether somebody waits for what runs. */
  get isRunning(): boolean {
    return this.#running?.job !== undefined;
  }

  hasStateOf(owner: JobOwner): boolean {
    return this.#states.has(owner);
  }

  /** Sends a job to the thread, which is started if there is none. */
  begin(job: Job): void {
    this.#idle?.unsubscribe();
    this.#jobs += 1;
    try {
      this.#thread ??= this.#start();
      this.#thread.hold();
      this.#send(this.#thread, job);
    } catch (thrown) {
      this.#rest();
      job.failed(thrown instanceof SpanflowError ? thrown : taskError(nameOfTask(job.task), thrown));
      return;
    }
    const timeout = after(this.#settings.scheduler, job.timeoutMillis, () => this.#timedOut(job));
    this.#running = { id: this.#jobs, job, timers: [timeout] };
    if (job.task.state !== undefined && !this.#states.has(job.owner)) this.#states.set(job.owner, 0);
  }

  /** Nobody waits for this job any more. */
  abort(job: Job): boolean {
    const running = this.#running;
    if (running?.job !== job) return false;
    running.job = undefined;
    const { scheduler, abortMillis } = this.#settings;
    this.#thread?.post({ kind: 'abort', job: running.id });
    this.#thread?.release();
    running.timers.push(after(scheduler, abortMillis, () => this.#terminate()));
    return true;
  }

  /** Lets go of the state of a session; returns how many items it held. */
  close(owner: JobOwner): number {
    const pending = this.#states.get(owner);
    if (pending === undefined) return 0;
    this.#states.delete(owner);
    this.#thread?.post({ kind: 'close', session: owner.id });
    if (this.#running === undefined) this.#rest();
    return pending;
  }

  /** Ends the thread. What runs is given back. */
  async end(reason: LossReason): Promise<Job | undefined> {
    const job = this.#forget();
    const thread = this.#thread;
    this.#thread = undefined;
    this.#idle?.unsubscribe();
    this.#loseStates(reason);
    await thread?.end();
    return job;
  }

  #start(): Thread {
    this.#hasAnswered = false;
    const { name, preset, resourceLimits } = this.#settings;
    const thread: Thread = new Thread({
      name,
      worker: this.#worker,
      isBackground: preset === 'background',
      resourceLimits,
      onAnswer: (message) => this.#answered(message),
      onUnreadable: (error) => this.#unreadable(error),
      onCrash: (crash) => this.#crashed(thread, crash),
    });
    return thread;
  }

  #send(thread: Thread, { work, task, owner }: Job): void {
    const head = { job: this.#jobs, session: owner.id, task };
    if (work.kind === 'finish') {
      thread.post({ ...head, kind: 'finish' });
      return;
    }
    const { chunk, transfer } = work;
    const { value, transfer: buffers } = transfer ? packed(chunk) : { value: chunk, transfer: [] };
    try {
      thread.post({ ...head, kind: 'run', chunk: value, transfer }, buffers);
    } catch (thrown) {
      throw new NotCloneableError(`the chunk for ${nameOfTask(task)}`, chunk, thrown);
    }
  }

  #answered(message: FromThread): void {
    this.#hasAnswered = true;
    const running = this.#running;
    if (running?.id !== message.job) return;
    const { job } = running;
    this.#forget();
    if (job !== undefined) this.#updateState(job, message);
    this.#rest();
    this.#events.onAnswered(message.kind === 'done');
    if (message.kind === 'done') job?.done(message.value);
    else job?.failed(taskError(nameOfTask(job.task), message.error));
    this.#events.onFree();
  }

  #updateState({ owner, work }: Job, { kind, pendingItems }: FromThread): void {
    const before = this.#states.get(owner);
    if (before === undefined) return;
    if (work.kind === 'run') this.#states.set(owner, pendingItems);
    else this.#states.delete(owner);
    if (work.kind === 'finish' && kind === 'failed') owner.onStateLost(before, 'operatorFailed');
  }

  #unreadable(error: unknown): void {
    const job = this.#forget();
    this.#rest();
    job?.failed(taskError(nameOfTask(job.task), error));
    this.#events.onFree();
  }

  #timedOut(job: Job): void {
    if (!this.abort(job)) return;
    job.failed(new RaceTimeoutError(`the task ${nameOfTask(job.task)}`, job.timeoutMillis));
  }

  #terminate(): void {
    this.#events.onTerminated();
    // Another thread can begin while this one is being ended.
    void this.end('operatorFailed');
    this.#events.onFree();
  }

  #crashed(thread: Thread, crash: ThreadCrash): void {
    if (thread !== this.#thread) return;
    const job = this.#forget();
    this.#thread = undefined;
    this.#idle?.unsubscribe();
    this.#events.onCrashed(crash, !this.#hasAnswered);
    // Before the job fails: that may bring the next one, with a state of its own.
    this.#loseStates('workerCrashed');
    job?.failed(new WorkerCrashedError(this.#settings.name, this.#worker, crash));
    this.#events.onFree();
  }

  #loseStates(reason: LossReason): void {
    const states = [...this.#states];
    this.#states.clear();
    for (const [owner, pending] of states) owner.onStateLost(pending, reason);
  }

  /** Nothing runs any more. */
  #forget(): Job | undefined {
    const running = this.#running;
    this.#running = undefined;
    for (const timer of running?.timers ?? []) timer.unsubscribe();
    return running?.job;
  }

  /** The thread has nothing to do: it does not hold the process, and is ended after a while, unless it has a state. */
  #rest(): void {
    this.#thread?.release();
    this.#idle?.unsubscribe();
    if (this.#thread === undefined || this.#states.size > 0) return;
    const { scheduler, idleMillis } = this.#settings;
    this.#idle = after(scheduler, idleMillis, () => {
      void this.end('shutdown');
      this.#events.onFree();
    });
  }
}
