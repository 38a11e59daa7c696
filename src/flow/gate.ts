import { BehaviorSubject, type Observable } from 'rxjs';
import { shape, signalOf } from '../internal/validation.ts';

/**
 * Makes inputs wait that can wait: a stage that is full closes the gate, and an input pulls its next item when the gate is open.
 *
 * It is exact when only synchronous operators lie between the input and the stage that closes it. An asynchronous or expanding operator in
 * between has items under way that the gate cannot see, so the bound is exceeded by as many as that operator holds. Each input that was waiting for its next item
 * when the gate closed still emits that one.
 */
export interface Gate {
  /** Whether it is open: every closing has been undone. */
  readonly open: boolean;
  /**
   * Resolves when it is open: at once if it is open now.
   *
   * @param options `signal`: ends the wait, in O(1), and nothing of it is kept. The promise rejects with the signal's reason; if that is not handled, it is no unhandled rejection. A gate of your
   * own may ignore the signal: then it keeps each waiter until it opens.
   */
  whenOpen(options?: { signal?: AbortSignal }): Promise<void>;
  /** Closes it, and returns what undoes just this closing. It opens when every closing has been undone. */
  close(): () => void;
  /** `true` while it is closed. It starts with the present state. */
  readonly saturated$: Observable<boolean>;
}

export const aGate = shape('a gate of createGate()', 'whenOpen', 'close');

/**
 * Makes a gate that is open.
 *
 * @example
 * ```ts
 * const gate = createGate();
 * fromAsyncIterable(spansOfAFile(), { gate }).pipe(adaptiveBatch({ gate }), exportTo(otlpHttp())).subscribe();
 * gate.saturated$.subscribe((saturated) => console.log(saturated ? 'waiting for the backend' : 'reading'));
 * ```
 */
export function createGate(): Gate {
  const saturated = new BehaviorSubject(false);
  let closings = 0; // closings that have not been undone
  const waiting = new Set<() => void>(); // called when it opens, in the order of their coming

  const reopen = () => {
    closings -= 1;
    if (closings > 0) return;
    saturated.next(false);
    // A subscriber of `saturated$` may have closed it again: then the waiters go on waiting.
    if (closings > 0) return;
    const waited = [...waiting];
    waiting.clear();
    for (const resume of waited) resume();
  };

  return {
    get open() {
      return closings === 0;
    },
    whenOpen: (options) => {
      const signal = options && signalOf('gate.whenOpen', options);
      return closings === 0 ? Promise.resolve() : waitAmong(waiting, signal);
    },
    close: () => {
      closings += 1;
      if (closings === 1) saturated.next(true);
      let undone = false;
      return () => {
        if (undone) return;
        undone = true;
        reopen();
      };
    },
    saturated$: saturated.asObservable(),
  };
}

/** Waits until the gate opens, or the signal aborts. */
function waitAmong(waiting: Set<() => void>, signal: AbortSignal | undefined): Promise<void> {
  const opened = new Promise<void>((resolve, reject) => {
    const giveUp = () => {
      waiting.delete(resume);
      reject(signal?.reason);
    };
    const resume = () => {
      signal?.removeEventListener('abort', giveUp);
      resolve();
    };
    if (signal?.aborted) return giveUp();
    waiting.add(resume);
    signal?.addEventListener('abort', giveUp, { once: true });
  });
  // A caller may abort its wait and ignore the rejection: that must not end the process.
  opened.catch(() => {});
  return opened;
}
