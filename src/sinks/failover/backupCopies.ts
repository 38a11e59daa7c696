import { type SchedulerLike, Subscription } from 'rxjs';
import { exported } from '../../destination/exported.ts';
import { heapBytesOf, type MemoryAccount, processMemory } from '../../flow/memory.ts';
import { Ring } from '../../flow/ring.ts';
import { runGuarded } from '../../internal/runGuarded.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { after } from '../../internal/timers.ts';
import { type Batch, NO_HOLD } from '../../model/batch.ts';
import type { Response, Sink } from '../../model/sink.ts';
import { DEFAULT_ATTEMPT_MILLIS } from '../shared/severalSinks.ts';

/** The books of the copies, in items: `offered = delivered + failed + dropped + pending`. */
export interface BackupStats {
  readonly offered: number;
  /** The backup has answered for them. */
  readonly delivered: number;
  /** The one attempt failed, or was never answered. */
  readonly failed: number;
  /** They found no room, or waited at the shutdown. */
  readonly dropped: number;
  readonly pending: number;
}

interface BackupLimits {
  readonly maxBackupInFlight: number;
  readonly maxBackupBytes: number;
  readonly scheduler: SchedulerLike;
}

/** Copies of batches on their way to a backup: one attempt for each, within bounds, and nobody waits for them. */
export class BackupCopies<T> {
  readonly #sink: Sink<T>;
  readonly #limits: BackupLimits;
  readonly #memory: MemoryAccount;
  readonly #seen = new WeakSet<Batch<T>>(); // a batch comes again with each attempt at it, or in parts
  readonly #waiting = new Ring<Batch<T>>();
  readonly #running = new Set<Subscription>();
  readonly #idle: (() => void)[] = []; // called when nothing is pending any more
  readonly #counts = { offered: 0, delivered: 0, failed: 0, dropped: 0, pending: 0 };
  #bytes = 0; // of what is pending
  #draining = false;
  #closed = false;

  constructor(sink: Sink<T>, limits: BackupLimits) {
    this.#sink = sink;
    this.#limits = limits;
    this.#memory = processMemory().open(this);
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

  /** Resolves when nothing is pending. Each attempt is timed out, so it ends. */
  async flush(): Promise<void> {
    if (this.#counts.pending > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Aborts what is in flight, and drops what waits. */
  close(): void {
    this.#closed = true;
    for (const batch of this.#waiting.take(this.#waiting.length)) this.#end(batch, batch.items.length, 'dropped');
    for (const attempt of [...this.#running]) attempt.unsubscribe();
    this.#memory.close();
  }

  #takeRoom(items: number, bytes: number): boolean {
    if (this.#closed || this.#bytes + bytes > this.#limits.maxBackupBytes) return false;
    if (!this.#memory.take(heapBytesOf(items, bytes))) return false;
    this.#bytes += bytes;
    return true;
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
    attempt.add(() => {
      this.#running.delete(attempt);
      this.#end(batch, count, end);
      this.#drain();
    });
    const over = () => runGuarded(() => attempt.unsubscribe());
    const { attemptTimeoutMillis = DEFAULT_ATTEMPT_MILLIS } = this.#sink;
    const next = (_answer: Response) => {
      end = 'delivered';
      over();
    };
    attempt.add(after(this.#limits.scheduler, attemptTimeoutMillis, over));
    subscribeInto(exported(this.#sink, batch), { next, error: over, complete: over }, attempt);
  }

  #end({ bytes }: Batch<T>, count: number, end: 'delivered' | 'failed' | 'dropped'): void {
    this.#counts.pending -= count;
    this.#counts[end] += count;
    this.#bytes -= bytes;
    this.#memory.give(heapBytesOf(count, bytes));
    if (this.#counts.pending === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
