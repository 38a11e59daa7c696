import { InvalidOptionError } from '../../model/errors.ts';
import { EndlessRun, MarbleFailure } from '../failures/failure.ts';
import { durationText } from '../failures/text.ts';
import { EventQueue, type QueuedEvent } from './eventQueue.ts';
import { inRealTurn, realPause } from './realTime.ts';
import { unhandledFailure } from './unhandledErrors.ts';

/** The limits of a run in virtual time. */
export interface VirtualTimeOptions {
  /** What `Date.now()` returns at the start, in milliseconds since 1970: 0 or more. Default 0, so that the clock shows frames, as in RxJS. */
  readonly startMillis?: number;
  /**
   * The maximum number of events (timers, drawn emissions) in one run: 0 or more. Default 1,000,000, so that an endless timer fails the test
   * after some seconds.
   */
  readonly maxEvents?: number;
  /** How far the virtual clock may go beyond the last drawn frame, in milliseconds: 0 or more. Default 3,600,000, one hour. */
  readonly maxVirtualMillis?: number;
  /**
   * How long a run waits in real time, in milliseconds, while the test is pending and nothing is scheduled, for example for a socket or a file:
   * 0 or more. Default 1,000.
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

/** The order within one instant: subscriptions of observers first, then events, then the promises that wait for the instant. */
export const RANK = Object.freeze({ observer: 0, event: 1, waiter: 2 });

/** Turns of the real event loop before time moves on. Promises need one; code that uses the host's own immediates needs another. */
const MICROTASK_TURNS = 2;

/** The virtual clock: the scheduled events, the current time, and the loop that executes events. */
export class VirtualClock {
  readonly #queue = new EventQueue();
  readonly #limits: Required<VirtualTimeOptions>;
  #nowMillis = 0;
  #drawnMillis = 0; // the last drawn frame
  #events = 0; // events executed so far
  #idleWaiters: (() => void)[] = []; // called when nothing is scheduled any more
  #failure: { readonly error: unknown } | undefined; // why the run stops

  constructor(options: VirtualTimeOptions) {
    this.#limits = { ...VIRTUAL_TIME_DEFAULTS, ...options };
    for (const name of ['startMillis', 'maxEvents', 'maxVirtualMillis', 'maxRealWaitMillis'] as const) {
      if (Number.isFinite(this.#limits[name]) && this.#limits[name] >= 0) continue;
      throw new InvalidOptionError(`virtualTime.${name}`, 'a finite number from 0', this.#limits[name]);
    }
  }

  get startMillis(): number {
    return this.#limits.startMillis;
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

  /** Something is drawn up to this frame: `maxVirtualMillis` counts from there. */
  noteDrawnFrame(frame: number): void {
    if (Number.isFinite(frame)) this.#drawnMillis = Math.max(this.#drawnMillis, frame);
  }

  /** Resolves after all events of this instant. */
  until(atMillis: number): Promise<void> {
    this.noteDrawnFrame(atMillis);
    return new Promise((resolve) => this.schedule(atMillis, resolve, RANK.waiter));
  }

  /** Resolves when nothing is scheduled any more. */
  untilIdle(): Promise<void> {
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /**
   * Executes events while the test runs, and after it until `isOver` returns true or nothing is scheduled. Between two instants the callbacks of all
   * promises run.
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
      // Each event gets a turn of its own, as on the host, so that `process.nextTick` callbacks run before those of promises.
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

  /** Ends the run with this error, unless the test has already failed. No further event is executed. */
  interrupt(error: Error): void {
    this.#failure ??= { error };
  }

  /** Lets the callbacks of promises run while the clock stands still. */
  async runMicrotasks(): Promise<void> {
    for (let turn = 0; turn < MICROTASK_TURNS; turn++) await inRealTurn(() => this.#throwFailure());
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #isTimeToMove(): boolean {
    return (this.#queue.peek()?.atMillis ?? Number.POSITIVE_INFINITY) > this.#nowMillis;
  }

  /** Executes the next event, or wakes those that wait until there is none. Returns whether there was something to do. */
  #step(): boolean {
    const event = this.#queue.pop();
    if (event === undefined) return this.#wakeIdleWaiters();
    this.#refuseEndless(event);
    this.#nowMillis = event.atMillis;
    this.#events += 1;
    try {
      event.run();
    } catch (error) {
      throw unhandledFailure('an uncaught exception', error, this.#nowMillis);
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
    const tip = "unsubscribe an endless timer, for example by expectObservable(source, '^---!')";
    if (this.#events >= this.#limits.maxEvents) {
      throw new EndlessRun(
        `${this.#events} events have run by ${durationText(this.#nowMillis)} and there are more (maxEvents): ${tip}`,
      );
    }
    const limit = this.#drawnMillis + this.#limits.maxVirtualMillis;
    if (event.atMillis <= limit) return;
    throw new EndlessRun(
      `the next event lies at ${durationText(event.atMillis)}, more than ${durationText(this.#limits.maxVirtualMillis)} after the last frame ` +
        `that is drawn (maxVirtualMillis): ${tip}`,
    );
  }

  async #waitForReal(isEnough: () => boolean): Promise<void> {
    for (let waited = 0; waited < this.#limits.maxRealWaitMillis; waited++) {
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
