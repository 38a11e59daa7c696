import { BehaviorSubject, type Observable } from 'rxjs';
import { shape, signalOf } from '../internal/validation.ts';

/**
 * Carries the need to wait back to inputs that can wait: whoever is full closes it, whoever pulls looks at it first.
 *
 * It is exact when only synchronous operators lie between the puller and whoever closes it. An asynchronous or expanding operator in
 * between has items under way that the gate cannot see, so the bound is exceeded by as many as that operator holds. Of several pullers, each that was waiting for its next item
 * when the gate closed still brings that one.
 */
export interface Gate {
  /** Whether nobody keeps it closed. */
  readonly open: boolean;
  /**
   * Resolves at the moment in which it is open: at once if it is.
   *
   * @param options `signal`: gives up the wait, in O(1), and nothing of it is kept. Then it rejects with the signal's reason; a rejection that nobody looks at is no unhandled one. A gate of your
   * own need not know it; then it keeps until it opens whoever waited.
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
  let closings = 0; // how many have closed it and not yet undone that
  const waiting = new Set<() => void>(); // who is to be told when it opens, first come, first told

  const reopen = () => {
    closings -= 1;
    if (closings > 0) return;
    saturated.next(false);
    // A listener may have closed it again: then those who wait go on waiting.
    if (closings > 0) return;
    const waited = [...waiting];
    waiting.clear();
    for (const tell of waited) tell();
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

/** Waits to be told, or until the signal aborts. */
function waitAmong(waiting: Set<() => void>, signal: AbortSignal | undefined): Promise<void> {
  const told = new Promise<void>((resolve, reject) => {
    const giveUp = () => {
      waiting.delete(tell);
      reject(signal?.reason);
    };
    const tell = () => {
      signal?.removeEventListener('abort', giveUp);
      resolve();
    };
    if (signal?.aborted) return giveUp();
    waiting.add(tell);
    signal?.addEventListener('abort', giveUp, { once: true });
  });
  // Whoever gives up and does not look has decided so; the process that is observed does not end for it.
  told.catch(() => {});
  return told;
}
