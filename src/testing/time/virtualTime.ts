import { syncBuiltinESMExports } from 'node:module';
import nodeTimers from 'node:timers';
import nodePromises from 'node:timers/promises';
import { callSite, siteText } from '../failures/callSite.ts';
import { MarbleFailure } from '../failures/failure.ts';
import { VirtualClock, type VirtualTimeOptions } from './clock.ts';
import { keepRealTime } from './realTime.ts';
import { replaceProperty } from './replaceProperty.ts';
import { UnhandledErrorWatch } from './unhandledErrors.ts';
import { virtualPromiseTimers } from './virtualPromiseTimers.ts';
import { VirtualTimers } from './virtualTimers.ts';

/** What a test in virtual time is given. */
export interface VirtualTime {
  /** Milliseconds since the start of the run. */
  now(): number;
  /** Lets this much time pass. It resolves after everything that happens at that instant. */
  advanceBy(durationMillis: number): Promise<void>;
  /** Lets time pass until this instant, counted from the start of the run. */
  advanceTo(atMillis: number): Promise<void>;
  /** Lets time pass until nothing is scheduled any more. */
  flush(): Promise<void>;
}

/** Two copies of this package may be loaded into one process: the key is the process' own. */
const LOCK = Symbol.for('spanflow.virtualTime');

type Undo = () => void;

/**
 * Runs a test in virtual time: for as long as it lasts, the host's timers (`node:timers/promises` too), `Date`, `performance.now` and
 * `AbortSignal.timeout` follow a clock that jumps from one event to the next, and lets everything that hangs on promises settle in between. So does all of RxJS 7.
 *
 * What runs on other threads or on sockets is not followed. The host's functions are back in place when the promise settles, however
 * the test ends. A rejection that nobody handles, or an exception that nobody catches, ends it.
 *
 * @throws MarbleFailure (as a rejection) when another run is under way, when there is no end of events, and when the test waits for
 * something that virtual time does not bring.
 *
 * @example
 * ```ts
 * await virtualTime(async ({ now }) => {
 *   const started = now();
 *   await firstValueFrom(timer(60_000));
 *   assert.equal(now() - started, 60_000); // after less than a millisecond
 * });
 * ```
 */
export function virtualTime(test: (time: VirtualTime) => unknown, options: VirtualTimeOptions = {}): Promise<void> {
  return inVirtualTime(options, (clock) =>
    clock.run(
      () => test(createVirtualTime(clock)),
      () => true,
    ),
  );
}

/** The part of the clock that tests see. */
export function createVirtualTime(clock: VirtualClock): VirtualTime {
  return {
    now: () => clock.now(),
    advanceBy: (durationMillis) => clock.until(clock.now() + durationMillis),
    advanceTo: (atMillis) => clock.until(atMillis),
    flush: () => clock.untilIdle(),
  };
}

/** Puts the virtual clock in the place of the host's for the length of `run`. What that changes besides, it gives back by `onRestore`. */
export async function inVirtualTime(
  options: VirtualTimeOptions,
  run: (clock: VirtualClock, timers: VirtualTimers, onRestore: (undo: Undo) => void) => Promise<void>,
): Promise<void> {
  const clock = new VirtualClock(options);
  const timers = new VirtualTimers(clock);
  const unlock = lock();
  const undo: Undo[] = [];
  const restore = () => {
    for (const one of undo.splice(0).reverse()) one();
  };
  const unhandled = new UnhandledErrorWatch(
    () => clock.now(),
    (failure) => {
      restore();
      clock.interrupt(failure);
    },
    unlock,
  );
  try {
    undo.push(keepRealTime(), ...replaceHostTime(clock, timers));
    await unhandled.during(() => run(clock, timers, (one) => undo.push(one)));
  } finally {
    restore();
    unlock();
  }
}

function lock(): Undo {
  const holder = Reflect.get(globalThis, LOCK) as Error | undefined;
  if (holder !== undefined) {
    throw new MarbleFailure(
      `another run in virtual time is under way, begun at ${siteText(holder)}: there is one clock, so await the first before the second`,
    );
  }
  const own = callSite();
  Reflect.set(globalThis, LOCK, own);
  return () => {
    if (Reflect.get(globalThis, LOCK) === own) Reflect.deleteProperty(globalThis, LOCK);
  };
}

function replaceHostTime(clock: VirtualClock, timers: VirtualTimers): Undo[] {
  const epochMillis = () => clock.startMillis + clock.now();
  const functions = timers.functions();
  const { wait, yield: pause, ...promises } = virtualPromiseTimers(functions);
  const undo = [
    ...replaceAll(globalThis, functions),
    ...replaceAll(nodeTimers, functions),
    ...replaceAll(nodePromises, promises),
    ...replaceAll(nodePromises.scheduler, { wait, yield: pause }),
    replaceProperty(globalThis, 'Date', virtualDate(globalThis.Date, epochMillis)),
    replaceProperty(performance, 'now', () => clock.now()),
    replaceProperty(performance, 'timeOrigin', clock.startMillis),
    replaceProperty(AbortSignal, 'timeout', (delayMillis: number) => abortSignalAfter(clock, delayMillis)),
  ];
  // Whoever has imported a function by its name sees the replacement as well.
  syncBuiltinESMExports();
  return [syncBuiltinESMExports, ...undo];
}

function replaceAll(owner: object, replacements: Readonly<Record<string, unknown>>): Undo[] {
  return Object.entries(replacements).map(([name, replacement]) => replaceProperty(owner, name, replacement));
}

function virtualDate(host: DateConstructor, now: () => number): DateConstructor {
  return new Proxy(host, {
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: (target) => new target(now()).toString(),
  });
}

/** Nobody can cancel such a signal, so it is no leak when it is left behind: it is kept apart from the timers. */
function abortSignalAfter(clock: VirtualClock, delayMillis: number): AbortSignal {
  if (!Number.isSafeInteger(delayMillis) || delayMillis < 0) {
    throw new RangeError(`AbortSignal.timeout wants whole milliseconds from 0, but was given ${delayMillis}`);
  }
  const controller = new AbortController();
  const reason = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  clock.schedule(clock.now() + delayMillis, () => controller.abort(reason()));
  return controller.signal;
}
