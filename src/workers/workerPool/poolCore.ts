import { merge, Observable, Subscription } from 'rxjs';
import { LiveState } from '../../destination/liveState.ts';
import { runGuarded } from '../../internal/runGuarded.ts';
import { holdProcess, keepingAlive, waiting } from '../../internal/timers.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import { Restarts } from '../../strategies/restarts.ts';
import { nextWorker } from '../../strategies/workerChoice.ts';
import type { ThreadCrash } from '../thread/thread.ts';
import { PoolClosedError } from '../workerErrors.ts';
import { type Job, JobLine, type JobOwner } from './job.ts';
import type { WorkerPoolSettings, WorkerPoolState } from './options.ts';
import { Slot } from './slot.ts';

/** The machinery of a pool: jobs that wait, and the places that take them. */
export class PoolCore {
  readonly settings: WorkerPoolSettings;
  readonly #slots: readonly Slot[];
  readonly #line: JobLine;
  readonly #restarts: Restarts;
  readonly #state: LiveState<WorkerPoolState>;
  #restart: Subscription | undefined; // waits until a thread may be started
  #held = Subscription.EMPTY; // the process, while jobs wait: threads that work hold it, and those that are being ended do not
  #assigning = false;
  #completed = 0;
  #crashes = 0;
  #terminated = 0;
  #shutdown: Promise<void> | undefined;
  #onQuiet: (() => void) | undefined; // of a shutdown that waits for what is left

  constructor(settings: WorkerPoolSettings) {
    this.settings = settings;
    this.#line = new JobLine(settings.size);
    this.#restarts = new Restarts(settings.backoff, settings.random);
    this.#state = new LiveState(() => this.#read());
    this.#slots = Array.from({ length: settings.size }, (_, worker) => this.#slot(worker));
  }

  get state$() {
    return this.#state.state$;
  }

  enter(job: Job): void {
    if (this.#shutdown !== undefined) {
      job.failed(new PoolClosedError(this.settings.name, 'alreadyShutdown'));
      return;
    }
    this.#line.push(job);
    this.#assign();
  }

  /** Nobody waits for this job any more. */
  leave(job: Job): void {
    if (!this.#line.remove(job)) this.#slots.some((slot) => slot.abort(job));
    this.#changed();
  }

  /** The workers that have a state of this owner. */
  workersOf(owner: JobOwner): number[] {
    return [...this.#slots.keys()].filter((worker) => this.#slots[worker]?.hasStateOf(owner));
  }

  /** Asks the states of this owner to let out what they hold. */
  flush(owner: JobOwner, urgency: FlushUrgency | undefined): Observable<never> {
    return merge(
      ...this.workersOf(owner).map(
        (worker) =>
          new Observable<never>((subscriber) =>
            this.#slots[worker]?.flush(owner, urgency, () => subscriber.complete()),
          ),
      ),
    );
  }

  /** Lets go of the states of this owner; returns how many items they held. */
  close(owner: JobOwner): number {
    return this.#slots.reduce((pending, slot) => pending + slot.close(owner), 0);
  }

  shutdown(timeoutMillis: number): Promise<void> {
    this.#shutdown ??= this.#end(timeoutMillis);
    this.#changed();
    return this.#shutdown;
  }

  async #end(timeoutMillis: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const deadline = keepingAlive(this.settings.scheduler, timeoutMillis, resolve);
      this.#onQuiet = () => {
        deadline.unsubscribe();
        resolve();
      };
      this.#tellIfQuiet();
    });
    this.#restart?.unsubscribe();
    const waited = this.#line.clear();
    const cut = await Promise.all(this.#slots.map((slot) => slot.end('shutdown')));
    for (const job of [...waited, ...cut]) job?.failed(new PoolClosedError(this.settings.name, 'shutdown'));
    this.#changed();
  }

  #slot(worker: number): Slot {
    return new Slot(worker, this.settings, {
      onFree: () => this.#assign(),
      onAnswered: (isResult) => {
        this.#restarts.answered();
        if (isResult) this.#completed += 1;
      },
      onCrashed: (crash, isAtStart) => this.#crashed(worker, crash, isAtStart),
      onTerminated: () => {
        this.#terminated += 1;
      },
    });
  }

  #crashed(worker: number, crash: ThreadCrash, isAtStart: boolean): void {
    const { name, onCrash, scheduler } = this.settings;
    this.#crashes += 1;
    if (isAtStart) this.#restarts.crashedAtStart(scheduler.now());
    runGuarded(() => onCrash({ ...crash, pool: name, worker, isAtStart }));
  }

  /** Gives jobs to places until there are no more of one of them. A job that fails at once may bring the next one: that is taken here, too, and not within. */
  #assign(): void {
    if (this.#assigning) return;
    this.#assigning = true;
    // Read once: a thread that may not be started now is waited for, also if it might be a moment later.
    const nowMillis = this.settings.scheduler.now();
    for (let worker = this.#next(nowMillis); worker >= 0; worker = this.#next(nowMillis)) {
      const job = this.#line.take(worker);
      if (job !== undefined) this.#slots[worker]?.begin(job);
    }
    this.#assigning = false;
    this.#awaitRestart(nowMillis);
    this.#changed();
  }

  #next(nowMillis: number): number {
    if (this.#line.length === 0) return -1;
    const places = this.#slots.map((slot, worker) => ({ state: slot.state, hasOwnWork: this.#line.hasOwn(worker) }));
    return nextWorker(places, this.#line.hasShared, this.#restarts.waitMillis(nowMillis) === 0);
  }

  /** Jobs wait for a thread that may not be started yet. */
  #awaitRestart(nowMillis: number): void {
    this.#restart?.unsubscribe();
    const waitMillis = this.#restarts.waitMillis(nowMillis);
    if (this.#line.length === 0 || waitMillis === 0) return;
    this.#restart = waiting(this.settings.scheduler, waitMillis, 'whileWaiting', () => this.#assign());
  }

  #changed(): void {
    this.#holdProcess();
    this.#state.changed();
    this.#tellIfQuiet();
  }

  #holdProcess(): void {
    if (this.#line.length === 0) this.#held.unsubscribe();
    else if (this.#held.closed) this.#held = holdProcess(this.settings.scheduler, 'whileWaiting');
  }

  #tellIfQuiet(): void {
    if (this.#line.length === 0 && !this.#slots.some((slot) => slot.isRunning)) this.#onQuiet?.();
  }

  #read(): WorkerPoolState {
    return {
      size: this.#slots.length,
      threads: this.#slots.filter((slot) => slot.hasThread).length,
      running: this.#slots.filter((slot) => slot.isRunning).length,
      queued: this.#line.length,
      completed: this.#completed,
      crashes: this.#crashes,
      terminated: this.#terminated,
      isShutdown: this.#shutdown !== undefined,
    };
  }
}
