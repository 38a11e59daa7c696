import type { SchedulerLike } from 'rxjs';
import { LinkedQueue } from '../flow/linkedQueue.ts';
import type { Sink } from '../model/sink.ts';
import { LearnedLimit } from '../strategies/learnedLimit.ts';
import { adaptiveConcurrency } from './adaptiveConcurrency.ts';
import { HealthLayer } from './healthLayer.ts';
import type { ConcurrencyLimiter } from './limiter.ts';
import { SlotPool } from './slotPool.ts';
import { ThrottleGate } from './throttleGate.ts';

/** For each batch that is delivered, the backoff of this many others ends early. More would be a burst. */
const WOKEN_BY_SUCCESS = 2;

/** A request of fewer items that timed out does not count as too slow for its size: smaller requests cost more overhead than they save. */
const LEAST_ITEMS_TOO_SLOW = 20;

/** After this many single items in a row that were refused as too large, the backend takes nothing at all, and the rest of a batch is not tried item by item. */
const HOPELESS_ITEMS = 32;

/** The largest size of one request. */
export interface PartLimits {
  readonly maxItems: number;
  readonly maxBytes: number;
}

/** What everything that exports to one sink shares: the throttle gate, what is known of its health, the limits of concurrency, the sizes that the backend is known to take, and the batches in backoff. */
export class Destination {
  readonly gate: ThrottleGate;
  readonly health = new HealthLayer();
  /** As many as the sink bears. */
  readonly slots: SlotPool;
  /** For exports that are given no other. */
  readonly limiter: ConcurrencyLimiter = adaptiveConcurrency();
  readonly #itemLimit = new LearnedLimit();
  readonly #byteLimit = new LearnedLimit();
  #itemsRefused = 0; // alone, since something was accepted
  readonly #backingOff = new LinkedQueue<() => void>(); // ends each wait, the oldest first

  constructor({ maxConcurrency = Number.POSITIVE_INFINITY }: Sink<never>, scheduler: SchedulerLike) {
    this.gate = new ThrottleGate(scheduler);
    this.slots = new SlotPool(maxConcurrency);
  }

  get limits(): PartLimits {
    return { maxItems: this.#itemLimit.size, maxBytes: this.#byteLimit.size };
  }

  /** A request of this size was accepted: batches in backoff need not wait any longer. */
  accepted(items: number, bytes: number): void {
    this.#itemLimit.accepted(items);
    this.#byteLimit.accepted(bytes);
    this.#itemsRefused = 0;
    for (let count = 0; count < WOKEN_BY_SUCCESS; count += 1) this.#backingOff.shift()?.();
  }

  /** A request of this many bytes was too large. The returned function undoes what that taught, for when a single item turns out to be the cause. */
  refusedBytes(bytes: number): () => void {
    const before = this.#byteLimit.known;
    this.#byteLimit.refused(bytes);
    return () => this.#byteLimit.restore(before);
  }

  /** One item alone was too large. Returns whether more of them are worth a try. */
  refusedItem(): boolean {
    this.#itemsRefused += 1;
    return this.#itemsRefused < HOPELESS_ITEMS;
  }

  /** A request of this many items took too long. */
  timedOut(items: number): void {
    if (items >= LEAST_ITEMS_TOO_SLOW) this.#itemLimit.refused(items);
  }

  /** Registers a wait that ends when the backend accepts something. The returned function takes that back. */
  backOff(wake: () => void): () => void {
    let waits = true;
    const place = this.#backingOff.push(() => {
      waits = false;
      wake();
    });
    return () => {
      if (waits) this.#backingOff.remove(place);
      waits = false;
    };
  }
}

const destinations = new WeakMap<Sink<never>, WeakMap<SchedulerLike, Destination>>();

/** The destination of a sink: one for each scheduler, so that a test in virtual time has its own. */
export function destinationOf(sink: Sink<never>, scheduler: SchedulerLike): Destination {
  const byScheduler = destinations.get(sink) ?? new WeakMap<SchedulerLike, Destination>();
  const destination = byScheduler.get(scheduler) ?? new Destination(sink, scheduler);
  byScheduler.set(scheduler, destination);
  destinations.set(sink, byScheduler);
  return destination;
}
