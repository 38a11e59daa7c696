import type { Subscriber, Subscription } from 'rxjs';
import { HeldBatch } from '../../flow/heldBatch.ts';
import type { Account } from '../../ledger/account.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, FlushUrgency } from '../../model/batch.ts';
import { lostTally } from '../../model/tally.ts';
import { type BatchEnd, Demand } from '../shared/demand.ts';
import type { FromKafkaSettings } from './options.ts';

/** The batches that are out: one for each message. */
export class Outgoing<T> {
  readonly demand: Demand<T>;
  readonly reporter: StageReporter<never>;
  readonly #settings: FromKafkaSettings;
  readonly #subscriber: Subscriber<Batch<T>>;
  /** What is to be done when they end: those that are held, and without an outcome. */
  readonly #out = new Map<HeldBatch<T>, (end: BatchEnd) => void>();
  readonly #waits = new Set<{ readonly waitsFor: Set<HeldBatch<T>>; readonly resolve: () => void }>();
  #sequence = 0; // of the next batch: how many items came before

  constructor(settings: FromKafkaSettings, subscriber: Subscriber<Batch<T>>, account: Account, reader: Subscription) {
    this.#settings = settings;
    this.#subscriber = subscriber;
    const { onLoss, onCallbackError } = settings;
    this.reporter = new StageReporter<never>(account, { onLoss, onCallbackError });
    this.demand = new Demand(settings, reader, {
      onExpired: (batch) => this.#expire(batch),
      onEnd: (batch, end) => this.#end(batch, end),
    });
  }

  /** @param onEnd called once, maybe at once */
  emit(items: readonly T[], bytes: number, onEnd: (end: BatchEnd) => void): void {
    const { account } = this.reporter;
    account.accept(items.length);
    account.handOn(items.length);
    const now = this.#settings.scheduler.now();
    const batch = new HeldBatch<T>(this.demand, { items, bytes, closedBy: 'count' }, this.#sequence, now);
    this.#sequence += items.length;
    this.#out.set(batch, onEnd);
    this.demand.emit(batch, () => account.passOn(() => this.#subscriber.next(batch), batch));
  }

  /** A flush waits for all that are out. Resolves when each of them has ended. */
  flushed(urgency: FlushUrgency): Promise<void> {
    const waitsFor = new Set(this.#out.keys());
    return new Promise((resolve) => {
      this.#waits.add({ waitsFor, resolve });
      for (const batch of [...waitsFor]) batch.flush(urgency);
      this.#checkWaits();
    });
  }

  #expire(batch: HeldBatch<T>): void {
    const { stage } = this.reporter.account;
    this.reporter.report({ count: batch.size, reason: 'leaseExpired', stage }, []);
    batch.expire(lostTally(batch.size, 'leaseExpired', stage));
  }

  #end(batch: HeldBatch<T>, end: BatchEnd): void {
    const onEnd = this.#out.get(batch);
    if (onEnd === undefined) return;
    this.#out.delete(batch);
    onEnd(end);
    for (const { waitsFor } of this.#waits) waitsFor.delete(batch);
    this.#checkWaits();
  }

  #checkWaits(): void {
    for (const wait of [...this.#waits]) if (wait.waitsFor.size === 0 && this.#waits.delete(wait)) wait.resolve();
  }
}
