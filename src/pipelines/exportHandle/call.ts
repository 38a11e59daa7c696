import type { SchedulerLike } from 'rxjs';
import type { SpanflowError } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Loss, LossReason, Tally } from '../../model/tally.ts';
import { divide, isMixed, type Share } from './shares.ts';

/**
 * What became of the items of one call: `delivered + rejected + Σ lost.count` is their number. `attempts` and `attemptMillis` are the most that one of their batches took,
 * `elapsedMillis` is from the call to the answer.
 */
export interface ExportAnswer extends Tally {
  /**
   * So many of the items were in a batch that they shared with other calls, and that ended in more than one way, as a partial success does: backends say how many they refuse, not which.
   * Of such a batch each call is assigned a share in proportion. 0: the answer is exact.
   */
  readonly estimated: number;
  /** The failure of the last attempt of a batch that was lost, the newest if there are several. */
  readonly error?: SpanflowError;
  /** What the backend had to say, the newest if there is more than one. */
  readonly message?: string;
}

/** An item on its way, and whose it is. */
export interface Unit<T> {
  readonly item: T;
  call: Call | undefined; // gone once the item has its end
}

/** One call: it collects what becomes of its items, and is answered when each of them has its end. */
export class Call {
  readonly answer: Promise<ExportAnswer>;
  readonly #scheduler: SchedulerLike;
  readonly #sinceMillis: number;
  readonly #lost: Loss[] = [];
  #pending: number; // items without an end
  #delivered = 0;
  #possibleDuplicates = 0;
  #rejected = 0;
  #estimated = 0;
  #attempts = 0;
  #attemptMillis = 0;
  #error: SpanflowError | undefined;
  #message: string | undefined;
  #resolve: (answer: ExportAnswer) => void = () => {};

  constructor(items: number, scheduler: SchedulerLike, signal: AbortSignal | undefined) {
    this.#pending = items;
    this.#scheduler = scheduler;
    this.#sinceMillis = scheduler.now();
    this.answer = new Promise((resolve, reject) => {
      const abort = () => reject(signal?.reason);
      if (signal?.aborted) abort();
      this.#resolve = (answer) => {
        signal?.removeEventListener('abort', abort);
        resolve(answer);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
    // Whoever aborts and does not look has decided so; the process that is observed does not end for it.
    this.answer.catch(() => {});
    this.#answerIfDone();
  }

  /** So many of its items have their end. */
  settle(items: number, share: Share, facts: Partial<Outcome<unknown>>, estimated: boolean): void {
    this.#pending -= items;
    this.#delivered += share.delivered;
    this.#possibleDuplicates += share.possibleDuplicates ?? 0;
    this.#rejected += share.rejected;
    for (const loss of share.lost) if (loss.count > 0) this.#addLoss(loss);
    if (estimated) this.#estimated += items;
    this.#attempts = Math.max(this.#attempts, facts.attempts ?? 0);
    this.#attemptMillis = Math.max(this.#attemptMillis, facts.attemptMillis ?? 0);
    this.#error = facts.error ?? this.#error;
    this.#message = facts.message ?? this.#message;
    this.#answerIfDone();
  }

  lose(items: number, reason: LossReason, stage: string): void {
    this.settle(items, { delivered: 0, rejected: 0, lost: [{ count: items, reason, stage }] }, {}, false);
  }

  /** Nobody will tell it of the rest. */
  giveUp(reason: LossReason, stage: string): void {
    if (this.#pending > 0) this.lose(this.#pending, reason, stage);
  }

  #addLoss(loss: Loss): void {
    const index = this.#lost.findIndex(({ reason, stage }) => reason === loss.reason && stage === loss.stage);
    const before = this.#lost[index];
    if (before === undefined) this.#lost.push(loss);
    else this.#lost[index] = { ...before, count: before.count + loss.count };
  }

  #answerIfDone(): void {
    if (this.#pending > 0) return;
    this.#resolve({
      delivered: this.#delivered,
      ...(this.#possibleDuplicates > 0 && { possibleDuplicates: this.#possibleDuplicates }),
      rejected: this.#rejected,
      lost: this.#lost,
      estimated: this.#estimated,
      attempts: this.#attempts,
      attemptMillis: this.#attemptMillis,
      elapsedMillis: this.#scheduler.now() - this.#sinceMillis,
      ...(this.#error !== undefined && { error: this.#error }),
      ...(this.#message !== undefined && { message: this.#message }),
    });
  }
}

/** Tells each call whose items were in a batch what became of them. Items that have their end already are left out. */
export function settleUnits(units: readonly Unit<unknown>[], tally: Share & Partial<Outcome<unknown>>): void {
  const counts = new Map<Call, number>();
  for (const unit of units) {
    if (unit.call === undefined) continue;
    counts.set(unit.call, (counts.get(unit.call) ?? 0) + 1);
    unit.call = undefined;
  }
  const shares = divide(tally, [...counts.values()]);
  const estimated = counts.size > 1 && isMixed(tally, units.length);
  let index = 0;
  for (const [call, count] of counts) {
    const share = shares[index++];
    if (share !== undefined) call.settle(count, share, tally, estimated);
  }
}
