/**
 * Does something of somebody else's that must not stop ours: a listener, a teardown. What it throws, or the promise that it returns rejects with, goes to `onError`, which
 * is not listened to in its turn.
 */
export function runGuarded(work: () => unknown, onError: (thrown: unknown) => unknown = () => {}): void {
  try {
    const result = work();
    if (isThenable(result)) result.then(undefined, (thrown) => runGuarded(() => onError(thrown)));
  } catch (thrown) {
    runGuarded(() => onError(thrown));
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
