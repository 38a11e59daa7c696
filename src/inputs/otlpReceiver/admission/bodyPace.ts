import type { SchedulerLike, Subscription } from 'rxjs';
import { after } from '../../../internal/timers.ts';

/** How often the pace is looked at, and for how long a body may take its time before it is. */
const LOOK_MILLIS = 1_000;
const GRACE_MILLIS = 5_000;

/** A body that is being received. */
export interface PacedBody {
  /** Bytes that have come. */
  readonly receivedBytes: number;
  /** It comes too slowly. */
  onSlow(): void;
}

/** Finds bodies that come more slowly than a sender that means well: each holds a connection, and what of it has come. One timer looks at all of them, while there are any. */
export class BodyPace {
  readonly #scheduler: SchedulerLike;
  readonly #minBytesPerSecond: number;
  readonly #since = new Map<PacedBody, number>(); // when each began
  #timer: Subscription | undefined;

  constructor(scheduler: SchedulerLike, minBytesPerSecond: number) {
    this.#scheduler = scheduler;
    this.#minBytesPerSecond = minBytesPerSecond;
  }

  /** Follows a body until the returned function is called. */
  follow(body: PacedBody): () => void {
    if (this.#minBytesPerSecond === 0) return () => {};
    this.#since.set(body, this.#scheduler.now());
    this.#arm();
    return () => {
      this.#since.delete(body);
      if (this.#since.size > 0) return;
      this.#timer?.unsubscribe();
      this.#timer = undefined;
    };
  }

  #arm(): void {
    if (this.#since.size === 0) return;
    this.#timer ??= after(this.#scheduler, LOOK_MILLIS, () => {
      this.#timer = undefined;
      this.#look();
      this.#arm();
    });
  }

  #look(): void {
    const nowMillis = this.#scheduler.now();
    for (const [body, sinceMillis] of [...this.#since]) {
      const elapsedMillis = nowMillis - sinceMillis;
      if (elapsedMillis < GRACE_MILLIS) continue;
      if ((body.receivedBytes * 1_000) / elapsedMillis < this.#minBytesPerSecond) body.onSlow();
    }
  }
}
