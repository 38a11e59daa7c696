import type { Subscription } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import type { HeldBatch, HeldBatchOwner } from '../../flow/heldBatch.ts';
import { untilOpen } from '../shared/gateWait.ts';

interface DemandLimits {
  readonly gate: Gate;
  readonly maxUnsettledBatches: number;
  readonly maxUnsettledBytes: number;
}

/** When the next record may be read: the gate is open, those who hold batches are ready for another one, and not too many are out. */
export class Demand implements HeldBatchOwner<unknown> {
  readonly #limits: DemandLimits;
  readonly #reader: Subscription;
  #unready = 0; // holders that cannot take another batch
  readonly #out = new Set<HeldBatch<unknown>>(); // held, and without an outcome
  #bytes = 0; // of these
  #wake: (() => void) | undefined;

  constructor(limits: DemandLimits, reader: Subscription) {
    this.#limits = limits;
    this.#reader = reader;
    reader.add(() => this.#changed());
  }

  /** Resolves when a record of so many bytes may be emitted, or the reader has been unsubscribed. */
  async next(bytes: number): Promise<void> {
    const { gate } = this.#limits;
    while (!this.#reader.closed && (!gate.open || !this.#hasRoom(bytes))) {
      if (gate.open) await this.#change();
      else await untilOpen(gate, this.#reader);
    }
  }

  /** @param emit hands the batch to the subscriber */
  emit(batch: HeldBatch<unknown>, emit: () => void): void {
    this.#add(batch);
    emit();
    batch.emitted();
  }

  onUnready(change: number): void {
    this.#unready += change;
    this.#changed();
  }

  /** Nobody holds it: only the gate can say that more is welcome. */
  onHandedOn(batch: HeldBatch<unknown>): void {
    this.#remove(batch);
  }

  onTakenBack(batch: HeldBatch<unknown>): void {
    this.#add(batch);
  }

  onTakenOver(batch: HeldBatch<unknown>, isTakenOver: boolean): void {
    if (isTakenOver) this.#remove(batch);
    else this.#add(batch);
  }

  onSettled(batch: HeldBatch<unknown>): void {
    this.#remove(batch);
  }

  #hasRoom(bytes: number): boolean {
    const { maxUnsettledBatches, maxUnsettledBytes } = this.#limits;
    if (this.#unready > 0) return false;
    const { size } = this.#out;
    return size === 0 || (size < maxUnsettledBatches && this.#bytes + bytes <= maxUnsettledBytes);
  }

  #add(batch: HeldBatch<unknown>): void {
    this.#out.add(batch);
    this.#bytes += batch.bytes;
  }

  #remove(batch: HeldBatch<unknown>): void {
    if (!this.#out.delete(batch)) return;
    this.#bytes -= batch.bytes;
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #changed(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
