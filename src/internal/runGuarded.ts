/**
 * Runs something that is not ours and must not stop us: a listener, a teardown. What it throws, or what the promise that it returns rejects with, is given to `onError`; what
 * `onError` throws is ignored.
 */
export function runGuarded(work: () => unknown, onError: (thrown: unknown) => unknown = () => {}): void {
  try {
    const result = work();
    if (isThenable(result)) result.then(undefined, (thrown) => runGuarded(() => onError(thrown)));
  } catch (thrown) {
    runGuarded(() => onError(thrown));
  }
}

/** The same for a callback whose answer is needed: `instead` stands in for it when it throws. */
export function answerOf<R>(callback: () => R, instead: R, onError: (thrown: unknown) => unknown): R {
  try {
    const answer = callback();
    ignoreRejection(answer);
    return answer;
  } catch (thrown) {
    runGuarded(() => onError(thrown));
    return instead;
  }
}

/** Where an answer is needed at once, a promise is a wrong one. Its rejection must not end the process besides. */
export function ignoreRejection(answer: unknown): void {
  if (isThenable(answer)) answer.then(undefined, () => {});
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
