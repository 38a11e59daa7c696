import type { StoreClock } from './files.ts';

/** When a batch was written, by three clocks. */
export interface Written {
  /** Since when it has been on a disk, in the store's own time. */
  readonly bornMillis: number;
  /** The store's own time. */
  readonly atMillis: number;
  readonly wallMillis: number;
  readonly upMillis: number;
  readonly boot: string;
}

/**
 * The store's own time, by which batches age. It only goes on, over the ends of processes, too.
 *
 * Within a process it follows the monotonic clock, so a step of the time of day changes no age. Between two processes it goes on by how long the machine has run meanwhile, or, over a restart of the machine, by the difference of the times of day: if that
 * is negative, no time has passed. (A time of day that was set ahead during a restart of the machine makes everything older by that. Nothing there knows better.)
 */
export class StoreTime {
  readonly #clock: StoreClock;
  readonly #startMillis: number; // the store's time when it was opened
  readonly #openedMillis: number; // the monotonic time then

  /** @param last the newest batch that was there when the store was opened */
  constructor(clock: StoreClock, last: Written | undefined) {
    this.#clock = clock;
    this.#startMillis = last === undefined ? 0 : last.atMillis + passedSince(last, clock);
    this.#openedMillis = clock.monotonicMillis();
  }

  now(): number {
    return Math.round(this.#startMillis + Math.max(0, this.#clock.monotonicMillis() - this.#openedMillis));
  }

  /** What is written down with a batch. */
  stamp(): Written {
    const { wallMillis, upMillis, bootId } = this.#clock;
    const now = this.now();
    return {
      bornMillis: now,
      atMillis: now,
      wallMillis: Math.round(wallMillis()),
      upMillis: Math.round(upMillis()),
      boot: bootId(),
    };
  }
}

function passedSince({ wallMillis, upMillis, boot }: Written, clock: StoreClock): number {
  const isSameBoot = boot !== '' && boot === clock.bootId();
  const passed = isSameBoot ? clock.upMillis() - upMillis : clock.wallMillis() - wallMillis;
  return Math.max(0, passed);
}
