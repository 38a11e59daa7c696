import { warn } from './tracingSuppression.ts';
import { MAX_TIMER_MILLIS } from './validation.ts';

/** Where variables are read from: `process.env`, or a table in a test. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads variables as OpenTelemetry's specification says: an empty variable counts as unset, and an invalid value is warned about and ignored.
 */
export class EnvironmentReader {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The value of the first name that is set. */
  text(...names: readonly string[]): string | undefined {
    return this.#first(names, (value) => value, '');
  }

  /** The first name that is present, even if it is empty: so one variable can switch off another. For variables that are not OpenTelemetry's. */
  firstPresent(...names: readonly string[]): { readonly name: string; readonly value: string } | undefined {
    for (const name of names) {
      const value = this.#environment[name];
      if (typeof value === 'string') return { name, value: value.trim() };
    }
    return undefined;
  }

  wholeNumber(min: number, max: number, ...names: readonly string[]): number | undefined {
    const read = (value: string) => {
      const number = whole(value, min);
      return number !== undefined && number <= max ? number : undefined;
    };
    const upTo = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`;
    return this.#first(names, read, `a whole number from ${min}${upTo}`);
  }

  /** A timeout in milliseconds; 0 means no limit. */
  timeoutMillis(...names: readonly string[]): number | undefined {
    const millis = this.delayMillis(...names);
    return millis === 0 ? Number.POSITIVE_INFINITY : millis;
  }

  /** A delay in milliseconds; 0 means no delay. */
  delayMillis(...names: readonly string[]): number | undefined {
    const read = (value: string) => {
      const millis = whole(value, 0);
      return millis !== undefined && millis <= MAX_TIMER_MILLIS ? millis : undefined;
    };
    return this.#first(names, read, `a duration in milliseconds, from 0 to ${MAX_TIMER_MILLIS}`);
  }

  oneOf<A extends string>(allowed: readonly A[], ...names: readonly string[]): A | undefined {
    const read = (value: string) => allowed.find((name) => name === value.toLowerCase());
    return this.#first(names, read, `one of ${allowed.join(', ')}`);
  }

  /** What `read` returns for the first variable that is set. If it returns `undefined`, the variable is warned about and ignored. */
  parsed<V>(
    read: (value: string, name: string) => V | undefined,
    rule: string,
    ...names: readonly string[]
  ): V | undefined {
    return this.#first(names, read, rule);
  }

  /** @param consequence what happens instead, unless it is just the default */
  warn(name: string, rule: string, consequence?: string): void {
    // The value may be a secret, so it is not shown.
    warn(`spanflow: ${name} is ignored: it must be ${rule}${consequence === undefined ? '' : `; ${consequence}`}`);
  }

  #first<V>(
    names: readonly string[],
    read: (value: string, name: string) => V | undefined,
    rule: string,
  ): V | undefined {
    for (const name of names) {
      const text: unknown = this.#environment[name];
      const value = typeof text === 'string' ? text.trim() : '';
      if (value === '') continue;
      const result = read(value, name);
      if (result !== undefined) return result;
      this.warn(name, rule);
    }
    return undefined;
  }
}

/** Accepts only digits: `Number` would also accept `0x10`, `1e3` and the empty string. */
function whole(value: string, min: number): number | undefined {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) && number >= min ? number : undefined;
}
