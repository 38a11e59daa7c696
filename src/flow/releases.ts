import type { SchedulerLike } from 'rxjs';
import { type FlushRelease, isFlushRequest } from '../model/batch.ts';

interface Pending {
  readonly upTo: number;
  readonly emitted: number; // when it came
  readonly atMillis: number;
  readonly claim: FlushRelease;
}

/** The flush requests at a stage that gathers items: each waits until what came before it has gone out. */
export class Releases {
  readonly #scheduler: SchedulerLike;
  readonly #pending: Pending[] = []; // in the order in which they came
  #emitted = 0; // what has gone out

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  /** Something goes out. */
  emits(): void {
    this.#emitted += 1;
  }

  /**
   * A request has come, or anything else that asks for a flush and wants no answer. Returns whether the stage is to let out what it has gathered.
   *
   * @param upTo how much has come so far, in a number that `answer` is given, too
   */
  add(request: unknown, upTo: number): boolean {
    if (!isFlushRequest(request)) return true;
    const claim = request.release === undefined ? request.hold() : request.release();
    if (claim === undefined) return false;
    this.#pending.push({ upTo, emitted: this.#emitted, atMillis: this.#scheduler.now(), claim });
    return true;
  }

  /**
   * Something may have gone out.
   *
   * @param earliest what came before this number has gone out. It is asked only while a request waits. Default: everything has
   */
  answer(earliest = () => Number.POSITIVE_INFINITY): void {
    while (this.#pending[0] !== undefined && this.#pending[0].upTo <= earliest()) {
      const { claim, emitted, atMillis } = this.#pending.shift() as Pending;
      claim.settle(this.#emitted > emitted, this.#scheduler.now() - atMillis);
    }
  }
}
