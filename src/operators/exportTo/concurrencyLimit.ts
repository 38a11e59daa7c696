import type { Observable } from 'rxjs';
import { Slots } from '../../flow/slots.ts';

/** The slots of one subscription: as many as the option and `maxConcurrency` of the sink allow, and none while suspended. */
export class ConcurrencyLimit {
  readonly slots: Slots;
  readonly #sinkMax: number;
  #limit: number;
  #suspensions = 0;

  /**
   * @param concurrency an Observable's limit counts from its first value; until then there is one slot
   * @param sinkMax `maxConcurrency` of the sink
   * @param onFree called when a slot is free and nothing waits for it
   */
  constructor(concurrency: number | Observable<number>, sinkMax = Number.POSITIVE_INFINITY, onFree: () => void) {
    this.#sinkMax = sinkMax;
    this.#limit = this.#bounded(typeof concurrency === 'number' ? concurrency : 1);
    this.slots = new Slots(this.#limit, onFree);
  }

  get isSuspended(): boolean {
    return this.#suspensions > 0;
  }

  set(concurrency: number): void {
    this.#limit = this.#bounded(concurrency);
    if (!this.isSuspended) this.slots.limit = this.#limit;
  }

  /** While this work runs, nothing starts. */
  suspendDuring(work: () => void): void {
    this.#suspensions += 1;
    this.slots.limit = 0;
    work();
    this.#suspensions -= 1;
    if (!this.isSuspended) this.slots.limit = this.#limit;
  }

  #bounded(concurrency: number): number {
    return Math.max(1, Math.min(concurrency, this.#sinkMax));
  }
}
