import { type SchedulerLike, Subscription } from 'rxjs';
import { exported } from '../../destination/exported.ts';
import { heapBytesOf, type MemoryAccount, type MemoryBudget, processMemory } from '../../flow/memory.ts';
import { Ring } from '../../flow/ring.ts';
import { runGuarded } from '../../internal/runGuarded.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { after, keepingAlive } from '../../internal/timers.ts';
import { withinTime } from '../../internal/withinTime.ts';
import { type Batch, NO_HOLD } from '../../model/batch.ts';
import type { Response, Sink } from '../../model/sink.ts';
import { DEFAULT_ATTEMPT_MILLIS } from '../shared/severalSinks.ts';

/** The books of the copies, in items: `offered = delivered + failed + dropped + pending`. */
export interface BackupStats {
  /** Items of all batches that were copied, or should have been. */
  readonly offered: number;
  /** The backup has answered for them. */
  readonly delivered: number;
  /** The one attempt failed, was never answered, or was aborted at the shutdown. */
  readonly failed: number;
  /** They found no room, or still waited at the shutdown. */
  readonly dropped: number;
  /** They wait, or are in flight. */
  readonly pending: number;
}

interface BackupLimits {
  readonly maxBackupInFlight: number;
  readonly maxBackupBytes: number;
  readonly memory: MemoryBudget | undefined;
  readonly scheduler: SchedulerLike;
}

/** How long a shutdown waits for the copies that are pending, and then for the shutdown of the backup: less than the second that a pipeline leaves for both at the end of its deadline. */
const GRACE_MILLIS = 400;

/** Settles like the work, or when the grace is over. */
export function withinGrace(
  scheduler: SchedulerLike,
  work: () => Promise<void>,
  onLate: () => void = () => {},
): Promise<void> {
  return withinTime((late) => keepingAlive(scheduler, GRACE_MILLIS, late), work, onLate);
}

/** Copies of batches on their way to a backup: one attempt for each, within bounds, and nobody waits for them. */
export class BackupCopies<T> {
  readonly #sink: Sink<T>;
  readonly #limits: BackupLimits;
  readonly #seen = new WeakSet<Batch<T>>(); // a batch comes again with each attempt at it, or in parts
  readonly #waiting = new Ring<Batch<T>>();
  readonly #running = new Set<Subscription>();
  readonly #counts = { offered: 0, delivered: 0, failed: 0, dropped: 0, pending: 0 };
  #bytes = 0; // of what is pending
  #memory: MemoryAccount | undefined; // while something is pending
  #draining = false;
  #closed = false;
  #idle: () => void = () => {}; // called when nothing is pending any more

  constructor(sink: Sink<T>, limits: BackupLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  get stats(): BackupStats {
    return { ...this.#counts };
  }

  offer(part: Batch<T>): void {
    const batch = part.partOf ?? part;
    if (this.#seen.has(batch)) return;
    this.#seen.add(batch);
    const { items, closedBy } = batch;
    const bytes = batch.bytes >= 0 ? batch.bytes : 0;
    this.#counts.offered += items.length;
    if (!this.#takeRoom(items.length, bytes)) {
      this.#counts.dropped += items.length;
      return;
    }
    this.#counts.pending += items.length;
    this.#waiting.push({ items, bytes, closedBy, hold: () => NO_HOLD });
    this.#drain();
  }

  /** Takes nothing any more. What is pending has a short grace; then what is in flight is aborted, and what waits is dropped. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#counts.pending === 0) return;
    const settled = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    await withinGrace(
      this.#limits.scheduler,
      () => settled,
      () => this.#abort(),
    );
  }

  #abort(): void {
    for (const batch of this.#waiting.take(this.#waiting.length)) this.#end(batch, batch.items.length, 'dropped');
    for (const attempt of [...this.#running]) attempt.unsubscribe();
  }

  #takeRoom(items: number, bytes: number): boolean {
    if (this.#closed || this.#bytes + bytes > this.#limits.maxBackupBytes) return false;
    this.#memory ??= (this.#limits.memory ?? processMemory()).open(this);
    const hasRoom = this.#memory.take(heapBytesOf(items, bytes));
    if (hasRoom) this.#bytes += bytes;
    else this.#giveBackAccount();
    return hasRoom;
  }

  /** An account that holds nothing would keep others from its reserved part. */
  #giveBackAccount(): void {
    if (this.#counts.pending > 0) return;
    this.#memory?.close();
    this.#memory = undefined;
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    const { maxConcurrency = Number.POSITIVE_INFINITY } = this.#sink;
    const atMost = Math.min(this.#limits.maxBackupInFlight, maxConcurrency);
    while (this.#running.size < atMost) {
      const batch = this.#waiting.shift();
      if (batch === undefined) break;
      this.#start(batch);
    }
    this.#draining = false;
  }

  #start(batch: Batch<T>): void {
    const count = batch.items.length;
    const attempt = new Subscription();
    let end: 'delivered' | 'failed' = 'failed';
    this.#running.add(attempt);
    const over = () => runGuarded(() => attempt.unsubscribe());
    const { attemptTimeoutMillis = DEFAULT_ATTEMPT_MILLIS } = this.#sink;
    const next = (_answer: Response) => {
      end = 'delivered';
      over();
    };
    attempt.add(after(this.#limits.scheduler, attemptTimeoutMillis, over));
    subscribeInto(exported(this.#sink, batch), { next, error: over, complete: over }, attempt);
    // Added last, so that it comes last: the copy is torn down before the next one starts.
    attempt.add(() => {
      this.#running.delete(attempt);
      this.#end(batch, count, end);
      this.#drain();
    });
  }

  #end({ bytes }: Batch<T>, count: number, end: 'delivered' | 'failed' | 'dropped'): void {
    this.#counts.pending -= count;
    this.#counts[end] += count;
    this.#bytes -= bytes;
    this.#memory?.give(heapBytesOf(count, bytes));
    this.#giveBackAccount();
    if (this.#counts.pending === 0) this.#idle();
  }
}
