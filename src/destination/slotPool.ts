import { type AttemptSize, type EndAttempt, type Layer, Waiters } from './layer.ts';
import type { ConcurrencyLimiter } from './limiter.ts';

/** Up to `limit` attempts in flight. When the limit shrinks, attempts that run go on to their end; 0 pauses. */
export class SlotPool implements Layer {
  readonly #waiters = new Waiters();
  readonly #limiter: ConcurrencyLimiter | undefined;
  #limit: number;
  #running = 0; // begun and not ended

  /** @param limiter its `attemptEnded` is called at the end of each attempt */
  constructor(limit: number, limiter?: ConcurrencyLimiter) {
    this.#limit = limit;
    this.#limiter = limiter;
  }

  get running(): number {
    return this.#running;
  }

  get limit(): number {
    return this.#limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#waiters.wake(this);
  }

  admits(): boolean {
    return this.#running < this.#limit;
  }

  begin({ items }: AttemptSize): EndAttempt {
    this.#running += 1;
    const inFlight = this.#running;
    return (end) => {
      this.#running -= 1;
      try {
        // One of the user's own may return a promise.
        return this.#limiter?.attemptEnded({ ...end, items, inFlight });
      } finally {
        this.#waiters.wake(this);
      }
    };
  }

  whenReady(size: AttemptSize, wake: () => void): () => void {
    return this.#waiters.add(size, wake);
  }
}

const pools = new WeakMap<ConcurrencyLimiter, SlotPool>();

/** The slots of a limiter: the same for everything that it was given to. */
export function slotPoolOf(limiter: ConcurrencyLimiter): SlotPool {
  const pool = pools.get(limiter) ?? new SlotPool(1, limiter);
  pools.set(limiter, pool);
  return pool;
}
