import type { Observable, SchedulerLike } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { aMemoryBudget, type MemoryBudget } from '../../flow/memory.ts';
import { QUEUE_RULES, type QueueOptions } from '../../flow/queueOptions.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aScheduler, millis, optional, type Rules, whole } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { FlushRequest } from '../../model/batch.ts';
import type { Loss } from '../../model/tally.ts';

/** The options of {@link channel}. */
export interface ChannelOptions<T> extends QueueOptions<T> {
  /** What the stage is called in losses and statistics. Default `channel`. */
  name?: string;
  /** Items that wait in the queue, at most: 1 or more, default 32,768. More rides out longer bursts before producers wait, and takes more memory. */
  maxQueueSize?: number;
  /**
   * Calls of `send` that wait for room, at most: 0 or more, default 1,024. One more is refused as `queueFull`. What waits is not in the queue: its
   * memory is bounded by this number of items.
   */
  maxWaitingSends?: number;
  /**
   * How long a call of `send` waits while nothing leaves the queue, in milliseconds: 1 or more, or `Infinity`. Then it rejects with `TIMEOUT`, and the item is refused as `queueFull`. While items leave,
   * calls get their turn, and wait for as long as that takes. Lower: a consumer that waits for its own `send`, and so never goes on, is found sooner. Higher: producers wait through a longer standstill;
   * for a `gate` that you close for longer, raise it. Default 600,000: twice the time after which `exportTo` gives a batch up and so makes room.
   */
  stallTimeoutMillis?: number;
  /** Nothing leaves while it is closed. Give the same one to `adaptiveBatch({ gate })`, and producers wait while the batcher is full. Default: one that stays open. */
  gate?: Gate;
  /** What the memory of the queued items comes out of. Default: that of the process, see {@link memoryBudget}. Where it is used up, that is a full queue: `send` waits. */
  memory?: MemoryBudget;
  /** How long `forceFlush` waits for the outcomes, in milliseconds: 1 or more, default 30,000. Then it rejects. */
  flushTimeoutMillis?: number;
  /** Called for what was refused (`queueFull`, `tooLarge`, `alreadyShutdown`), summed up once per turn of the event loop, and never from within a call of a producer. */
  onLoss?: (loss: Loss) => void;
  /** Called when `onLoss`, `sizeOf`, the gate or a subscriber of `items$` throws, or `sizeOf` returns an invalid number. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

type Optional = 'name' | 'gate' | 'memory' | 'onLoss' | 'onCallbackError' | 'ledger';

/** Every option with its value. */
export type ChannelSettings<T> = Required<Omit<ChannelOptions<T>, Optional>> & {
  [K in Optional]: ChannelOptions<T>[K] | undefined;
};

export const CHANNEL_DEFAULTS: Readonly<ChannelSettings<unknown>> = Object.freeze({
  maxQueueSize: 32_768,
  maxQueueBytes: 64 * 1024 * 1024,
  maxWaitingSends: 1_024,
  stallTimeoutMillis: 600_000,
  name: undefined,
  gate: undefined,
  memory: undefined,
  flushTimeoutMillis: 30_000,
  sizeOf: estimateItemBytes,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
  scheduler: monotonicScheduler,
});

/** What {@link Channel.trySend} answers. `accepted`: the item is in · `dropped`: there was no room for it · `closed`: the channel takes nothing any more. */
export type Offered = 'accepted' | 'dropped' | 'closed';

/** How one item is sent into a {@link Channel}. */
export interface SendOptions {
  /** Takes the item back while it waits for room. Default: none. */
  signal?: AbortSignal;
}

/** Many producers on one side, one stream on the other, and a bounded queue between them. */
export interface Channel<T> {
  /**
   * Resolves when the item is in the queue; while that is full it waits its turn, first come, first served. Rejects with the signal's reason when that aborts, and with
   * a {@link SpanflowError}: `CLOSED`; `QUEUE_FULL` when too many wait already or the item is larger than the whole queue, or than half of the memory; or `TIMEOUT` when nothing has left the queue for `stallTimeoutMillis`. A rejection
   * that is not handled is no unhandled one: the ledger counts it.
   *
   * Do not await it where the channel itself waits for you: in a consumer that keeps the gate closed, in a projection of `boundedMergeMap` behind it, in the consumer of another channel whose consumer
   * sends into this one. When the queue is full, neither goes on before `stallTimeoutMillis`. Use `trySend` there, or do not await.
   */
  send(item: T, options?: SendOptions): Promise<void>;
  /** Takes the item now, or not at all. It does not overtake producers that wait. */
  trySend(item: T): Offered;
  /** Takes nothing any more, and refuses the producers that wait. What is queued still leaves; then `items$` completes, or errors with `error` if there is one. */
  close(options?: { error?: unknown }): void;
  /** What was sent, in that order. It completes when the channel has been closed and the queue is empty. */
  readonly items$: Observable<T>;
  /** For `adaptiveBatch({ flushWhen })`: what {@link Channel.forceFlush} asks for. */
  readonly flush$: Observable<FlushRequest>;
  /** `true` from the moment in which an item finds no room until the queue is half empty and no producer waits. It starts with the present state. */
  readonly saturated$: Observable<boolean>;
  /**
   * Resolves when everything that was accepted before has left and has an outcome, delivered or lost; rejects at its timeout with `FLUSH_TIMEOUT`: so does one that is awaited by
   * the export of an item that it waits for.
   *
   * @param options `timeoutMillis` instead of `flushTimeoutMillis`, for this call
   */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
}

export const STAGE = 'channel';

export const CHANNEL_RULES: Rules<ChannelSettings<unknown>> = {
  ...QUEUE_RULES,
  ...STAGE_RULES,
  maxWaitingSends: whole(0),
  stallTimeoutMillis: millis(1, 'orInfinity'),
  memory: optional(aMemoryBudget),
  flushTimeoutMillis: millis(1),
  scheduler: aScheduler,
};
