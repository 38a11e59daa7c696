import { isThenable, runGuarded } from '../internal/runGuarded.ts';
import { aFunction, settingsOf } from '../internal/validation.ts';

/** The options of {@link safely}. */
export interface SafelyOptions<Args extends readonly unknown[], Fallback> {
  /** Returns the result in the place of an exception, which it is given, with the arguments. Default: it returns `undefined`. */
  fallback?: (error: unknown, ...args: Args) => Fallback;
  /**
   * Called with each exception, and the arguments. (It is not called `onCallbackError` as in the operators: here an exception of the callback is a result that was asked for, not an accident on the side.)
   * What it throws itself is ignored.
   */
  onError?: (error: unknown, ...args: Args) => void;
}

export const SAFELY_DEFAULTS: Readonly<Required<SafelyOptions<readonly unknown[], undefined>>> = Object.freeze({
  fallback: () => undefined,
  onError: () => {},
});

const SAFELY_RULES = { fallback: aFunction, onError: aFunction };

/** The result of a function, or the fallback; for a promise, what it resolves with, or the fallback. */
export type SafeResult<Result, Fallback> =
  Result extends PromiseLike<infer Value> ? Promise<Value | Fallback> : Result | Fallback;

/**
 * The types of the arguments are inferred from the callback alone, also where an option takes fewer of them. (`NoInfer` does the same, but then the compiler
 * does not see that the rest parameter is an array.)
 */
type Exactly<Args extends readonly unknown[]> = [Args][Args extends unknown ? 0 : never];

/** The wrapped function. */
export interface Safe<Args extends readonly unknown[], Result> {
  (...args: Args): Result;
  /** The number of exceptions, including rejections and those of the fallback. */
  readonly errors: number;
}

/**
 * Wraps a callback for RxJS's operators (`map`, `filter`, `tap` …), so that an exception in it is counted, a fallback is returned, and the stream goes on.
 *
 * ```text
 * source      -a-b-c-|
 * subscribed  ^------!
 *             safely: b throws, and the fallback is '?'
 * result      -A-?-C-|
 * ```
 *
 * **Returns** what the callback returns. If it throws, `onError` is called and the result of `fallback` is returned. The default is `undefined`, which the type says, so that
 * `filter(safely(…))` does not compile until it says whether an item that cannot be judged stays. A promise that rejects counts as well: the returned
 * promise resolves with the fallback. A fallback that throws counts, too, and `undefined` stands in for it.
 *
 * **Order** and **Loss**: those of the operator that is given it.
 *
 * @throws InvalidOptionError when `callback` is no function, or an option is unknown
 *
 * @example
 * ```ts
 * const parse = safely((line: string): { millis: number } => JSON.parse(line), { fallback: () => ({ millis: 0 }) });
 * of('{ "millis": 12 }', 'oops', '{ "millis": 7 }', 'null')
 *   .pipe(
 *     map(parse),
 *     // What cannot be judged stays.
 *     filter(safely(({ millis }) => millis < 10, { fallback: () => true })),
 *     tap(safely(({ millis }) => console.log(millis), { onError: (error) => console.warn('not shown:', error) })),
 *   )
 *   .subscribe({ complete: () => console.log(`${parse.errors} lines could not be read`) });
 * ```
 *
 * @see boundedMergeMap, which needs no wrapping
 */
export function safely<Args extends readonly unknown[], Result, Fallback = undefined>(
  callback: (...args: Args) => Result,
  options: SafelyOptions<Exactly<Args>, Fallback> = {},
): Safe<Args, SafeResult<Result, NoInfer<Fallback>>> {
  type Settings = Required<SafelyOptions<Args, Fallback | undefined>>;
  const args = { callback: [callback, aFunction] } as const;
  const { fallback, onError } = settingsOf<Settings>('safely', SAFELY_DEFAULTS, SAFELY_RULES, options, args);
  let errors = 0;

  const failed = (error: unknown, args: Args) => {
    errors += 1;
    runGuarded(() => onError(error, ...args));
  };

  const insteadOf = (error: unknown, args: Args) => {
    failed(error, args);
    try {
      return fallback(error, ...args);
    } catch (thrown) {
      failed(thrown, args);
      return undefined;
    }
  };

  const safe = (...args: Args) => {
    try {
      const result = callback(...args);
      return isThenable(result) ? rejectionHandled(result, (error) => insteadOf(error, args)) : result;
    } catch (thrown) {
      return insteadOf(thrown, args);
    }
  };
  return Object.defineProperty(safe, 'errors', { get: () => errors }) as Safe<Args, SafeResult<Result, Fallback>>;
}

async function rejectionHandled(
  promise: PromiseLike<unknown>,
  onRejected: (error: unknown) => unknown,
): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return onRejected(error);
  }
}
