import { InvalidOptionError } from '../model/errors.ts';

/** The longest delay that Node's timers take; a longer one fires at once. */
export const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/**
 * Lays given options over defaults. An option that does not exist is refused, so that a slip of the pen does not pass for a setting;
 * `undefined` means the default.
 */
export function withDefaults<D extends object>(owner: string, defaults: D, given: object): D {
  if (typeof given !== 'object' || given === null) throw new InvalidOptionError(`${owner} options`, 'an object', given);
  const merged = { ...defaults } as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    if (!(name in defaults)) {
      // Not the value: nobody knows whether it is a secret.
      const rule = `one of the known options (${Object.keys(defaults)})`;
      throw new InvalidOptionError(`${owner}.${name}`, rule, typeof value);
    }
    if (value !== undefined) merged[name] = value;
  }
  return merged as D;
}

/** A whole number of things: `min` or more, up to `max`. */
export function requireWhole(option: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
  const upTo = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`;
  throw new InvalidOptionError(option, `a whole number from ${min}${upTo}`, value);
}

/** A whole number of things, or `Infinity` for no limit. */
export function requireLimit(option: string, value: unknown, min: number): void {
  if (value === Number.POSITIVE_INFINITY) return;
  if (Number.isSafeInteger(value) && (value as number) >= min) return;
  throw new InvalidOptionError(option, `a whole number from ${min}, or Infinity`, value);
}

/** A duration that a timer can wait: `min` or more, at most some 24 days, or `Infinity` for no limit where that is allowed. */
export function requireMillis(option: string, value: unknown, min: number, infinity: 'finite' | 'orInfinity'): void {
  if (infinity === 'orInfinity' && value === Number.POSITIVE_INFINITY) return;
  if (typeof value === 'number' && value >= min && value <= MAX_TIMER_MILLIS) return;
  const orInfinity = infinity === 'orInfinity' ? ', or Infinity' : '';
  throw new InvalidOptionError(option, `milliseconds from ${min} to ${MAX_TIMER_MILLIS}${orInfinity}`, value);
}

/** A finite number within a range. */
export function requireNumber(option: string, value: unknown, min: number, max: number): void {
  if (typeof value === 'number' && value >= min && value <= max) return;
  throw new InvalidOptionError(option, `a number from ${min} to ${max}`, value);
}

export function requireOneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.includes(value as string)) return;
  throw new InvalidOptionError(option, `one of ${allowed.map((name) => `'${name}'`).join(', ')}`, value);
}

/** An object (or nothing, where that is allowed) that has the named methods. */
export function requireShape(option: string, value: unknown, what: string, ...methods: readonly string[]): void {
  const shape = value as Record<string, unknown> | null;
  const isObject = (typeof value === 'object' || typeof value === 'function') && value !== null;
  if (isObject && methods.every((name) => typeof shape?.[name] === 'function')) return;
  throw new InvalidOptionError(option, what, value);
}

export function requireFunction(option: string, value: unknown): void {
  if (typeof value !== 'function') throw new InvalidOptionError(option, 'a function', value);
}

/** Without the options that were left out. */
export function present<O extends object>(options: O): { [K in keyof O]: Exclude<O[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
