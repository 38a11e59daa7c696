import { LinkedQueue } from '../flow/linkedQueue.ts';
import type { AttemptEnding } from '../model/sink.ts';

/** The size of what is to be attempted. */
export interface AttemptSize {
  readonly items: number;
  /** Estimated. */
  readonly bytes: number;
}

/** What a line waits with while it has no attempt, and only wants to be told when one could begin: the least that can come. */
export const NO_ATTEMPT_YET: AttemptSize = Object.freeze({ items: 1, bytes: 1 });

/** What became of an attempt. */
export interface AttemptResult {
  readonly ending: AttemptEnding;
  /** When the backend said to come back, if it said so; already within the limit that the user has set. Left out: 0. */
  readonly retryAfterMillis?: number;
}

/** An attempt that is over. Times are those of the scheduler. */
export interface AttemptEnd extends AttemptResult {
  readonly startedAtMillis: number;
  readonly endedAtMillis: number;
}

/** Ends what {@link Layer.begin} has begun; to be called once. */
export type EndAttempt = (end: AttemptEnd) => void;

/**
 * Something that attempts pass on their way to a backend: a throttle gate, a breaker, a rate, a limit of concurrency. An attempt begins when all of its layers admit it at the same moment, so no layer
 * is entered while another one holds the attempt back.
 */
export interface Layer {
  /** Whether an attempt of this size may begin now. It changes nothing. */
  admits(size: AttemptSize): boolean;
  /** An attempt begins, which was admitted. */
  begin(size: AttemptSize): EndAttempt;
  /** Calls `wake` once, when an attempt of this size may be admitted. The returned function takes that back; after the call it does nothing. */
  whenReady(size: AttemptSize, wake: () => void): () => void;
}

interface Waiter {
  readonly size: AttemptSize;
  wake: (() => void) | undefined; // gone once it was called or taken back
}

/** Those that wait for one layer, in the order in which they came. One that has more to start registers again, and so they take turns. */
export class Waiters {
  readonly #queue = new LinkedQueue<Waiter>();
  #attempts = 0; // of those that wait
  #isWaking = false;

  get length(): number {
    return this.#queue.length;
  }

  /** How many of them have an attempt that waits. The others only want to be told. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Whether those that wait have their turn just now. */
  get isWaking(): boolean {
    return this.#isWaking;
  }

  /** The size that waits longest. */
  get first(): AttemptSize | undefined {
    return this.#queue.first?.value.size;
  }

  add(size: AttemptSize, wake: () => void): () => void {
    const waiter: Waiter = { size, wake };
    const place = this.#queue.push(waiter);
    if (size !== NO_ATTEMPT_YET) this.#attempts += 1;
    return () => {
      if (waiter.wake === undefined) return;
      this.#queue.remove(place);
      this.#left(waiter);
    };
  }

  /** Calls them one after another, as long as the layer admits the next one. It is a loop: what is called may change the layer, and nothing recurses. */
  wake(layer: Pick<Layer, 'admits'>): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    try {
      for (let size = this.first; size !== undefined && layer.admits(size); size = this.first) this.#callNext();
    } finally {
      this.#isWaking = false;
    }
  }

  #callNext(): void {
    const waiter = this.#queue.shift() as Waiter;
    const { wake } = waiter;
    this.#left(waiter);
    wake?.();
  }

  #left(waiter: Waiter): void {
    waiter.wake = undefined;
    if (waiter.size !== NO_ATTEMPT_YET) this.#attempts -= 1;
  }
}
