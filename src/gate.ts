import { BehaviorSubject, type Observable } from 'rxjs';

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
  /** Resolves at the moment in which it is open: at once if it is. */
  whenOpen(): Promise<void>;
  /** Closes it, and returns what undoes just this closing. It opens when every closing has been undone. */
  close(): () => void;
  /** `true` while it is closed. It starts with the present state. */
  readonly saturated$: Observable<boolean>;
}

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
  let waiting: (() => void)[] = []; // who is to be told when it opens

  const reopen = () => {
    closings -= 1;
    if (closings > 0) return;
    saturated.next(false);
    // A listener may have closed it again: then those who wait go on waiting.
    if (closings > 0) return;
    const waited = waiting;
    waiting = [];
    for (const resolve of waited) resolve();
  };

  return {
    get open() {
      return closings === 0;
    },
    whenOpen: () => (closings === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
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
