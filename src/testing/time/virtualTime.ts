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

/** The clock as a test in virtual time sees it. */
export interface VirtualTime {
  /** Milliseconds since the start of the run. */
  now(): number;
  /** Advances the clock by a duration. Resolves after all events of that instant. */
  advanceBy(durationMillis: number): Promise<void>;
  /** Advances the clock to an instant, counted from the start of the run. */
  advanceTo(atMillis: number): Promise<void>;
  /** Advances the clock until nothing is scheduled any more. */
  flush(): Promise<void>;
}

/** A global symbol, because one process may load two copies of this package. */
const LOCK = Symbol.for('spanflow.virtualTime');

type Undo = () => void;

/**
 * Runs a test in virtual time. Until the test ends, the host's timers (those of `node:timers/promises` too), `Date`, `performance.now` and
 * `AbortSignal.timeout` follow a clock that jumps from one event to the next. All promise callbacks run in between. The schedulers of RxJS 7 follow the clock too.
 *
 * Work on other threads or on sockets does not follow the clock. The host's functions are restored when the returned promise settles, however
 * the test ends. An unhandled rejection or an uncaught exception ends the run and fails the test.
 *
 * @throws MarbleFailure (as a rejection) when another run is in progress, when the events never end, or when the test waits for
 * something that is not scheduled in virtual time.
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

/** The methods of the clock that tests get. */
export function createVirtualTime(clock: VirtualClock): VirtualTime {
  return {
    now: () => clock.now(),
    advanceBy: (durationMillis) => clock.until(clock.now() + durationMillis),
    advanceTo: (atMillis) => clock.until(atMillis),
    flush: () => clock.untilIdle(),
  };
}

/** Replaces the host's clock by a virtual one for the length of `run`. `onRestore` registers a function that undoes what `run` changes itself. */
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
      `another run in virtual time is in progress, started at ${siteText(holder)}: there is one clock, so await the first before the second`,
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
  // Updates the named imports of `node:timers` in all modules.
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

/** Such a signal cannot be cancelled, so leaving it behind is no leak: it is not one of the pending timers. */
function abortSignalAfter(clock: VirtualClock, delayMillis: number): AbortSignal {
  if (!Number.isSafeInteger(delayMillis) || delayMillis < 0) {
    throw new RangeError(`AbortSignal.timeout needs whole milliseconds of 0 or more, but got ${delayMillis}`);
  }
  const controller = new AbortController();
  const reason = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  clock.schedule(clock.now() + delayMillis, () => controller.abort(reason()));
  return controller.signal;
}
