import type { SchedulerLike } from 'rxjs';
import { anAbortSignal, anArray, optional, settingsOf } from '../../internal/validation.ts';
import type { SpanflowError } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import { addLoss, type Loss, type LossReason } from '../../model/tally.ts';
import { divide, isMixed, type Share } from '../../strategies/proportions.ts';
import type { ExportAnswer, ExportCallOptions } from './handle.ts';

/** An item on its way, and the call that it belongs to. */
export interface TrackedItem<T> {
  readonly item: T;
  call: ExportCall | undefined; // gone once the item has its end
}

const EXPORT_CALL_RULES = { signal: optional(anAbortSignal) };

/** Checks the arguments of a call, by the name of the function that was called. */
export function openCall(
  owner: string,
  items: readonly unknown[],
  options: ExportCallOptions,
  scheduler: SchedulerLike,
): ExportCall {
  const args = { items: [items, anArray] } as const;
  const { signal } = settingsOf<ExportCallOptions>(owner, {}, EXPORT_CALL_RULES, options, args);
  return new ExportCall(items.length, scheduler, signal);
}

/** One call: it collects what becomes of its items, and is answered when each of them has its end. */
export class ExportCall {
  readonly answer: Promise<ExportAnswer>;
  readonly signal: AbortSignal | undefined;
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
    this.signal = signal;
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
    // A rejection that the caller ignores must not end the process.
    this.answer.catch(() => {});
    this.#answerIfDone();
  }

  /** Counts the end of this number of its items. */
  count(items: number, share: Share, facts: Partial<Outcome<unknown>>, estimated: boolean): void {
    this.#pending -= items;
    this.#delivered += share.delivered;
    this.#possibleDuplicates += share.possibleDuplicates ?? 0;
    this.#rejected += share.rejected;
    for (const loss of share.lost) if (loss.count > 0) addLoss(this.#lost, loss);
    if (estimated) this.#estimated += items;
    this.#attempts = Math.max(this.#attempts, facts.attempts ?? 0);
    this.#attemptMillis = Math.max(this.#attemptMillis, facts.attemptMillis ?? 0);
    this.#error = facts.error ?? this.#error;
    this.#message = facts.message ?? this.#message;
    this.#answerIfDone();
  }

  lose(items: number, reason: LossReason, stage: string): void {
    this.count(items, { delivered: 0, rejected: 0, lost: [{ count: items, reason, stage }] }, {}, false);
  }

  /** The rest is lost: nothing more will be reported of it. */
  giveUp(reason: LossReason, stage: string): void {
    if (this.#pending > 0) this.lose(this.#pending, reason, stage);
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

/** Counts the end of these items in their calls: each call gets its share of the tally. Items that have ended before are left out. */
export function countEnded(tracked: readonly TrackedItem<unknown>[], tally: Share & Partial<Outcome<unknown>>): void {
  const counts = new Map<ExportCall, number>();
  for (const item of tracked) {
    if (item.call === undefined) continue;
    counts.set(item.call, (counts.get(item.call) ?? 0) + 1);
    item.call = undefined;
  }
  const shares = divide(tally, [...counts.values()]);
  const estimated = counts.size > 1 && isMixed(tally, tracked.length);
  let index = 0;
  for (const [call, count] of counts) {
    const share = shares[index++];
    if (share !== undefined) call.count(count, share, tally, estimated);
  }
}

/** Counts these items as lost in their calls. */
export function countLost(tracked: readonly TrackedItem<unknown>[], loss: Loss): void {
  countEnded(tracked, { delivered: 0, rejected: 0, lost: [loss] });
}
