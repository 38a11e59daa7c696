import type { VirtualTimer } from './virtualTimers.ts';

/** The last argument of the functions of `node:timers/promises`. */
interface PromiseTimerOptions {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}

/** The two timer functions that the promises are built on. */
export interface CallbackTimers {
  setTimeout(callback: () => void, delay?: number): VirtualTimer;
  setInterval(callback: () => void, delay?: number): VirtualTimer;
}

/** The functions of `node:timers/promises`, on virtual timers. */
export function virtualPromiseTimers({ setTimeout, setInterval }: CallbackTimers) {
  const sleep = sleepOn(setTimeout);
  return {
    setTimeout: sleep,
    setImmediate: <T>(value?: T, options?: PromiseTimerOptions) => sleep(0, value, options),
    setInterval: ticksOn(setInterval),
    wait: (delay: number, options?: PromiseTimerOptions) => sleep(delay, undefined, options),
    yield: () => sleep(0),
  };
}

function sleepOn(setTimeout: CallbackTimers['setTimeout']) {
  return <T>(delay?: number, value?: T, { signal }: PromiseTimerOptions = {}): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      const abort = () => {
        timer.close();
        reject(abortError(signal as AbortSignal));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve(value);
      }, delay);
      signal?.addEventListener('abort', abort, { once: true });
    });
}

/** Ticks are counted until the consumer takes them, as the host does. */
function ticksOn(setInterval: CallbackTimers['setInterval']) {
  return async function* ticks<T>(delay?: number, value?: T, { signal }: PromiseTimerOptions = {}) {
    let due = 0; // ticks that the consumer has not taken
    let wake = () => {};
    const timer = setInterval(() => {
      due += 1;
      wake();
    }, delay);
    const abort = () => wake();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for (;;) {
        if (signal?.aborted) throw abortError(signal);
        if (due === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        for (; due > 0; due -= 1) yield value;
      }
    } finally {
      timer.close();
      signal?.removeEventListener('abort', abort);
    }
  };
}

function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}
