import type { Batch } from '../../model/batch.ts';
import type { Failure, ObservableSink, Response } from '../../model/sink.ts';
import type { SubscriptionSpan } from './syntax.ts';

/** How a scripted sink answers, beyond its marbles. */
export interface ScriptedSinkOptions {
  /** Default `scripted`. */
  readonly name?: string;
  /** What the sink says it bears. Default: unlimited. */
  readonly maxConcurrency?: number;
  readonly attemptTimeoutMillis?: number;
  /** Letters that answer. They are added to {@link SCRIPT_RESPONSES}. */
  readonly responses?: Readonly<Record<string, Response>>;
  /** Letters that fail, `#` among them. They are added to {@link SCRIPT_FAILURES}. An Error is thrown as it is. */
  readonly failures?: Readonly<Record<string, Failure | Error>>;
  /**
   * What an attempt beyond the last marble meets. `repeat`: the last marble once more (the default) · `refuse`: a permanent
   * failure, and the test fails.
   */
  readonly afterLast?: 'repeat' | 'refuse';
  /** When `forceFlush` settles, as marbles: `---|` resolves, `-#` rejects. Default: at once. */
  readonly forceFlush?: string;
  /** When `shutdown` settles, as marbles. Default: at once. */
  readonly shutdown?: string;
}

/** Letters that answer in every script: `r` is a plain success. */
export const SCRIPT_RESPONSES: Readonly<Record<string, Response>> = Object.freeze({ r: Object.freeze({}) });

/** Letters that fail in every script: `#` retryable, `t` throttled for a second, `p` permanent, `l` too large, `u` unknown outcome. */
export const SCRIPT_FAILURES: Readonly<Record<string, Failure>> = Object.freeze({
  '#': Object.freeze({ kind: 'retryable' }),
  t: Object.freeze({ kind: 'throttled', retryAfterMillis: 1_000 }),
  p: Object.freeze({ kind: 'permanent' }),
  l: Object.freeze({ kind: 'tooLarge' }),
  u: Object.freeze({ kind: 'unknownOutcome' }),
});

/** One attempt that a scripted sink saw. `unsubscribedFrame` is when it was answered, or aborted. */
export interface Attempt<T> extends SubscriptionSpan {
  readonly batch: Batch<T>;
  /** The marbles that answer it. */
  readonly marbles: string;
  /** `open` until it ends; `aborted` by unsubscribing before its answer. */
  readonly end: 'open' | 'answered' | 'failed' | 'aborted';
  /** What it was answered, once it was. */
  readonly response: Response | undefined;
}

/** A sink whose answers are drawn, and that remembers its attempts. */
export interface ScriptedSink<T> extends ObservableSink<T> {
  /** In the order in which they began, across all batches. */
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
