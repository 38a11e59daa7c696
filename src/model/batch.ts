import type { Tally } from './tally.ts';

/**
 * What closed a batch, that is: made it due. It may have grown since, while no slot was free.
 *
 * `count`, `bytes`: it reached its target · `delay`: its first item had waited long enough · `flush`: a flush asked for it ·
 * `complete`, `error`: the source ended.
 */
export type CloseReason = 'count' | 'bytes' | 'delay' | 'flush' | 'complete' | 'error';

/**
 * Items that travel together. A batch is never empty, and its items do not change.
 *
 * An operator that keeps a batch after its `next` has returned calls {@link Batch.hold}. From the hold the batcher learns how the batch ended,
 * and when the operator can take another one.
 */
export interface Batch<T> {
  /** At least one, in the order in which they came. */
  readonly items: readonly T[];
  /** An estimate of the encoded size, in bytes. */
  readonly bytes: number;
  /** What made it due. */
  readonly closedBy: CloseReason;
  /** @internal The batch that this one was cut out of, to be sent in parts. */
  readonly partOf?: Batch<T>;
  /**
   * Claims the batch: it has no outcome until this holder has settled it. To be called before `next` returns.
   *
   * @param onFlush called when a flush waits for this batch: at once if one does already, and until the hold is settled
   */
  hold(onFlush?: (urgency: FlushUrgency) => void): Hold;
}

/** What a flush asks of the holders of the batches that it waits for. */
export interface FlushUrgency {
  /** How long it waits, in milliseconds, or `Infinity`. */
  readonly timeoutMillis: number;
  /** Whether the flush is part of a shutdown. Then a backend that refuses connections is not waited for until the timeout. */
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
  /**
   * @internal "I keep it within bounds of my own": in items, bytes and memory. Once all holders have said so, the batch does not count among those that are out, takes none of the batcher's memory and has no
   * lease; it still has no outcome, and a flush waits for it.
   */
  takeOver?(): void;
  /** @internal The ledger account of the stage that made the batch. */
  readonly maker?: object | undefined;
  /** @internal What its items came in, each as a whole, such as requests: in their order. They may have come in several, and a part of one may be in another batch. */
  readonly origins?: readonly object[] | undefined;
}

/**
 * A request that everything accepted before it gets an outcome. It travels from an input to each batcher that must answer.
 * The request is done when each of its holders has settled. A request without a holder is done at once.
 */
export interface FlushRequest {
  /** Left out: retries and waits go on as before. */
  readonly urgency?: FlushUrgency;
  /** Claims the request: it is not done until `settle` was called. Only from within the `next` that brings it. */
  hold(): {
    /** The answer of this holder. Idempotent. */
    settle(): void;
  };
  /**
   * Claims the request for a stage that lets out what it gathers: when it has, another request follows, so that the stages behind answer for that, too. Only from within the `next` that brings it.
   * `undefined`: what came before the flush has been let out already, and the stage keeps what it has. Left out, by who makes a request by hand: it is held, and no other one follows.
   */
  release?(): FlushRelease | undefined;
}

/** The claim of a stage that lets out what it gathers. */
export interface FlushRelease {
  /**
   * Everything that came before the request has gone out. Idempotent.
   *
   * @param hasReleased whether that was anything: then another request follows
   * @param waitedMillis how long it took, in milliseconds
   */
  settle(hasReleased: boolean, waitedMillis: number): void;
}

/** A hold that does nothing, for plain arrays and for batches that have ended. */
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
 * For operators in front of `exportTo`. A sink that passes fewer items to another one says so in its answer (`removed`), because an answer speaks of the batch that was given.
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
