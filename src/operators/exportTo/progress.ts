import type { Response } from '../../model/sink.ts';
import type { Loss, LossReason, Tally } from '../../model/tally.ts';

type Counts = Pick<Tally, 'delivered' | 'rejected' | 'lost' | 'possibleDuplicates'>;

/** How far a batch is: its items get their outcomes from the front, a part at a time. */
export class Progress {
  readonly #size: number;
  readonly #stage: string;
  #settled = 0; // items from the front that have an outcome
  #doubtful = 0; // items from the front that were in an attempt whose outcome is unknown
  #delivered = 0;
  #rejected = 0;
  #possibleDuplicates = 0;
  readonly #lost = new Map<LossReason, number>();

  /** @param stage names the sink in the losses */
  constructor(size: number, stage: string) {
    this.#size = size;
    this.#stage = stage;
  }

  /** Where the rest begins. */
  get settled(): number {
    return this.#settled;
  }

  get rest(): number {
    return this.#size - this.#settled;
  }

  /** The next items may have arrived. That stays so, whatever later attempts say. */
  doubt(count: number): void {
    this.#doubtful = Math.max(this.#doubtful, this.#settled + count);
  }

  /**
   * The next items were answered for.
   *
   * @param of how many of them there were: what a sink has taken out of its batch meanwhile has no outcome here, and the batcher counts it as `removed`
   */
  answer(given: number, response: Response, of: number = given): void {
    const count = Math.min(given, of);
    const unencodable = counted(response.unencodable, count);
    const rejected = counted(response.rejected, count - unencodable);
    const delivered = count - unencodable - rejected;
    this.#delivered += delivered;
    this.#rejected += rejected;
    this.#possibleDuplicates += Math.min(delivered, this.#doubtfulAmong(count));
    this.#addLoss('unencodable', unencodable);
    this.#settled += of;
  }

  /** The next items are lost: for this reason, or as `unconfirmed` where they may have arrived. */
  lose(count: number, reason: LossReason): void {
    const unconfirmed = this.#doubtfulAmong(count);
    this.#addLoss('unconfirmed', unconfirmed);
    this.#addLoss(reason, count - unconfirmed);
    this.#settled += count;
  }

  counts(): Counts {
    const lost = [...this.#lost].map(([reason, count]): Loss => ({ count, reason, stage: this.#stage }));
    const counts = { delivered: this.#delivered, rejected: this.#rejected, lost };
    return this.#possibleDuplicates === 0 ? counts : { ...counts, possibleDuplicates: this.#possibleDuplicates };
  }

  #doubtfulAmong(count: number): number {
    return Math.min(count, Math.max(0, this.#doubtful - this.#settled));
  }

  #addLoss(reason: LossReason, count: number): void {
    if (count > 0) this.#lost.set(reason, (this.#lost.get(reason) ?? 0) + count);
  }
}

/** Libraries for protobuf give counts of 64 bits as a `bigint`. What is no number counts as 0. */
function counted(claimed: unknown, atMost: number): number {
  const number = typeof claimed === 'bigint' ? Number(claimed) : claimed;
  return typeof number === 'number' ? Math.min(atMost, Math.max(0, Math.trunc(number) || 0)) : 0;
}
