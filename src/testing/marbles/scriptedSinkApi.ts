import type { Batch } from '../../model/batch.ts';
import type { Failure, ObservableSink, Response } from '../../model/sink.ts';
import type { SubscriptionSpan } from './syntax.ts';

/** Options of a scripted sink. */
export interface ScriptedSinkOptions {
  /** The name of the sink. Default `scripted`. */
  readonly name?: string;
  /** The sink's own `maxConcurrency`: 1 or more. Default: unlimited. */
  readonly maxConcurrency?: number;
  /** The sink's own `attemptTimeoutMillis`, in virtual milliseconds: 1 or more. Default: none, so that of `exportTo` holds. */
  readonly attemptTimeoutMillis?: number;
  /** Letters that stand for responses, in addition to {@link SCRIPT_RESPONSES}. Default: none. */
  readonly responses?: Readonly<Record<string, Response>>;
  /** Letters that stand for failures, in addition to {@link SCRIPT_FAILURES}; `#` can be redefined. An `Error` is emitted as it is. Default: none. */
  readonly failures?: Readonly<Record<string, Failure | Error>>;
  /**
   * What happens to an attempt beyond the last marbles. `repeat`: it is answered by the last marbles again (the default) · `refuse`: it fails
   * permanently, and so does the test.
   */
  readonly afterLast?: 'repeat' | 'refuse';
  /** When `forceFlush` resolves (`---|`) or rejects (`-#`). Default: it resolves at once. */
  readonly forceFlush?: string;
  /** When `shutdown` resolves or rejects. Default: it resolves at once. */
  readonly shutdown?: string;
}

/** Letters for responses in every script: `r` is a plain success. */
export const SCRIPT_RESPONSES: Readonly<Record<string, Response>> = Object.freeze({ r: Object.freeze({}) });

/** Letters for failures in every script: `#` retryable, `t` throttled for a second, `p` permanent, `l` too large, `u` unknown outcome. */
export const SCRIPT_FAILURES: Readonly<Record<string, Failure>> = Object.freeze({
  '#': Object.freeze({ kind: 'retryable' }),
  t: Object.freeze({ kind: 'throttled', retryAfterMillis: 1_000 }),
  p: Object.freeze({ kind: 'permanent' }),
  l: Object.freeze({ kind: 'tooLarge' }),
  u: Object.freeze({ kind: 'unknownOutcome' }),
});

/** One attempt at a scripted sink. `unsubscribedFrame` is when it was answered or aborted. */
export interface Attempt<T> extends SubscriptionSpan {
  /** What was exported. */
  readonly batch: Batch<T>;
  /** The marbles of its answer. */
  readonly marbles: string;
  /** How it ended. `open`: not yet · `answered`: with a response · `failed`: with an error · `aborted`: it was unsubscribed before its answer. */
  readonly end: 'open' | 'answered' | 'failed' | 'aborted';
  /** The response, once there is one. */
  readonly response: Response | undefined;
}

/** A sink whose answers are drawn, and that records its attempts. */
export interface ScriptedSink<T> extends ObservableSink<T> {
  /** All attempts of all batches, in the order in which they began. */
  readonly attempts: readonly Attempt<T>[];
  /** The batches that `export` was called with. */
  readonly exported: readonly Batch<T>[];
  /** The frames at which `forceFlush` was called. */
  readonly flushes: readonly number[];
  /** The frames at which `shutdown` was called. */
  readonly shutdowns: readonly number[];
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}
