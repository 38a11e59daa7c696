import type { SchedulerLike } from 'rxjs';
import type { HeldBatch } from '../../flow/heldBatch.ts';
import type { FlushRequest, FlushUrgency } from '../../model/batch.ts';
import type { BatchesOut } from './batchesOut.ts';

/** A queue in front of the batches. */
export interface QueueInFront {
  /** Items so far. */
  readonly came: number;
  /** Items in it. */
  readonly length: number;
  /** Items that have left it. */
  readonly sequence: number;
}

/** A request that waits for the outcomes of the items before `upTo`. */
interface PendingFlush {
  readonly upTo: number;
  readonly hold: ReturnType<FlushRequest['hold']>;
  readonly urgency: FlushUrgency | undefined;
  readonly atMillis: number;
}

/** The flush requests that wait for what is queued or out. */
export class PendingFlushes<T> {
  readonly #queue: QueueInFront;
  readonly #out: BatchesOut<T>;
  readonly #scheduler: SchedulerLike;
  readonly #flushes: PendingFlush[] = []; // in the order in which they came

  constructor(queue: QueueInFront, out: BatchesOut<T>, scheduler: SchedulerLike) {
    this.#queue = queue;
    this.#out = out;
    this.#scheduler = scheduler;
  }

  /** The request waits for everything that was accepted before it. The holders of what is out learn of it now. */
  add(request: FlushRequest): void {
    const { urgency } = request;
    this.#flushes.push({ upTo: this.#queue.came, hold: request.hold(), urgency, atMillis: this.#scheduler.now() });
    if (urgency !== undefined) for (const batch of this.#out.batches()) batch.flush(urgency);
  }

  /** Passes the urgency of the requests that wait for this batch on to its holders. */
  urge(batch: HeldBatch<T>): void {
    for (const { upTo, urgency, atMillis } of this.#flushes) {
      if (batch.sequence >= upTo || urgency === undefined) continue;
      batch.flush({ ...urgency, elapsedMillis: (urgency.elapsedMillis ?? 0) + this.#scheduler.now() - atMillis });
    }
  }

  /** Answers the requests that wait for nothing any more. */
  answer(): void {
    if (this.#flushes.length === 0) return;
    const ofQueue = this.#queue.length > 0 ? this.#queue.sequence : Number.POSITIVE_INFINITY;
    const earliest = Math.min(this.#out.earliestSequence, ofQueue);
    while (this.#flushes[0] !== undefined && this.#flushes[0].upTo <= earliest) this.#flushes.shift()?.hold.settle();
  }
}
