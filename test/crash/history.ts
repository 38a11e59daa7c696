import type { Arrival } from './backend.ts';

/** What is known of the queues in one chain of lives, each of which but the last one is killed. */
export class History {
  readonly faults: string[] = [];
  readonly begun = new Map<string, number>(); // by batch, the life in which it was
  readonly answered = new Set<string>();
  readonly #onDisk = new Map<string, Set<string>>(); // by lane and life: what lay there when that was killed
  readonly #arrivals = new Map<string, number[]>(); // by batch, the lives that sent it
  inFlight = 0; // batches that had arrived, and lay on disk when the process was killed

  begin(batch: string, life: number): void {
    this.begun.set(batch, life);
  }

  arrived({ batch, life }: Arrival): void {
    this.#arrivals.set(batch, [...(this.#arrivals.get(batch) ?? []), life]);
  }

  get arrivals(): number {
    return this.#arrivals.size;
  }

  /** Batches that arrived more than once. */
  get duplicates(): number {
    return [...this.#arrivals.values()].filter(({ length }) => length > 1).length;
  }

  /** A process was killed, and this lies on its disk: everything that was answered and has not arrived; and nothing that was removed before. */
  killed(lane: string, life: number, onDisk: ReadonlySet<string>): void {
    this.#onDisk.set(`${lane}/${life}`, new Set(onDisk));
    const before = this.#onDisk.get(`${lane}/${life - 1}`);
    for (const batch of onDisk) {
      const born = this.begun.get(batch);
      if (born === undefined) this.faults.push(`${batch} lies on disk and was never written`);
      else if (born !== life && before?.has(batch) !== true) this.faults.push(`${batch} had been removed and is back`);
      if (this.#arrivals.has(batch)) this.inFlight += 1;
    }
    for (const batch of this.answered)
      if (laneOf(batch) === lane && !onDisk.has(batch) && !this.#arrivals.has(batch))
        this.faults.push(`${batch} was answered, has not arrived, and is not on disk after life ${life}`);
  }

  /** The last life has drained all queues. */
  drained(): void {
    for (const batch of this.answered)
      if (!this.#arrivals.has(batch)) this.faults.push(`${batch} was answered and has not arrived`);
    for (const [batch, lives] of this.#arrivals) {
      const born = this.begun.get(batch);
      if (born === undefined) this.faults.push(`${batch} arrived and was never written`);
      for (const [index, life] of lives.toSorted((a, b) => a - b).entries()) {
        if (lives.indexOf(life) !== lives.lastIndexOf(life)) this.faults.push(`${batch} arrived twice in life ${life}`);
        const wasThere = born === life || this.#onDisk.get(`${laneOf(batch)}/${life - 1}`)?.has(batch) === true;
        if (!wasThere) this.faults.push(`${batch} arrived in life ${life} for time ${index + 1}, and was not on disk`);
      }
    }
  }
}

export function laneOf(batch: string): string {
  return batch.split('.')[0] ?? '';
}
