import { InvalidOptionError, type OptionMistake } from '../model/errors.ts';
import { nearestName } from './nearestName.ts';
import { officialCounterpart } from './officialNames.ts';

/** The longest delay that Node's timers take; a longer one fires at once. */
export const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/** What a value has to be. A rule adds what is wrong with the value to the mistakes of the call. */
export type Rule = (value: unknown, option: string, call: Mistakes) => void;

/** A rule for each option. What has no rule is no option. */
export type Rules<S> = { readonly [K in keyof S]-?: Rule };

/** Arguments beside the options, each with its rule. */
export type Arguments = Readonly<Record<string, readonly [value: unknown, rule: Rule]>>;

/**
 * Lays the given options over the defaults and checks them by the rules; `undefined` means the default. All mistakes of a call are reported in one error, each by the name of the function that was called.
 *
 * A default that does not fit (into a limit that was given) is reported only if nothing that was given is wrong.
 *
 * @param owner the function that the user has called; a composition checks the options of its stages by their rules and its own name
 * @throws InvalidOptionError when an option breaks its rule or is unknown
 */
export function settingsOf<S extends object>(
  owner: string,
  defaults: Partial<S>,
  rules: NoInfer<Rules<S>>,
  given: object,
  args: Arguments = {},
): S {
  const isOptions = isObject(given) && !Array.isArray(given);
  const settings = isOptions ? overDefaults<S>(defaults, given) : (defaults as S);
  const mistakes = new Mistakes(owner, settings);
  for (const [name, [value, rule]] of Object.entries(args)) rule(value, `${owner}.${name}`, mistakes);
  if (isOptions) mistakes.checkAll(rules, given);
  else mistakes.add(`${owner} options`, 'an object', given);
  mistakes.raise();
  return settings;
}

/** The signal of a call that takes no other option. */
export function signalOf(owner: string, options: { signal?: AbortSignal }): AbortSignal | undefined {
  return settingsOf<{ signal: AbortSignal | undefined }>(owner, {}, SIGNAL_RULES, options).signal;
}

/** Checks one value. */
export function requireRule(option: string, value: unknown, rule: Rule): void {
  const mistakes = new Mistakes(option, {});
  rule(value, option, mistakes);
  mistakes.raise();
}

/** The given options over the defaults; `undefined` means the default. */
export function overDefaults<S extends object>(defaults: Partial<S>, given: object): S {
  return { ...defaults, ...withoutUndefined(given) } as S;
}

/** The options without those that are `undefined`. */
export function withoutUndefined<O extends object>(options: O): { [K in keyof O]: Exclude<O[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

/** What is wrong with the options of one call, or of one object among them. */
export class Mistakes {
  readonly #owner: string;
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly #found: OptionMistake[];

  constructor(owner: string, settings: object, found: OptionMistake[] = []) {
    this.#owner = owner;
    this.#settings = settings as Record<string, unknown>;
    this.#found = found;
  }

  add(option: string, rule: string, given: unknown): void {
    this.#found.push(...new InvalidOptionError(option, rule, given).mistakes);
  }

  /** Adds the mistakes that an `InvalidOptionError` reports; any other exception passes. */
  attempt(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (!(thrown instanceof InvalidOptionError)) throw thrown;
      this.#found.push(...thrown.mistakes);
    }
  }

  /** What was given and what is missing first; the defaults only if that is right. */
  checkAll(rules: Readonly<Record<string, Rule>>, given: object): void {
    const names = Object.keys(rules);
    for (const [name, value] of Object.entries(given))
      if (!Object.hasOwn(rules, name)) this.#addUnknown(name, names, value);
    const isDefault = (name: string) =>
      (given as Record<string, unknown>)[name] === undefined && this.#settings[name] !== undefined;
    for (const name of names) if (!isDefault(name)) this.#check(rules, name);
    if (this.#found.length > 0) return;
    for (const name of names) if (isDefault(name)) this.#check(rules, name);
  }

  /** Checks an object that is the value of an option. */
  checkRecord(option: string, rules: Readonly<Record<string, Rule>>, value: object): void {
    new Mistakes(option, value, this.#found).checkAll(rules, value);
  }

  /** Whether an option has a value. */
  hasValue(name: string): boolean {
    return this.#settings[name] !== undefined;
  }

  /** Whether an option has this value. */
  isSet(name: string, value: string): boolean {
    return this.#settings[name] === value;
  }

  /** A bound: a number, or the value of another option. One that is itself wrong bounds nothing. */
  numberOf(bound: Bound): number | undefined {
    if (typeof bound === 'number') return bound;
    const value = this.#settings[bound];
    const isWrong = this.#found.some(({ option }) => option === `${this.#owner}.${bound}`);
    return typeof value === 'number' && !isWrong ? value : undefined;
  }

  raise(): void {
    const [first] = this.#found;
    if (first !== undefined) throw new InvalidOptionError(first.option, first.rule, first.given, this.#found);
  }

  #check(rules: Readonly<Record<string, Rule>>, name: string): void {
    rules[name]?.(this.#settings[name], `${this.#owner}.${name}`, this);
  }

  /** The value is not shown: it may be a secret. */
  #addUnknown(name: string, known: readonly string[], value: unknown): void {
    const option = `${this.#owner}.${name}`;
    const hint = hintFor(name, known);
    this.#found.push({
      option,
      rule: `one of the known options (${known.join(', ')})`,
      given: typeof value,
      message: `${option} must be one of the known options${hint === undefined ? '' : `; ${hint}`}`,
      ...(hint === undefined && { known }),
    });
  }
}

/** The next step after an unknown option. */
function hintFor(name: string, known: readonly string[]): string | undefined {
  const counterpart = officialCounterpart(name, known);
  if (counterpart !== undefined) return counterpart;
  const nearest = nearestName(name, known);
  return nearest === undefined ? undefined : `did you mean '${nearest}'?`;
}

/** A mistake that the usual sentence (option, rule, value) does not fit. */
export function mistakeInWords(option: string, rule: string, given: unknown, message: string): InvalidOptionError {
  return new InvalidOptionError(option, rule, given, [{ option, rule, given, message }]);
}

/** A number, or the name of the option that holds it. */
export type Bound = number | string;

/** A value that `holds`. */
export function must(text: string, holds: (value: unknown) => boolean): Rule {
  return (value, option, call) => {
    if (!holds(value)) call.add(option, text, value);
  };
}

/** A value that a function of another part checks, which throws an `InvalidOptionError`. */
export function passing(check: (value: unknown, option: string) => void): Rule {
  return (value, option, call) => call.attempt(() => check(value, option));
}

/** A value that may be left out. */
export function optional(rule: Rule): Rule {
  return (value, option, call) => {
    if (value !== undefined) rule(value, option, call);
  };
}

/** A whole number of things: `min` or more, up to `max`. */
export function whole(min: Bound, max: Bound = Number.MAX_SAFE_INTEGER): Rule {
  return ranged('a whole number', Number.isSafeInteger, min, max, 'finite');
}

/** A whole number of things, or `Infinity` for no limit. */
export function limit(min: Bound): Rule {
  return ranged('a whole number', Number.isSafeInteger, min, Number.MAX_SAFE_INTEGER, 'orInfinity');
}

/** A duration that a timer can wait: `min` or more, at most some 24 days, or `Infinity` for no limit where that is allowed. */
export function millis(min: Bound, infinity: 'finite' | 'orInfinity' = 'finite', max: Bound = MAX_TIMER_MILLIS): Rule {
  return ranged('a duration in milliseconds,', Number.isFinite, min, max, infinity);
}

/** A finite number within a range. */
export function numberFrom(min: Bound, max: Bound): Rule {
  return ranged('a number', Number.isFinite, min, max, 'finite');
}

function ranged(
  noun: string,
  isOfKind: (value: unknown) => boolean,
  min: Bound,
  max: Bound,
  infinity: 'finite' | 'orInfinity',
): Rule {
  return (value, option, call) => {
    if (infinity === 'orInfinity' && value === Number.POSITIVE_INFINITY) return;
    const [least = Number.NEGATIVE_INFINITY, most = Number.MAX_SAFE_INTEGER] = [call.numberOf(min), call.numberOf(max)];
    if (isOfKind(value) && (value as number) >= least && (value as number) <= most) return;
    const from = least === Number.NEGATIVE_INFINITY ? '' : ` from ${least}`;
    const to = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
    call.add(option, `${noun}${from}${to}${infinity === 'orInfinity' ? ', or Infinity' : ''}`, value);
  };
}

export function oneOf(...allowed: readonly string[]): Rule {
  const text = `one of ${allowed.map((name) => `'${name}'`).join(', ')}`;
  return must(text, (value) => allowed.includes(value as string));
}

/** An object, or a function, that has the named methods. */
export function shape(text: string, ...methods: readonly string[]): Rule {
  return must(text, (value) => {
    if (!isObject(value) && typeof value !== 'function') return false;
    return methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
  });
}

/** An object of options, of which each may be left out. */
export function record(rules: Readonly<Record<string, Rule>>): Rule {
  const optionals = Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, optional(rule)]));
  return (value, option, call) => {
    if (isObject(value)) call.checkRecord(option, optionals, value);
    else call.add(option, 'an object', value);
  };
}

export const aFunction = must('a function', (value) => typeof value === 'function');
export const aBoolean = must('true or false', (value) => typeof value === 'boolean');
export const aString = must('a string', (value) => typeof value === 'string');
export const anObject = shape('an object');
export const aPath = must(
  'the path of a file, or its URL',
  (path) => path instanceof URL || (typeof path === 'string' && path !== ''),
);
export const anArray = must('an array', Array.isArray);
export const anAbortSignal = shape('an AbortSignal', 'addEventListener');
const SIGNAL_RULES = { signal: optional(anAbortSignal) };
export const anObservable = shape('an Observable', 'subscribe');
export const aScheduler = shape('an RxJS scheduler', 'schedule', 'now');
export const anOverflow = oneOf('dropNewest', 'dropOldest', 'error');

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
