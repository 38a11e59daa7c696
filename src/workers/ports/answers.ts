import type { Failure } from '../../model/sink.ts';
import type { LossReason, Tally } from '../../model/tally.ts';
import type { PortAnswer } from './messages.ts';

/** What a loss over there means for a batch that is still here. */
const MEANINGS: Readonly<Record<LossReason, Failure['kind']>> = {
  queueFull: 'retryable',
  retriesExhausted: 'retryable',
  expired: 'retryable',
  noSubscriber: 'retryable',
  alreadyShutdown: 'retryable',
  shutdown: 'retryable',
  unsubscribed: 'retryable',
  workerCrashed: 'unknownOutcome',
  unconfirmed: 'unknownOutcome',
  leaseExpired: 'unknownOutcome',
  permanent: 'permanent',
  tooLarge: 'permanent',
  unencodable: 'permanent',
  unsampled: 'permanent',
  operatorFailed: 'permanent',
};

/** From the most to the least that stands against sending the batch again. */
const WORST: readonly Failure['kind'][] = ['permanent', 'unknownOutcome', 'retryable'];

/**
 * The answer to who sent `count` items, of which `size` items were made here, and ended so. A batch that was lost as a whole failed, and may be sent again if that can help. One that was lost in part did not: it would arrive twice; what
 * was lost of it counts as rejected, and the message says why.
 */
export function answerTo(count: number, size: number, tally: Tally): PortAnswer {
  const lost = tally.lost.reduce((sum, loss) => sum + loss.count, 0);
  const message = tally.lost.map((loss) => `${loss.count} ${loss.reason} at ${loss.stage}`).join(', ');
  if (lost === 0 && tally.rejected === 0) return accepted(0, count === size ? size - tally.delivered : 0);
  // Where one item here stands for many there, what became of each is not known.
  const isAll = tally.delivered === 0 || count !== size;
  if (lost > 0 && isAll)
    return { kind: 'failed', failure: failureOf(tally), message: `lost on the other side: ${message}` };
  if (count !== size) return accepted(count, 0, 'rejected on the other side');
  const gone = tally.rejected + lost;
  return accepted(
    gone,
    Math.max(0, size - tally.delivered - gone),
    lost === 0 ? undefined : `lost on the other side: ${message}`,
  );
}

/** Nobody held the batch: it arrived, and more is not known. */
export const ARRIVED: PortAnswer = accepted(0, 0);

function accepted(rejected: number, removed: number, message?: string): PortAnswer {
  return { kind: 'accepted', rejected, removed, message };
}

function failureOf({ lost }: Tally): Failure {
  const kinds = new Set(lost.map(({ reason }) => MEANINGS[reason]));
  const kind = WORST.find((worst) => kinds.has(worst));
  return { kind: kind === 'permanent' || kind === 'retryable' ? kind : 'unknownOutcome' };
}
