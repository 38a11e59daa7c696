import { escaped } from './escaped.ts';

/**
 * Stable identifiers of every error that spanflow raises: compare `error.code`, not the message and not the class.
 *
 * | code | |
 * |---|---|
 * | `INVALID_OPTION` | an option breaks its rule, or is unknown |
 * | `QUEUE_FULL` | a queue was offered more than it holds |
 * | `EXPORT_FAILED` | an attempt failed; `failure` says what that means for its batch |
 * | `TIMEOUT` | something took longer than it may, and was aborted or given up |
 * | `FLUSH_TIMEOUT` | a flush or a shutdown of an input was over before everything had an outcome |
 * | `DEADLOCK` | an export awaits a flush that waits for this export |
 * | `CLOSED` | what was called has ended, or can be used only once |
 * | `CANNOT_LISTEN` | a server of ours (a receiver, the live view, a fake backend) cannot listen on its port |
 * | `MALFORMED_MESSAGE` | bytes or a text are no OTLP message |
 * | `MESSAGE_TOO_LARGE` | a message would become larger than the limits allow |
 * | `UNENCODABLE` | OTLP cannot express an item |
 * | `NO_SPAN` | an operator for spans was given a batch or an array |
 * | `MISSING_PACKAGE` | an optional peer that was asked for is not installed |
 * | `BREAKER_OPEN` | a circuit breaker is open |
 * | `OPERATOR_FAILED` | an operator of yours threw |
 * | `OPERATOR_ENDED` | an operator of yours completed before its source |
 * | `JOIN_FAILED` | one of several joined exports failed |
 * | `WORKER_CRASHED` | a worker thread ended while it worked |
 * | `NOT_CLONEABLE` | a value cannot be sent to another thread or process |
 * | `DIRECTORY_IN_USE` | the directory of a queue on disk belongs to another process |
 * | `DISK_FAILED` | a queue on disk cannot be opened, read or written |
 */
export type SpanflowErrorCode =
  | 'INVALID_OPTION'
  | 'QUEUE_FULL'
  | 'EXPORT_FAILED'
  | 'TIMEOUT'
  | 'FLUSH_TIMEOUT'
  | 'DEADLOCK'
  | 'CLOSED'
  | 'CANNOT_LISTEN'
  | 'MALFORMED_MESSAGE'
  | 'MESSAGE_TOO_LARGE'
  | 'UNENCODABLE'
  | 'NO_SPAN'
  | 'MISSING_PACKAGE'
  | 'BREAKER_OPEN'
  | 'OPERATOR_FAILED'
  | 'OPERATOR_ENDED'
  | 'JOIN_FAILED'
  | 'WORKER_CRASHED'
  | 'NOT_CLONEABLE'
  | 'DIRECTORY_IN_USE'
  | 'DISK_FAILED';

/**
 * The one base of spanflow's errors.
 *
 * Two copies of a package may be loaded into one process, so `instanceof` can lie: {@link SpanflowError.code} does not.
 */
export class SpanflowError extends Error {
  /** The name of the class, which is part of the stack. */
  override readonly name: string = 'SpanflowError';

  /** Which error it is, in a word that does not change between versions. */
  readonly code: SpanflowErrorCode;

  constructor(code: SpanflowErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** One option that breaks its rule. */
export interface OptionMistake {
  /** The option, with the function that was called: `adaptiveBatch.maxQueueSize`. */
  readonly option: string;
  /** What the option demands: `a whole number from 1`. */
  readonly rule: string;
  /** The value that was given. For an unknown option it is the value's type (`'string'`), because the value may be a secret. */
  readonly given: unknown;
  /** The mistake in words. */
  readonly message: string;
  /** The options that there are, where the option is unknown and no hint says what was meant. The message of the error names them once, at its end. */
  readonly known?: readonly string[];
}

/** An option breaks its rule, or is unknown. The call had no effect. All mistakes of the call are in `mistakes`; the other fields are those of the first. */
export class InvalidOptionError extends SpanflowError implements OptionMistake {
  override readonly name = 'InvalidOptionError';

  /** The option, with the function that was called: `adaptiveBatch.maxQueueSize`. */
  readonly option: string;
  /** What the option demands: `a whole number from 1`. */
  readonly rule: string;
  /** The value that was given. For an unknown option it is the value's type (`'string'`), because the value may be a secret. */
  readonly given: unknown;
  /** All mistakes of the call, at least one. */
  readonly mistakes: readonly OptionMistake[];

  /** @param mistakes all mistakes of the call, this one included. Default: just this one. */
  constructor(option: string, rule: string, given: unknown, mistakes?: readonly OptionMistake[]) {
    const message = `${option} must be ${rule}, but was given ${shown(given)}`;
    const all = mistakes ?? [{ option, rule, given, message }];
    super('INVALID_OPTION', [...all.map((mistake) => mistake.message), ...knownOptions(all)].join('; '));
    this.option = option;
    this.rule = rule;
    this.given = given;
    this.mistakes = all;
  }
}

/** The options that there are, once for each object of options. */
function knownOptions(mistakes: readonly OptionMistake[]): Set<string> {
  const sentences = mistakes.flatMap(({ option, known }) =>
    known === undefined ? [] : `the options of ${option.slice(0, option.lastIndexOf('.'))} are ${known.join(', ')}`,
  );
  return new Set(sentences);
}

/** A queue whose `overflow` is `'error'` was offered more than it holds. */
export class QueueFullError extends SpanflowError {
  override readonly name = 'QueueFullError';

  /** The operator whose queue it is. */
  readonly stage: string;

  constructor(stage: string, maxQueueSize: number, maxQueueBytes: number) {
    super('QUEUE_FULL', `${stage}: the queue is full (maxQueueSize ${maxQueueSize}, maxQueueBytes ${maxQueueBytes})`);
    this.stage = stage;
  }
}

/** Something took longer than it was allowed to, and was aborted. */
export class RaceTimeoutError extends SpanflowError {
  override readonly name = 'RaceTimeoutError';

  /** How long it was allowed to take, in milliseconds. */
  readonly millis: number;

  /** @param doing what was going on: `while connecting to http://localhost:4318` */
  constructor(what: string, millis: number, doing = '') {
    super('TIMEOUT', `${what} took longer than ${millis} ms and was aborted ${doing}`.trimEnd());
    this.millis = millis;
  }
}

/** Renders any value briefly and never throws: what was given may be hostile. */
export function shown(value: unknown): string {
  try {
    if (typeof value === 'string') return escaped(JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value));
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'function') return `a function ${value.name || '(anonymous)'}`;
    if (Array.isArray(value)) return `an array of ${value.length}`;
    if (typeof value === 'object' && value !== null)
      return isPlain(value) ? shownKeys(Object.keys(value)) : `an object ${value.constructor?.name ?? ''}`.trim();
    return String(value);
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}

/** Whether it is no instance of a class. Objects of another realm have another prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Its values may be secret. */
function shownKeys(keys: readonly string[]): string {
  if (keys.length === 0) return 'an empty object';
  const first = keys.slice(0, 3).map((key) => escaped(key.length > 40 ? `${key.slice(0, 40)}…` : key));
  return `an object with ${keys.length === 1 ? 'the key' : 'keys'} ${first.join(', ')}${keys.length > 3 ? ', …' : ''}`;
}

/** The message of anything that was thrown, and never a second throw. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return 'an error that cannot be shown';
  }
}
