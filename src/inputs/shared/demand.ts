import type { SchedulerLike, Subscription } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import type { HeldBatch, HeldBatchOwner } from '../../flow/heldBatch.ts';
import type { Tally } from '../../model/tally.ts';
import { FixedDelays } from './fixedDelays.ts';
import { untilOpen } from './gateWait.ts';

interface DemandLimits {
  readonly gate: Gate;
  readonly scheduler: SchedulerLike;
  readonly holdLeaseMillis: number;
  readonly maxUnsettledBatches: number;
  readonly maxUnsettledBytes: number;
}

/** How a batch ended. `handedOn`: nobody has held it, so that stays unknown. */
export type BatchEnd = Tally | 'handedOn';

/** Who has emitted the batches. */
export interface DemandOwner<T> {
  /** Has to end the batch: its lease is over. */
  onExpired(batch: HeldBatch<T>): void;
  /** Called once for each batch, and again for one that is held after it was handed on. */
  onEnd?(batch: HeldBatch<T>, end: BatchEnd): void;
}

/** When the next record may be read: the gate is open, those who hold batches are ready for another one, and not too many are out. */
export class Demand<T> implements HeldBatchOwner<T> {
  readonly #limits: DemandLimits;
  readonly #leases: FixedDelays;
  readonly #owner: DemandOwner<T>;
  readonly #reader: Subscription;
  #unready = 0; // holders that cannot take another batch
  readonly #out = new Map<HeldBatch<T>, () => void>(); // held, and without an outcome; ends the lease
  #bytes = 0; // of these
  #wake: (() => void) | undefined;

  constructor(limits: DemandLimits, reader: Subscription, owner: DemandOwner<T>) {
    this.#limits = limits;
    this.#leases = new FixedDelays(limits.scheduler, limits.holdLeaseMillis);
    this.#owner = owner;
    this.#reader = reader;
    reader.add(() => {
      for (const endLease of this.#out.values()) endLease();
      this.#changed();
    });
  }

  /** How many batches are out, and how many bytes they have. */
  get out(): { readonly batches: number; readonly bytes: number } {
    return { batches: this.#out.size, bytes: this.#bytes };
  }

  /** Whether a record of so many bytes may be emitted now. */
  admits(bytes: number): boolean {
    return this.#limits.gate.open && this.#hasRoom(bytes);
  }

  /** Resolves when a record of so many bytes may be emitted, or the reader has been unsubscribed. */
  async next(bytes: number): Promise<void> {
    const { gate } = this.#limits;
    while (!this.#reader.closed && !this.admits(bytes)) {
      if (gate.open) await this.#change();
      else await untilOpen(gate, this.#reader);
    }
  }

  /** @param emit hands the batch to the subscriber */
  emit(batch: HeldBatch<T>, emit: () => void): void {
    this.#add(batch);
    emit();
    batch.emitted();
  }

  onUnready(change: number): void {
    this.#unready += change;
    this.#changed();
  }

  /** Nobody holds it: only the gate can say that more is welcome. */
  onHandedOn(batch: HeldBatch<T>): void {
    this.#remove(batch);
    this.#owner.onEnd?.(batch, 'handedOn');
  }

  onTakenBack(batch: HeldBatch<T>): void {
    this.#add(batch);
  }

  onTakenOver(batch: HeldBatch<T>, isTakenOver: boolean): void {
    if (isTakenOver) this.#remove(batch);
    else this.#add(batch);
  }

  onSettled(batch: HeldBatch<T>, tally: Tally): void {
    this.#remove(batch);
    this.#owner.onEnd?.(batch, tally);
  }

  #hasRoom(bytes: number): boolean {
    const { maxUnsettledBatches, maxUnsettledBytes } = this.#limits;
    if (this.#unready > 0) return false;
    const { size } = this.#out;
    return size === 0 || (size < maxUnsettledBatches && this.#bytes + bytes <= maxUnsettledBytes);
  }

  #add(batch: HeldBatch<T>): void {
    this.#out.set(batch, this.#reader.closed ? () => {} : this.#leases.begin(() => this.#owner.onExpired(batch)));
    this.#bytes += batch.bytes;
  }

  #remove(batch: HeldBatch<T>): void {
    this.#out.get(batch)?.();
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
