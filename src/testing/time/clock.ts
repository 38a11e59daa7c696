import { InvalidOptionError } from '../../model/errors.ts';
import { EndlessRun, MarbleFailure } from '../failures/failure.ts';
import { durationText } from '../failures/text.ts';
import { EventQueue, type QueuedEvent } from './eventQueue.ts';
import { inRealTurn, realPause } from './realTime.ts';
import { unhandledFailure } from './unhandledErrors.ts';

/** How long a run in virtual time may last. */
export interface VirtualTimeOptions {
  /** What `Date.now()` says at the start, in milliseconds since 1970. Default 0, so that the clock shows frames, as in RxJS. */
  readonly startMillis?: number;
  /**
   * How many events (timers, drawn emissions) one run executes at most. Default 1,000,000: an endless timer ends the run with
   * a message after some seconds.
   */
  readonly maxEvents?: number;
  /** How far the virtual clock goes at most, in milliseconds beyond the last frame that is drawn. Default 3,600,000: one hour. */
  readonly maxVirtualMillis?: number;
  /**
   * How long a run waits, in real milliseconds, while the test is not over and nothing is scheduled: for a socket or a file,
   * say. Default 1,000.
   */
  readonly maxRealWaitMillis?: number;
}

/** The defaults of {@link VirtualTimeOptions}. */
export const VIRTUAL_TIME_DEFAULTS: Required<VirtualTimeOptions> = Object.freeze({
  startMillis: 0,
  maxEvents: 1_000_000,
  maxVirtualMillis: 3_600_000,
  maxRealWaitMillis: 1_000,
});

/** Ranks within one instant: who observes comes before what happens, and who waits for the instant comes after it. */
export const RANK = Object.freeze({ observer: 0, event: 1, waiter: 2 });

/** Turns of the real event loop before time moves on. One would do for promises; what uses the host's own immediates needs more. */
const MICROTASK_TURNS = 2;

/** The virtual clock: what is scheduled, what time it is, and the loop that lets time pass. */
export class VirtualClock {
  readonly startMillis: number;
  readonly #queue = new EventQueue();
  readonly #maxEvents: number;
  readonly #maxVirtualMillis: number;
  readonly #maxRealWaitMillis: number;
  #nowMillis = 0;
  #drawnMillis = 0; // the last frame that somebody drew
  #events = 0; // how many have run
  #idleWaiters: (() => void)[] = []; // who waits until nothing is scheduled
  #failure: { readonly error: unknown } | undefined; // why the run goes on no more

  constructor(options: VirtualTimeOptions) {
    const merged = { ...VIRTUAL_TIME_DEFAULTS, ...options };
    for (const name of ['startMillis', 'maxEvents', 'maxVirtualMillis', 'maxRealWaitMillis'] as const) {
      if (Number.isFinite(merged[name]) && merged[name] >= 0) continue;
      throw new InvalidOptionError(`virtualTime.${name}`, 'a finite number from 0', merged[name]);
    }
    this.startMillis = merged.startMillis;
    this.#maxEvents = merged.maxEvents;
    this.#maxVirtualMillis = merged.maxVirtualMillis;
    this.#maxRealWaitMillis = merged.maxRealWaitMillis;
  }

  /** Milliseconds since the start of the run: the frame. */
  now(): number {
    return this.#nowMillis;
  }

  schedule(atMillis: number, run: () => void, rank: number = RANK.event): QueuedEvent {
    return this.#queue.push(Math.max(atMillis, this.#nowMillis), rank, run);
  }

  cancel(event: QueuedEvent): void {
    this.#queue.remove(event);
  }

  /** Something is drawn up to this frame, so the limit lies beyond it. */
  drawn(frame: number): void {
    if (Number.isFinite(frame)) this.#drawnMillis = Math.max(this.#drawnMillis, frame);
  }

  /** Resolves after everything that happens at this instant. */
  until(atMillis: number): Promise<void> {
    this.drawn(atMillis);
    return new Promise((resolve) => this.schedule(atMillis, resolve, RANK.waiter));
  }

  /** Resolves when nothing is scheduled any more. */
  untilIdle(): Promise<void> {
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /**
   * Lets time pass while the test runs, and after it until `isOver` says so or nothing is scheduled. Between two events all that
   * hangs on promises settles.
   */
  async run(test: () => unknown, isOver: () => boolean): Promise<void> {
    let isRunning = true;
    new Promise((resolve) => resolve(test())).then(
      () => {
        isRunning = false;
      },
      (error: unknown) => {
        this.#failure = { error };
      },
    );
    for (;;) {
      if (this.#isTimeToMove()) await this.runMicrotasks();
      // In a turn of its own, as on the host: so what `process.nextTick` was given comes before what hangs on promises.
      const next = await inRealTurn(() => {
        this.#throwFailure();
        if (!isRunning && isOver()) return 'over';
        if (this.#step()) return 'step';
        return isRunning ? 'wait' : 'over';
      });
      if (next === 'over') return;
      if (next === 'wait')
        await this.#waitForReal(() => !isRunning || this.#queue.size > 0 || this.#idleWaiters.length > 0);
    }
  }

  /** Ends the run with this error, unless the test has failed by itself: time stands still from now on. */
  interrupt(error: Error): void {
    this.#failure ??= { error };
  }

  /** Lets promises settle without letting time pass. */
  async runMicrotasks(): Promise<void> {
    for (let turn = 0; turn < MICROTASK_TURNS; turn++) await inRealTurn(() => this.#throwFailure());
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #isTimeToMove(): boolean {
    return (this.#queue.peek()?.atMillis ?? Number.POSITIVE_INFINITY) > this.#nowMillis;
  }

  /** Runs the next event. Returns whether there was one, or somebody who waited for there to be none. */
  #step(): boolean {
    const event = this.#queue.pop();
    if (event === undefined) return this.#wakeIdleWaiters();
    this.#refuseEndless(event);
    this.#nowMillis = event.atMillis;
    this.#events += 1;
    try {
      event.run();
    } catch (error) {
      throw unhandledFailure('an exception that nobody caught', error, this.#nowMillis);
    }
    return true;
  }

  #wakeIdleWaiters(): boolean {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
    return waiters.length > 0;
  }

  #refuseEndless(event: QueuedEvent): void {
    const tip = "an endless timer wants an end, for example expectObservable(source, '^---!')";
    if (this.#events >= this.#maxEvents) {
      throw new EndlessRun(
        `${this.#events} events have run by ${durationText(this.#nowMillis)} and there are more (maxEvents): ${tip}`,
      );
    }
    const limit = this.#drawnMillis + this.#maxVirtualMillis;
    if (event.atMillis <= limit) return;
    throw new EndlessRun(
      `the next event lies at ${durationText(event.atMillis)}, more than ${durationText(this.#maxVirtualMillis)} after the last frame ` +
        `that is drawn (maxVirtualMillis): ${tip}`,
    );
  }

  async #waitForReal(isEnough: () => boolean): Promise<void> {
    for (let waited = 0; waited < this.#maxRealWaitMillis; waited++) {
      this.#throwFailure();
      if (isEnough()) return;
      await realPause(1);
    }
    if (isEnough()) return;
    throw new MarbleFailure(
      `the test still waits at ${durationText(this.#nowMillis)}, and nothing is scheduled that could end its waiting`,
    );
  }
}
