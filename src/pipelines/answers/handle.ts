import type { Observable } from 'rxjs';
import type { Stats } from '../../ledger/stats.ts';
import type { SpanflowError } from '../../model/errors.ts';
import type { Tally } from '../../model/tally.ts';
import type { PipelineState, Shutdown } from '../lifeCycle/options.ts';
import type { HandleStats } from './callBooks.ts';

/**
 * What became of the items of one call: `delivered + rejected + stored + Σ lost.count` is their number. `attempts` and `attemptMillis` are the most that one of their batches took,
 * `elapsedMillis` is from the call to the answer.
 */
export interface ExportAnswer extends Tally {
  /**
   * The number of items that were in a batch which they shared with other calls and which ended in more than one way, as a partial success does: backends say how many items they refuse, not which.
   * Of such a batch each call is assigned a share in proportion. 0: the answer is exact.
   */
  readonly estimated: number;
  /** The failure of the last attempt of a batch that was lost, the newest if there are several. */
  readonly error?: SpanflowError;
  /** What the backend had to say, the newest if there is more than one. */
  readonly message?: string;
}

/** How one call is made. */
export interface ExportCallOptions {
  /** Gives up the wait for the answer. Default: none. */
  signal?: AbortSignal;
}

/** One way out, shared by many callers. */
export interface ExportHandle<T> {
  /**
   * Resolves when each of these items has its end: a failed export is an answer, not a rejection. It waits while the queue is full.
   *
   * An export of the same handle must not await it, nor do so by way of another one: each attempt puts more items into the queue, and where no other attempt is free to take them, waits for them in vain.
   * That ends at `attemptTimeoutMillis` for the attempt, and at `retry.maxElapsedMillis` for the batch; its items are then lost as `unconfirmed`.
   *
   * @param options `signal`: gives up the wait. Then it rejects with the signal's reason; items that are not in the queue yet stay out, and those that are go on (they may share a batch
   * with others) and are counted in `stats()`
   */
  export(items: readonly T[], options?: ExportCallOptions): Promise<ExportAnswer>;
  /** The current statistics, over all callers. */
  stats(): HandleStats;
  /** The statistics now, without those of the calls, and whenever they have changed, at most once a second. It completes at the shutdown. */
  readonly stats$: Observable<Stats>;
  /** The present state, and then each change. It completes when the handle has been shut down. */
  readonly state$: Observable<PipelineState>;
  /** Sends what is queued without delay. Resolves when everything that was queued before has its end; rejects at the timeout (default `flushTimeoutMillis`) with `FLUSH_TIMEOUT`, and at once with `DEADLOCK` when the export of one of its batches calls it. */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /**
   * Takes no more calls, exports what it has been given, answers every call, and shuts the sink down. What has no end at the deadline (default `shutdownDeadlineMillis`) is lost, as
   * `shutdown` or `unconfirmed`; what had not even found room, as `alreadyShutdown`. It resolves with what it delivered and what it could not. The second call gives the promise of the first.
   */
  readonly shutdown: Shutdown;
  /** `await using`: calls `shutdown` at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}
