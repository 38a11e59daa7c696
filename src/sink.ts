import type { Observable } from 'rxjs';
import type { Batch } from './batch.ts';
import { SpanflowError } from './errors.ts';

/**
 * Where batches leave. A sink answers each batch once: it emits one {@link Response}, or errors with an {@link ExportError}.
 *
 * An error of another kind counts as `retryable`; completing without an answer counts as `unknownOutcome`.
 */
export interface Sink<T> {
  /** Names the sink in losses, errors and warnings. */
  readonly name: string;
  /**
   * How many exports at once it bears; unlimited when left out. An official `SpanExporter` bears one: its specification forbids
   * concurrent calls.
   */
  readonly maxConcurrency?: number;
  /** How long one attempt may take, in milliseconds, unless `exportTo` is told otherwise. */
  readonly attemptTimeoutMillis?: number;
  /**
   * Called for each attempt, with the same batch. What it returns is subscribed to once, and **unsubscribing aborts the attempt**. Whatever the attempts
   * have in common (the encoded body, for example) can be kept in a `WeakMap` by the batch.
   */
  export(batch: Batch<T>): Observable<Response>;
  /** Resolves when whatever the sink itself still holds has been handed on. For sinks that hold something. */
  forceFlush?(): Promise<void>;
  /** Ends connections and timers. It is called once, after the last export. */
  shutdown?(): Promise<void>;
}

/** The batch arrived. Items that are neither rejected nor unencodable were delivered. */
export interface Response {
  /** Items that the backend refused for good. Default 0. */
  readonly rejected?: number;
  /** Items that were left out because they cannot be expressed on the wire. Default 0. */
  readonly unencodable?: number;
  /** What the backend said: a warning, or why it refused items. */
  readonly message?: string;
}

/**
 * What a failed attempt means for the batch.
 *
 * `retryable`: it certainly did not arrive, and may arrive later · `throttled`: the same, and the backend says when ·
 * `permanent`: it will never arrive · `tooLarge`: it will not arrive in one piece ·
 * `unknownOutcome`: it was sent, and nobody knows; it is sent again, and may arrive twice.
 */
export type Failure =
  | { readonly kind: 'retryable' | 'permanent' | 'tooLarge' | 'unknownOutcome' }
  | { readonly kind: 'throttled'; readonly retryAfterMillis: number };

/** An export that failed, with what that means. */
export class ExportError extends SpanflowError {
  override readonly name = 'ExportError';

  readonly failure: Failure;

  constructor(failure: Failure, message: string, options?: ErrorOptions) {
    super('EXPORT_FAILED', message, options);
    this.failure = failure;
  }
}
