import { runGuarded } from '../internal/runGuarded.ts';
import { aFunction, settingsOf } from '../internal/validation.ts';

export interface SafelyOptions<Args extends readonly unknown[], Fallback> {
  /** What is returned in the place of an exception: it is given that, and the arguments. Default: it returns `undefined`. */
  fallback?: (error: unknown, ...args: Args) => Fallback;
  /** Told of each exception, with the arguments. What it throws itself has nobody left to hear it. */
  onError?: (error: unknown, ...args: Args) => void;
}

export const SAFELY_DEFAULTS: Readonly<Required<SafelyOptions<readonly unknown[], undefined>>> = Object.freeze({
  fallback: () => undefined,
  onError: () => {},
});

const SAFELY_RULES = { fallback: aFunction, onError: aFunction };

/** What a function returns, or the fallback; for a promise, what it resolves with, or the fallback. */
export type SafeResult<Result, Fallback> =
  Result extends PromiseLike<infer Value> ? Promise<Value | Fallback> : Result | Fallback;

/**
 * The arguments as the callback has them: an option that takes fewer of them has no say in what they are. (`NoInfer` does the same, but then the compiler
 * does not see that the rest of the arguments are some.)
 */
type Settled<Args extends readonly unknown[]> = [Args][Args extends unknown ? 0 : never];

/** The wrapped function. */
export interface Safe<Args extends readonly unknown[], Result> {
  (...args: Args): Result;
  /** How many exceptions there were, the rejections and those of the fallback included. */
  readonly errors: number;
}

/**
 * Wraps a callback for operators of somebody else's (`map`, `filter`, `tap` …), so that an exception in it is counted and a fallback returned, and the stream goes on.
 *
 * ```text
 * source      -a-b-c-|
 * subscribed  ^------!
 *             safely: b throws, and the fallback is '?'
 * result      -A-?-C-|
 * ```
 *
 * **Returns** what the callback returns. When that throws, `onError` is told and the `fallback` returned: the default is `undefined`, which the type says, so that
 * `filter(safely(…))` does not compile before it has been decided whether an item that cannot be judged is to stay. A promise that rejects counts as well: the one that
 * is returned resolves with the fallback. A fallback that throws counts, too, and `undefined` stands in for it.
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
  options: SafelyOptions<Settled<Args>, Fallback> = {},
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
      return isPromiseLike(result) ? settled(result, (error) => insteadOf(error, args)) : result;
    } catch (thrown) {
      return insteadOf(thrown, args);
    }
  };
  return Object.defineProperty(safe, 'errors', { get: () => errors }) as Safe<Args, SafeResult<Result, Fallback>>;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

async function settled(promise: PromiseLike<unknown>, onRejected: (error: unknown) => unknown): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return onRejected(error);
  }
}
