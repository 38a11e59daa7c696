import type { SchedulerLike } from 'rxjs';
import { anAbortSignal, anArray, optional, settingsOf } from '../../internal/validation.ts';
import type { LossReason } from '../../model/tally.ts';
import { ItemTally } from '../../strategies/itemTally.ts';
import type { ExportAnswer, ExportCallOptions } from './handle.ts';

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

/** One call: it is answered when each of its items has its end. */
export class ExportCall {
  readonly answer: Promise<ExportAnswer>;
  readonly signal: AbortSignal | undefined;
  /** What has become of its items. */
  readonly tally: ItemTally;

  constructor(items: number, scheduler: SchedulerLike, signal: AbortSignal | undefined) {
    const sinceMillis = scheduler.now();
    const { promise, resolve, reject } = Promise.withResolvers<ExportAnswer>();
    const abort = () => reject(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    // A rejection that the caller ignores must not end the process.
    promise.catch(() => {});
    this.answer = promise;
    this.signal = signal;
    this.tally = new ItemTally(items, (end, estimated) => {
      signal?.removeEventListener('abort', abort);
      resolve({ ...end, estimated, elapsedMillis: scheduler.now() - sinceMillis });
    });
  }

  lose(items: number, reason: LossReason, stage: string): void {
    this.tally.lose({ count: items, reason, stage });
  }

  /** The rest is lost: nothing more will be reported of it. */
  giveUp(reason: LossReason, stage: string): void {
    if (this.tally.open > 0) this.lose(this.tally.open, reason, stage);
  }
}
