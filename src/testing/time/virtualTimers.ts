import { AsyncLocalStorage } from 'node:async_hooks';
import { promisify } from 'node:util';
import { callSite, siteText } from '../failures/callSite.ts';
import { durationText } from '../failures/text.ts';
import type { VirtualClock } from './clock.ts';
import type { QueuedEvent } from './eventQueue.ts';

type Callback = (...args: unknown[]) => void;

/** The host function that set a timer. */
export type TimerKind = 'setTimeout' | 'setInterval' | 'setImmediate';

/** The longest delay that Node supports. It replaces a longer one by 1 ms, and so does virtual time. */
const MAX_DELAY_MILLIS = 2_147_483_647;

/** The return value of `setTimeout`, `setInterval` and `setImmediate` in virtual time, with all methods of Node's timers. */
export class VirtualTimer {
  readonly kind: TimerKind;
  readonly id: number;
  readonly #timers: VirtualTimers;
  readonly #callback: () => void;
  readonly #delayMillis: number;
  readonly #site = callSite();
  #event: QueuedEvent | undefined;
  #isReferenced = true;
  #isClosed = false;

  constructor(timers: VirtualTimers, kind: TimerKind, id: number, delayMillis: number, callback: () => void) {
    this.#timers = timers;
    this.kind = kind;
    this.id = id;
    this.#delayMillis = delayMillis;
    // A timer runs in the asynchronous context in which it was set, as it does on the host.
    const inContext = AsyncLocalStorage.snapshot();
    this.#callback = () => inContext(callback);
    this.refresh();
  }

  ref(): this {
    this.#isReferenced = true;
    return this;
  }

  unref(): this {
    this.#isReferenced = false;
    return this;
  }

  hasRef(): boolean {
    return this.#isReferenced;
  }

  refresh(): this {
    if (this.#isClosed) return this;
    if (this.#event !== undefined) this.#timers.clock.cancel(this.#event);
    this.#event = this.#timers.clock.schedule(this.#timers.clock.now() + this.#delayMillis, () => this.#fire());
    this.#timers.pending.add(this);
    return this;
  }

  close(): this {
    this.#isClosed = true;
    this.#end();
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }

  /** `setTimeout 500ms, set at src/mine.ts:12:3`. */
  describe(): string {
    const delay = this.kind === 'setImmediate' ? '' : ` ${durationText(this.#delayMillis)}`;
    return `${this.kind}${delay}, set at ${siteText(this.#site)}`;
  }

  #fire(): void {
    this.#event = undefined;
    if (this.kind !== 'setInterval') this.#end();
    this.#callback();
    if (this.kind === 'setInterval' && this.#event === undefined) this.refresh();
  }

  #end(): void {
    if (this.#event !== undefined) this.#timers.clock.cancel(this.#event);
    this.#event = undefined;
    this.#timers.pending.delete(this);
    this.#timers.byId.delete(this.id);
  }
}

/** The host's timer functions, on a virtual clock. */
export class VirtualTimers {
  readonly clock: VirtualClock;
  /** Timers that have neither run nor been cleared. */
  readonly pending = new Set<VirtualTimer>();
  readonly byId = new Map<number, VirtualTimer>();
  #lastId = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  /** The functions that replace the host's, by name. */
  functions() {
    const setTimeout = (callback: unknown, delay?: unknown, ...args: unknown[]) =>
      this.#set('setTimeout', callback, delay, args);
    const setInterval = (callback: unknown, delay?: unknown, ...args: unknown[]) =>
      this.#set('setInterval', callback, delay, args);
    const setImmediate = (callback: unknown, ...args: unknown[]) => this.#set('setImmediate', callback, 0, args);
    Object.defineProperty(setTimeout, promisify.custom, {
      value: (delay?: number, value?: unknown) => new Promise((resolve) => setTimeout(resolve, delay, value)),
    });
    Object.defineProperty(setImmediate, promisify.custom, {
      value: (value?: unknown) => new Promise((resolve) => setImmediate(resolve, value)),
    });
    return {
      setTimeout,
      setInterval,
      setImmediate,
      clearTimeout: this.#clear(globalThis.clearTimeout),
      clearInterval: this.#clear(globalThis.clearInterval),
      clearImmediate: this.#clear(globalThis.clearImmediate),
    };
  }

  #set(kind: TimerKind, callback: unknown, delay: unknown, args: unknown[]): VirtualTimer {
    if (typeof callback !== 'function') throw new TypeError(`${kind} needs a function, but got ${String(callback)}`);
    this.#lastId += 1;
    const timer = new VirtualTimer(this, kind, this.#lastId, delayOf(delay), () => (callback as Callback)(...args));
    this.byId.set(timer.id, timer);
    return timer;
  }

  /** Clears a virtual timer. A timer that was set before the run is passed to the host. */
  #clear(clearOnHost: (timer?: NodeJS.Timeout & NodeJS.Immediate) => void): (timer?: unknown) => void {
    return (timer) => {
      if (timer instanceof VirtualTimer) timer.close();
      else if (typeof timer === 'object') clearOnHost(timer as NodeJS.Timeout & NodeJS.Immediate);
      else this.byId.get(Number(timer))?.close();
    };
  }
}

/** Whole milliseconds. A delay of 0 stays 0, where Node makes it 1 ms, so that a drawing shows the event at its own frame. */
function delayOf(delay: unknown): number {
  const delayMillis = Math.trunc(Number(delay ?? 0)) || 0;
  if (delayMillis > MAX_DELAY_MILLIS) return 1;
  return Math.max(0, delayMillis);
}
