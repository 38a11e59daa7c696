import { BoundedQueue, measure } from '../../flow/boundedQueue.ts';
import { QUEUE_MARKS, WaterMarks } from '../../flow/waterMarks.ts';
import { countOf, type StageReporter } from '../../ledger/stageReporter.ts';
import type { InputSettings } from './options.ts';

interface InputQueuePlan<T> {
  readonly sizeOf: (item: T) => number;
  readonly reporter: StageReporter<T>;
  /** Whether items are still taken: a callback may have unsubscribed. */
  readonly isOpen: () => boolean;
}

/** The items of one input that wait for their turn, within their bounds. */
export class InputQueue<T> {
  readonly settings: InputSettings<T>;
  readonly #plan: InputQueuePlan<T>;
  readonly #queue: BoundedQueue<T>;
  readonly #water: WaterMarks;

  constructor(settings: InputSettings<T>, plan: InputQueuePlan<T>) {
    const { gate } = settings;
    this.settings = settings;
    this.#plan = plan;
    this.#queue = new BoundedQueue(settings);
    this.#water = new WaterMarks(gate && (() => gate.close()), QUEUE_MARKS);
  }

  get length(): number {
    return this.#queue.length;
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  /** Takes or refuses an item. Returns whether it overflowed. */
  offer(item: T): boolean {
    const { sizeOf, reporter, isOpen } = this.#plan;
    const bytes = measure(item, sizeOf, reporter);
    const overflows = !this.#queue.fits(bytes);
    if (!isOpen()) reporter.refused('unsubscribed', [item]);
    else if (!this.#queue.admits(bytes)) reporter.refused('tooLarge', [item]);
    else if (!overflows) this.#admit(item, bytes);
    else if (this.settings.overflow === 'dropOldest') this.#replaceOldest(item, bytes);
    else reporter.refused('queueFull', [item]);
    return overflows && this.#queue.admits(bytes);
  }

  /** Removes the oldest item. There has to be one. */
  shift(): T {
    const item = this.#queue.shift();
    this.#plan.reporter.account.handOn(countOf(item));
    return item;
  }

  /** Opens or closes the gate of the input: after each change. */
  updateGate(): void {
    this.#water.tell(this.#queue.fillRatio);
  }

  /** Everything that waits is lost. */
  giveUp(): void {
    this.#plan.reporter.lost('unsubscribed', this.#queue.clear());
    this.#water.end();
  }

  #admit(item: T, bytes: number): void {
    this.#plan.reporter.account.accept(countOf(item));
    this.#queue.push(item, bytes);
  }

  #replaceOldest(item: T, bytes: number): void {
    const evicted: T[] = [];
    while (!this.#queue.fits(bytes)) evicted.push(this.#queue.evict());
    this.#admit(item, bytes);
    this.#plan.reporter.lost('queueFull', evicted);
  }
}
