import { answerOf, runGuarded } from '../internal/runGuarded.ts';
import { requireRule, shape } from '../internal/validation.ts';
import { InvalidOptionError } from '../model/errors.ts';

/** The limits of a strategy: the options of {@link adaptiveBatch} that have these names. */
export interface BatchSizeLimits {
  /** No batch is aimed at that has fewer items. */
  readonly minExportBatchSize: number;
  /** The items of the first batch. */
  readonly initialExportBatchSize: number;
  /** No batch has more items. */
  readonly maxExportBatchSize: number;
  /** How long the first item of a batch waits for others, at most, in milliseconds. */
  readonly scheduledDelayMillis: number;
  /** The duration of an export that is aimed for, in milliseconds. */
  readonly targetLatencyMillis: number;
}

/** A batch was emitted. */
export interface BatchLeft {
  /** Items in it. */
  readonly items: number;
  /** From its first item to its emission, in milliseconds. */
  readonly openMillis: number;
}

/** A batch has its outcome. */
export interface BatchEnded {
  /** Items in it. */
  readonly items: number;
  /** Of these, items that the backend confirmed. */
  readonly delivered: number;
  /** Requests that it took, not counting retries: more than one where it was too large or too slow in one piece. */
  readonly requests: number;
  /** Attempts that were sent and timed out. */
  readonly timeouts: number;
  /** Duration of the last attempt, in milliseconds. */
  readonly attemptMillis: number;
  /** Items in the queue now. */
  readonly queued: number;
}

/**
 * Decides how large the next batch is and how long it may stay open. It learns from the batches that were emitted and ended; it
 * knows no clock and no streams. The batcher reads `size` and `delayMillis` after each of these calls and keeps them within the limits.
 */
export interface BatchSizeStrategy {
  /** How many items make the next batch due. */
  readonly size: number;
  /** How long the first item of the next batch waits for others, in milliseconds. */
  readonly delayMillis: number;
  /** Why the size changed last, in a word: `size$` of {@link adaptiveBatch} tells it. Left out: `strategy`. */
  readonly because?: string;
  /** A batch was emitted. */
  left(batch: BatchLeft): void;
  /** A batch has its outcome. */
  ended(batch: BatchEnded): void;
}

/**
 * The size that makes a batch due has changed.
 *
 * | because | |
 * |---|---|
 * | `initial` | the operator was subscribed |
 * | `latency` | exports took less or more time than aimed for, as far as that comes from the size |
 * | `probe` | another size is tried out, to learn what it does to the latency |
 * | `tooLarge`, `timeouts` | a batch had to be sent in parts, or an attempt at it timed out |
 * | `settings` | the limits were changed (`settings$`) |
 * | `strategy`, or any other word | what a strategy of your own says |
 */
export interface BatchSizeChange {
  /** How many items make the next batch due. */
  readonly size: number;
  /** Why, in a word of the table. */
  readonly because: string;
}

/** Makes a strategy, one for each subscription. The limits may change later: a strategy that reads them when it needs them follows. */
export type BatchSizeStrategyFactory = (limits: BatchSizeLimits) => BatchSizeStrategy;

/** Why a batch went in parts: it was refused as too large, or too slow in one piece. */
export function splitBecause({ timeouts }: Pick<BatchEnded, 'timeouts'>): 'timeouts' | 'tooLarge' {
  return timeouts > 0 ? 'timeouts' : 'tooLarge';
}

/** Weight of the newest observation in each moving average: 0.2 follows a change within some ten batches. */
export const ALPHA = 0.2;
export const SHRINK = 0.8;
export const GROW = 1.2;

/** A moving average in which the newest value weighs {@link ALPHA}. */
export function average(before: number | undefined, newest: number): number {
  return before === undefined ? newest : before + ALPHA * (newest - before);
}

/**
 * Always `maxExportBatchSize` items and `scheduledDelayMillis`, like the official processor.
 *
 * @example
 * ```ts
 * spans$.pipe(adaptiveBatch({ maxExportBatchSize: 512, strategy: fixedSize() }));
 * ```
 */
export function fixedSize(): BatchSizeStrategyFactory {
  return (limits) => ({
    get size() {
      return limits.maxExportBatchSize;
    },
    get delayMillis() {
      return limits.scheduledDelayMillis;
    },
    left() {},
    ended() {},
  });
}

/**
 * Calls a user's strategy. If it throws or returns an invalid number, the last valid answer stays in force, and each failure is
 * reported. The answers are kept within the limits.
 */
export class GuardedStrategy {
  readonly #limits: BatchSizeLimits;
  readonly #strategy: BatchSizeStrategy;
  readonly #onError: (thrown: unknown) => void;
  #size: number;
  #delayMillis: number;

  constructor(factory: BatchSizeStrategyFactory, limits: BatchSizeLimits, onError: (thrown: unknown) => void) {
    this.#limits = limits;
    this.#onError = onError;
    this.#size = limits.initialExportBatchSize;
    this.#delayMillis = limits.scheduledDelayMillis;
    this.#strategy = this.#attempt(() => made(factory(limits))) ?? fixedSize()(limits);
    this.#ask();
  }

  get size(): number {
    return this.#size;
  }

  get delayMillis(): number {
    return this.#delayMillis;
  }

  /** Why the size changed last. */
  get because(): string {
    const because = this.#attempt(() => this.#strategy.because);
    return typeof because === 'string' && because !== '' ? because : 'strategy';
  }

  /** The limits have changed. */
  limitsChanged(): void {
    this.#ask();
  }

  left(batch: BatchLeft): void {
    runGuarded(() => this.#strategy.left(batch), this.#onError);
    this.#ask();
  }

  ended(batch: BatchEnded): void {
    // An invalid tally of a holder teaches nothing.
    if (!(batch.attemptMillis >= 0 && batch.delivered >= 0)) return;
    runGuarded(() => this.#strategy.ended(batch), this.#onError);
    this.#ask();
  }

  #ask(): void {
    const { minExportBatchSize, maxExportBatchSize, scheduledDelayMillis } = this.#limits;
    const size = this.#attempt(() => answer('size', this.#strategy.size));
    const delayMillis = this.#attempt(() => answer('delayMillis', this.#strategy.delayMillis));
    if (size !== undefined) this.#size = Math.round(within(size, minExportBatchSize, maxExportBatchSize));
    if (delayMillis !== undefined) this.#delayMillis = within(delayMillis, 0, scheduledDelayMillis);
  }

  #attempt<R>(ask: () => R): R | undefined {
    return answerOf<R | undefined>(ask, undefined, this.#onError);
  }
}

const aStrategy = shape('a batch size strategy: an object with left() and ended()', 'left', 'ended');

function made(strategy: unknown): BatchSizeStrategy {
  requireRule('strategy', strategy, aStrategy);
  return strategy as BatchSizeStrategy;
}

function answer(what: string, value: unknown): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  throw new InvalidOptionError(`strategy.${what}`, 'a number', value);
}

/** The value, or the nearest one within the limits. */
export function within(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
