import type { AttemptLine } from '../../destination/attemptLine.ts';
import type { SlotPool } from '../../destination/slotPool.ts';
import type { QueueLimits } from '../../flow/boundedQueue.ts';
import { KeyedLine, type Line, PlainLine, type Waiting } from './line.ts';
import type { MergeOrder } from './options.ts';

/** Results that wait in the outbox: they take places, too. */
interface Results {
  readonly length: number;
  readonly bytes: number;
}

/** The items that wait for their turn, within the bounds of the queue. */
export class BoundedLine<T> {
  readonly #limits: QueueLimits;
  readonly #line: Line<T>;
  readonly #attempts: AttemptLine;
  readonly #slots: SlotPool;
  readonly #results: Results;
  #bytes = 0; // of the items in line

  constructor(limits: QueueLimits, order: MergeOrder<T>, attempts: AttemptLine, slots: SlotPool, results: Results) {
    this.#attempts = attempts;
    this.#limits = limits;
    this.#line = typeof order === 'object' ? new KeyedLine() : new PlainLine();
    this.#slots = slots;
    this.#results = results;
  }

  get length(): number {
    return this.#line.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many items could begin if there were slots. */
  get startable(): number {
    return this.#line.startable;
  }

  /** How full it is, from 0 to 1: in items or in bytes, whichever is more. */
  get fillRatio(): number {
    const { maxQueueSize, maxQueueBytes } = this.#limits;
    return Math.max((this.length + this.#results.length) / maxQueueSize, this.#takenBytes / maxQueueBytes);
  }

  /** Whether an item of this size can ever be held. */
  admits(bytes: number): boolean {
    return bytes <= this.#limits.maxQueueBytes;
  }

  /** Whether there is room for this item now. One that can begin at once needs no place in line. */
  hasRoomFor({ key, bytes }: Waiting<T>): boolean {
    const { maxQueueSize, maxQueueBytes } = this.#limits;
    if (this.#takenBytes + bytes > maxQueueBytes) return false;
    const held = this.length + this.#results.length + this.#attempts.running;
    if (held >= maxQueueSize + Math.max(this.#slots.limit, this.#attempts.running)) return false;
    return this.length < maxQueueSize || (this.#attempts.free && this.#line.isFree(key));
  }

  push(waiting: Waiting<T>): void {
    this.#line.push(waiting);
    this.#bytes += waiting.bytes;
  }

  /** Removes the next item that may begin. */
  take(): Waiting<T> | undefined {
    const waiting = this.#line.take();
    if (waiting !== undefined) this.#bytes -= waiting.bytes;
    return waiting;
  }

  /** Removes the oldest items to make room for this one: at least one, or none where that does not help, because results that wait cannot leave. */
  makeRoomFor({ bytes }: Waiting<T>): T[] {
    const evicted: T[] = [];
    if (this.#results.bytes + bytes > this.#limits.maxQueueBytes) return evicted;
    do {
      const oldest = this.#line.evict();
      if (oldest === undefined) break;
      this.#bytes -= oldest.bytes;
      evicted.push(oldest.item);
    } while (this.#takenBytes + bytes > this.#limits.maxQueueBytes);
    return evicted;
  }

  /** An item of this key that had begun has ended. */
  ended(key: unknown): void {
    this.#line.ended(key);
  }

  /** Removes everything, in the order in which it came. */
  clear(): T[] {
    this.#bytes = 0;
    return this.#line.clear().map(({ item }) => item);
  }

  get #takenBytes(): number {
    return this.#bytes + this.#results.bytes;
  }
}
