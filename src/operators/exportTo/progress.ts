import type { Kept } from '../../model/keeper.ts';
import type { Response } from '../../model/sink.ts';
import type { Loss, LossReason, Tally } from '../../model/tally.ts';

type Counts = Pick<Tally, 'delivered' | 'rejected' | 'stored' | 'lost' | 'possibleDuplicates'>;

/** Keeps items beyond the end of the program, from this one of the batch on, that would be lost for this reason. */
export type Keep = (from: number, reason: LossReason) => Kept | undefined;

/** The outcomes of the items of one batch: they get them from the front, one part at a time. */
export class Progress {
  readonly #size: number;
  readonly #stage: string;
  readonly #keep: Keep;
  #done = 0; // items from the front that have an outcome
  #doubtful = 0; // items from the front that were in an attempt whose outcome is unknown
  #delivered = 0;
  #rejected = 0;
  #stored = 0;
  #possibleDuplicates = 0;
  readonly #lost = new Map<LossReason, number>();

  /** @param stage names the sink in the losses */
  constructor(size: number, stage: string, keep: Keep = () => undefined) {
    this.#size = size;
    this.#stage = stage;
    this.#keep = keep;
  }

  /** How many items have an outcome: the rest begins there. */
  get done(): number {
    return this.#done;
  }

  get rest(): number {
    return this.#size - this.#done;
  }

  /** The next items may have arrived. Later attempts do not change that. */
  doubt(count: number): void {
    this.#doubtful = Math.max(this.#doubtful, this.#done + count);
  }

  /**
   * The next items were answered.
   *
   * @param of how many items were sent: those that a sink has taken out of its batch meanwhile have no outcome here, and the batcher counts them as `removed`
   */
  answer(given: number, response: Response, of: number = given): void {
    const count = Math.min(given, of);
    const unencodable = counted(response.unencodable, count);
    const rejected = counted(response.rejected, count - unencodable);
    const removed = counted(response.removed, count - unencodable - rejected);
    const stored = counted(response.stored, count - unencodable - rejected - removed);
    const delivered = count - unencodable - rejected - removed - stored;
    this.#delivered += delivered;
    this.#rejected += rejected;
    this.#stored += stored;
    this.#possibleDuplicates += Math.min(delivered, this.#doubtfulAmong(count));
    this.#addLoss('unencodable', unencodable);
    this.#done += of;
  }

  /**
   * Everything that has no outcome yet is kept beyond the end of the program, as far as there is a keeper for it, or else lost.
   *
   * @returns how many items are lost
   */
  keepOrLose(reason: LossReason): number {
    const { kept, unencodable } = (this.rest > 0 && this.#keep(this.#done, reason)) || NOTHING_KEPT;
    this.#stored += kept;
    this.#done += kept;
    this.#addLoss('unencodable', unencodable);
    this.#done += unencodable;
    const lost = this.rest;
    this.lose(lost, reason);
    return unencodable + lost;
  }

  /** The next items are lost: for this reason, or as `unconfirmed` where they may have arrived. */
  lose(count: number, reason: LossReason): void {
    const unconfirmed = this.#doubtfulAmong(count);
    this.#addLoss('unconfirmed', unconfirmed);
    this.#addLoss(reason, count - unconfirmed);
    this.#done += count;
  }

  counts(): Counts {
    const lost = [...this.#lost].map(([reason, count]): Loss => ({ count, reason, stage: this.#stage }));
    return {
      ...{ delivered: this.#delivered, rejected: this.#rejected, lost },
      ...(this.#stored > 0 && { stored: this.#stored }),
      ...(this.#possibleDuplicates > 0 && { possibleDuplicates: this.#possibleDuplicates }),
    };
  }

  #doubtfulAmong(count: number): number {
    return Math.min(count, Math.max(0, this.#doubtful - this.#done));
  }

  #addLoss(reason: LossReason, count: number): void {
    if (count > 0) this.#lost.set(reason, (this.#lost.get(reason) ?? 0) + count);
  }
}

const NOTHING_KEPT: Kept = Object.freeze({ kept: 0, unencodable: 0 });

/** Libraries for protobuf give counts of 64 bits as a `bigint`. Anything but a number counts as 0. */
function counted(claimed: unknown, atMost: number): number {
  const number = typeof claimed === 'bigint' ? Number(claimed) : claimed;
  return typeof number === 'number' ? Math.min(atMost, Math.max(0, Math.trunc(number) || 0)) : 0;
}
