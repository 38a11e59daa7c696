import type { Observable } from 'rxjs';
import type { Batch, FlushRequest } from '../../model/batch.ts';
import type { SpanflowError } from '../../model/errors.ts';

/** A message that cannot be read. */
export interface PoisonMessage {
  /** Where it came from. */
  readonly topic: string;
  /** The partition of the topic. */
  readonly partition: number;
  /** Its place in the partition. */
  readonly offset: bigint;
  /** The bytes of its key, if it has one. */
  readonly key: Uint8Array | undefined;
  /** Its bytes. */
  readonly value: Uint8Array;
  /** Why it cannot be read. */
  readonly error: SpanflowError;
}

/** What a reader of a topic is doing, and what it has done. Items are in the books of its ledger. */
export interface KafkaInputStats {
  /** The partitions that are read here at present, in ascending order; empty while the group is being divided anew. */
  readonly partitions: readonly number[];
  /** How often the group has been divided while this member was in it. */
  readonly rebalances: number;
  /** Messages that have been read, each counted again when it comes again. */
  readonly messages: number;
  /** Of those, messages that could not be read, and were set aside. */
  readonly poison: number;
  /** Of those, messages without an item of the signal. */
  readonly empty: number;
  /** Messages that will be read again, because the program lost them only since it ended or was subscribed anew. */
  readonly rewound: number;
  /** Batches that are out without an outcome, as far as they count within `maxUnsettledBatches`. */
  readonly unsettledBatches: number;
  /** The bytes of their messages. */
  readonly unsettledBytes: number;
  /** Commits that the group has taken. */
  readonly commits: number;
  /** Calls to the brokers that failed, and were or will be made again. */
  readonly failures: number;
}

/** A topic that is read as a member of a consumer group. */
export interface KafkaInput<T> {
  /** One batch for each message that holds items. One subscription at a time: it joins the group, and leaves it when it is unsubscribed. It completes at the shutdown. */
  readonly batches$: Observable<Batch<T>>;
  /** For `flushWhen` of the stages behind: what `forceFlush` and `shutdown` ask for. */
  readonly flush$: Observable<FlushRequest>;
  /** What it is doing now. */
  stats(): KafkaInputStats;
  /** Resolves when everything that was emitted before has its outcome, whichever, and what may be committed is; rejects at the timeout (`timeoutMillis`, default `shutdownTimeoutMillis`) with `FLUSH_TIMEOUT`. */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /**
   * Reads no more, ends the stream, waits until what was emitted has its outcomes, commits, leaves the group and closes the connections. At the timeout (`timeoutMillis`, default `shutdownTimeoutMillis`) it commits what is settled, leaves, and rejects with `FLUSH_TIMEOUT`: the rest comes again, here or at another member. The second call
   * gives the promise of the first.
   */
  shutdown(options?: { timeoutMillis?: number }): Promise<void>;
  /** `await using`: calls `shutdown` at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}
