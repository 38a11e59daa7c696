import type { Subscription } from 'rxjs';
import { after } from '../../internal/timers.ts';
import type { Counts } from './counts.ts';
import type { Membership } from './membership.ts';
import type { FromKafkaSettings } from './options.ts';

/** Commits what is settled: one request at a time, for all partitions together. */
export class Commits {
  readonly #settings: FromKafkaSettings;
  readonly #counts: Counts;
  readonly #membership: Membership;
  readonly #onFailure: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve(); // resolves when the commit that was begun last is over
  #timer: Subscription | undefined;
  #isClosed = false;

  constructor(
    settings: FromKafkaSettings,
    counts: Counts,
    membership: Membership,
    onFailure: (error: unknown) => void,
  ) {
    this.#settings = settings;
    this.#counts = counts;
    this.#membership = membership;
    this.#onFailure = onFailure;
  }

  /** Something was settled. */
  schedule(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    const { scheduler, commitIntervalMillis } = this.#settings;
    this.#timer = after(scheduler, commitIntervalMillis, () => {
      this.#timer = undefined;
      this.commit();
    });
  }

  /** Resolves when what is settled now has been committed, or could not be: then it is tried again later. It does not reject. */
  commit(): Promise<void> {
    this.#last = this.#last.then(() => this.#commit());
    return this.#last;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.unsubscribe();
    await this.commit();
  }

  async #commit(): Promise<void> {
    const due = [...this.#membership.partitions.values()].flatMap(({ number, offsets }) => {
      const offset = offsets.toCommit;
      return offset === undefined ? [] : [{ number, offsets, offset }];
    });
    if (due.length === 0) return;
    try {
      await this.#membership.commit(new Map(due.map(({ number, offset }) => [number, offset])));
    } catch (thrown) {
      this.#onFailure(thrown);
      this.schedule();
      return;
    }
    this.#counts.commits += 1;
    for (const { offsets, offset } of due) offsets.committed(offset);
  }
}
