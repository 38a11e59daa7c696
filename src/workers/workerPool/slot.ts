import type { Subscription } from 'rxjs';
import { after } from '../../internal/timers.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import { RaceTimeoutError, SpanflowError } from '../../model/errors.ts';
import type { LossReason } from '../../model/tally.ts';
import type { WorkerPlace } from '../../strategies/workerChoice.ts';
import { NotCloneableError } from '../payload/notCloneableError.ts';
import { packed } from '../payload/packed.ts';
import type { FromThread, StateBooks, ThreadData, ToThread } from '../protocol.ts';
import { nameOfTask } from '../task.ts';
import { Thread, type ThreadCrash, threadEntry } from '../thread/thread.ts';
import { taskError, WorkerCrashedError } from '../workerErrors.ts';
import type { Job, JobOwner } from './job.ts';
import type { WorkerPoolSettings } from './options.ts';
import { changeOf, NEW_STATE } from './stateBooks.ts';

type PoolThread = Thread<ToThread, FromThread>;

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
  readonly #states = new Map<JobOwner, StateBooks>(); // whose state the thread has, and what it said last
  readonly #flushes = new Map<number, () => void>(); // that the thread has not answered, by number
  #thread: PoolThread | undefined;
  #hasAnswered = false; // the present thread, to anything
  #running: Running | undefined;
  #idle: Subscription | undefined; // ends a thread that has had nothing to do for long
  #jobs = 0; // that have been sent
  #flushed = 0; // flushes that have been sent

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
    const { kind, state } = job.task;
    if ((kind === 'operator' || state !== undefined) && !this.#states.has(job.owner))
      this.#states.set(job.owner, NEW_STATE);
  }

  /** Nobody waits for this job any more. */
  abort(job: Job): boolean {
    const running = this.#running;
    if (running?.job !== job) return false;
    running.job = undefined;
    const { scheduler, abortMillis } = this.#settings;
    this.#thread?.post({ kind: 'abort', job: running.id });
    this.#release();
    running.timers.push(after(scheduler, abortMillis, () => this.#terminate()));
    return true;
  }

  /** Lets go of the state of a session; returns how many items it held. */
  close(owner: JobOwner): number {
    const books = this.#states.get(owner);
    if (books === undefined) return 0;
    this.#states.delete(owner);
    this.#thread?.post({ kind: 'close', session: owner.id });
    if (this.#running === undefined) this.#rest();
    return books.pendingItems;
  }

  /** Asks the state of a session to let out what it holds. `onDone` is called when it has, or is lost; the returned function forgets that. */
  flush(owner: JobOwner, urgency: FlushUrgency | undefined, onDone: () => void): () => void {
    if (this.#thread === undefined || !this.#states.has(owner)) {
      onDone();
      return () => {};
    }
    this.#flushed += 1;
    const flush = this.#flushed;
    this.#flushes.set(flush, onDone);
    this.#thread.hold();
    this.#thread.post({ kind: 'flush', session: owner.id, flush, urgency });
    return () => this.#endFlush(flush);
  }

  #endFlush(flush: number): (() => void) | undefined {
    const onDone = this.#flushes.get(flush);
    this.#flushes.delete(flush);
    this.#release();
    return onDone;
  }

  /** The thread keeps the process alive no longer, unless somebody waits for it. */
  #release(): void {
    if (this.#flushes.size === 0 && !this.isRunning) this.#thread?.release();
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

  #start(): PoolThread {
    this.#hasAnswered = false;
    const { name, preset, resourceLimits } = this.#settings;
    const data: ThreadData = { worker: this.#worker, isBackground: preset === 'background' };
    const thread: PoolThread = new Thread({
      name: `${name} ${this.#worker}`,
      entry: threadEntry(),
      data,
      resourceLimits,
      onAnswer: (message) => this.#received(message),
      onUnreadable: (error) => this.#unreadable(error),
      onCrash: (crash) => this.#crashed(thread, crash),
    });
    return thread;
  }

  #send(thread: PoolThread, { work, task, owner }: Job): void {
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

  /** A task may post to its parent by itself: what is none of ours is passed over. */
  #received(message: FromThread | null | undefined): void {
    if (typeof message?.kind !== 'string') return;
    if (message.kind === 'done' || message.kind === 'failed') this.#answered(message);
    else if (message.kind === 'flushed') this.#endFlush(message.flush)?.();
    else this.#told(message);
  }

  /** An operator tells something by itself. */
  #told(message: Extract<FromThread, { kind: 'emitted' | 'trouble' }>): void {
    const owner = [...this.#states.keys()].find(({ id }) => id === message.session);
    if (owner === undefined) return; // nobody wants it any more
    if (message.kind === 'trouble') owner.onTrouble(taskError('of an operator', message.error));
    else owner.onEmitted({ results: message.value, books: this.#change(owner, message.books) });
  }

  #answered(message: Extract<FromThread, { job: number }>): void {
    this.#hasAnswered = true;
    const running = this.#running;
    if (running?.id !== message.job) return;
    const { job } = running;
    this.#forget();
    const change = job === undefined ? NEW_STATE : this.#updateState(job, message);
    this.#rest();
    this.#events.onAnswered(message.kind === 'done');
    if (message.kind === 'done') job?.done(message.value, change);
    else job?.failed(taskError(nameOfTask(job.task), message.error));
    this.#events.onFree();
  }

  #updateState({ owner, work }: Job, { kind, books }: Extract<FromThread, { job: number }>): StateBooks {
    const before = this.#states.get(owner);
    if (before === undefined) return NEW_STATE;
    const change = books === undefined ? NEW_STATE : this.#change(owner, books);
    if (work.kind === 'finish') this.#states.delete(owner);
    if (work.kind === 'finish' && kind === 'failed') owner.onStateLost(before.pendingItems, 'operatorFailed');
    return change;
  }

  #change(owner: JobOwner, books: StateBooks): StateBooks {
    const before = this.#states.get(owner) ?? NEW_STATE;
    this.#states.set(owner, books);
    return changeOf(before, books);
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

  #crashed(thread: PoolThread, crash: ThreadCrash): void {
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
    for (const [owner, { pendingItems }] of states) owner.onStateLost(pendingItems, reason);
    for (const flush of [...this.#flushes.keys()]) this.#endFlush(flush)?.();
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
    this.#release();
    this.#idle?.unsubscribe();
    if (this.#thread === undefined || this.#states.size > 0) return;
    const { scheduler, idleMillis } = this.#settings;
    this.#idle = after(scheduler, idleMillis, () => {
      void this.end('shutdown');
      this.#events.onFree();
    });
  }
}
