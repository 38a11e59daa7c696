import type { Tally } from './tally.ts';

/**
 * What closed a batch, that is: made it due. It may have grown since, while no slot was free.
 *
 * `count`, `bytes`: it reached its target · `delay`: its first item had waited long enough · `flush`: somebody asked ·
 * `complete`, `error`: the source ended.
 */
export type CloseReason = 'count' | 'bytes' | 'delay' | 'flush' | 'complete' | 'error';

/**
 * Items that travel together. A batch is never empty, and its items do not change.
 *
 * Whoever keeps it beyond the `next` that brought it calls {@link Batch.hold}; then the batcher knows how it ended,
 * and when another one is welcome.
 */
export interface Batch<T> {
  readonly items: readonly T[];
  /** An estimate of the encoded size, in bytes. */
  readonly bytes: number;
  readonly closedBy: CloseReason;
  /** @param onFlush called when a flush waits for this batch: at once if one does already, and until the hold is settled */
  hold(onFlush?: (urgency: FlushUrgency) => void): Hold;
}

/** What a flush wants of those who hold what it waits for. */
export interface FlushUrgency {
  /** How long it waits, in milliseconds, or `Infinity`. */
  readonly timeoutMillis: number;
  /** Whether the program is coming to its end: then a backend that is certainly not there is not waited for that long. */
  readonly isEnding: boolean;
  /** For how long it has waited already, in milliseconds. Left out: 0. */
  readonly elapsedMillis?: number;
}

/** A claim on a batch. Both calls are idempotent. */
export interface Hold {
  /** "I can take another batch": a slot is free. */
  ready(): void;
  /** The end of this batch, for this holder. It implies {@link Hold.ready}. */
  settle(tally: Tally): void;
}

/**
 * A wish that everything accepted before it gets an outcome. It travels from an input to each batcher that must answer.
 * The request is done when each of its holders has settled; a request that nobody holds is done at once.
 */
export interface FlushRequest {
  /** Left out: nothing is known of it, and what is held goes on as before. */
  readonly urgency?: FlushUrgency;
  hold(): { settle(): void };
}

/** A hold on something that needs none: plain arrays, batches that are over. */
export const NO_HOLD: Hold = Object.freeze({ ready() {}, settle() {} });

/** Whether a value is a batch that can be held, as opposed to a plain array of items. */
export function isBatch<T>(value: Batch<T> | readonly T[]): value is Batch<T> {
  return !Array.isArray(value) && typeof (value as Batch<T>).hold === 'function';
}

/** Whether a value that came down a `flushWhen` wants an answer. */
export function isFlushRequest(value: unknown): value is FlushRequest {
  return typeof value === 'object' && value !== null && typeof (value as FlushRequest).hold === 'function';
}

/**
 * The same batch with other items: what an operator between batcher and sink returns when it filters or rewrites.
 * The holds are shared, so the batcher still learns how it ended; items that are missing count as `removed`.
 *
 * @example
 * ```ts
 * const withoutHealthChecks = map((batch: Batch<ReadableSpan>) =>
 *   withItems(batch, batch.items.filter((span) => span.name !== 'GET /healthz')),
 * );
 * ```
 */
export function withItems<T, R>(batch: Batch<T>, items: readonly R[], bytes: number = batch.bytes): Batch<R> {
  return { items, bytes, closedBy: batch.closedBy, hold: (onFlush) => batch.hold(onFlush) };
}
