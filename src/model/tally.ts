/**
 * Why an item was lost. The list is closed, so that a dashboard can be exhaustive.
 *
 * | reason | the item… |
 * |---|---|
 * | `queueFull` | met a full queue, or was the oldest in one |
 * | `retriesExhausted` | was refused for the time being at every attempt that the limits allowed |
 * | `expired` | waited for its first attempt until its total deadline |
 * | `permanent` | was refused for good, or could not be sent at all: a defect of the sink |
 * | `tooLarge` | is by itself larger than the queue, half of the memory budget, the sink or the backend takes |
 * | `unconfirmed` | was sent in an attempt whose answer never came, and in none that was delivered: whether it arrived is unknown |
 * | `unencodable` | cannot be expressed on the wire |
 * | `unsampled` | is a span that is not sampled, and was given to the handle of a pipeline |
 * | `noSubscriber` | waited in an input that had no subscriber |
 * | `alreadyShutdown` | came after the shutdown |
 * | `shutdown` | was still waiting when the deadline of a shutdown, or of a drain at the natural exit, was over |
 * | `unsubscribed` | was held by an operator that was unsubscribed |
 * | `operatorFailed` | was in the hands of an operator of yours that threw, or of a task in a worker that threw or took too long |
 * | `workerCrashed` | was in a worker thread that ended unexpectedly |
 * | `leaseExpired` | is in a batch whose holder never settled it |
 */
export type LossReason =
  | 'queueFull'
  | 'retriesExhausted'
  | 'expired'
  | 'permanent'
  | 'tooLarge'
  | 'unconfirmed'
  | 'unencodable'
  | 'unsampled'
  | 'noSubscriber'
  | 'alreadyShutdown'
  | 'shutdown'
  | 'unsubscribed'
  | 'operatorFailed'
  | 'workerCrashed'
  | 'leaseExpired';

/** Items that were lost for one reason at one place. */
export interface Loss {
  /** How many items. */
  readonly count: number;
  /** Why. */
  readonly reason: LossReason;
  /** Where: the operator or sink that counted it, `adaptiveBatch` for example. */
  readonly stage: string;
}

/**
 * How a batch ended, for one holder: `delivered + rejected + stored + Σ lost.count` is the number of its items.
 * Items that are missing from that sum were taken out of the batch on the way. They are counted as `removed`.
 */
export interface Tally {
  /** Items that the backend confirmed. */
  readonly delivered: number;
  /** Items that the backend received and refused (OTLP's partial success). They are not sent again. */
  readonly rejected: number;
  /** Items that a queue on disk has taken over: they are written, and are sent later. In the books they are `handedOn`. Left out: 0. */
  readonly stored?: number;
  /** Of the delivered items, those that an earlier attempt may have delivered already: it was sent, and its outcome is unknown. Left out: 0. */
  readonly possibleDuplicates?: number;
  /** Items that were lost, by reason and place; empty if none was. */
  readonly lost: readonly Loss[];
  /** Attempts that were started, the first one included. 0: the batch never got that far. */
  readonly attempts: number;
  /** Duration of the last attempt, in milliseconds. */
  readonly attemptMillis: number;
  /** Requests that the batch took, retries aside: more than one where it was too large or too slow in one piece. Left out: 1, or none was answered. */
  readonly requests?: number;
  /** Attempts that were sent and timed out. Left out: 0. */
  readonly timeouts?: number;
  /** From the moment in which the batch was taken to its end, in milliseconds: waits for a slot and backoffs included. */
  readonly elapsedMillis: number;
}

/** Items that are where they can stay: confirmed by the backend, or on disk. */
export function safeItems({ delivered, stored = 0 }: Pick<Tally, 'delivered' | 'stored'>): number {
  return delivered + stored;
}

/** Adds a loss to those of the same reason and place. */
export function addLoss(losses: Loss[], loss: Loss): void {
  const index = losses.findIndex(({ reason, stage }) => reason === loss.reason && stage === loss.stage);
  const before = losses[index];
  if (before === undefined) losses.push(loss);
  else losses[index] = { ...before, count: before.count + loss.count };
}

/** The tally of a batch whose items were all lost, for one reason, before any attempt. */
export function lostTally(count: number, reason: LossReason, stage: string): Tally {
  const lost = count > 0 ? [{ count, reason, stage }] : [];
  return { delivered: 0, rejected: 0, lost, attempts: 0, attemptMillis: 0, elapsedMillis: 0 };
}
