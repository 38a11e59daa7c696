import type { Failure } from '../../model/sink.ts';
import { type LossReason, safeItems, type Tally } from '../../model/tally.ts';
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
  damaged: 'unknownOutcome',
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
  const stored = count === size ? (tally.stored ?? 0) : 0;
  const safe = safeItems(tally);
  if (lost === 0 && tally.rejected === 0) return accepted({ removed: count === size ? size - safe : 0, stored });
  // Where one item here stands for many there, what became of each is not known.
  const isAll = safe === 0 || count !== size;
  if (lost > 0 && isAll)
    return { kind: 'failed', failure: failureOf(tally), message: `lost on the other side: ${message}` };
  if (count !== size) return accepted({ rejected: count, message: 'rejected on the other side' });
  const gone = tally.rejected + lost;
  return accepted({
    rejected: gone,
    removed: Math.max(0, size - safe - gone),
    stored,
    ...(lost > 0 && { message: `lost on the other side: ${message}` }),
  });
}

/** Nobody held the batch: it arrived, and more is not known. */
export const ARRIVED: PortAnswer = accepted({});

function accepted(counts: { rejected?: number; removed?: number; stored?: number; message?: string }): PortAnswer {
  return { kind: 'accepted', rejected: 0, removed: 0, stored: 0, message: undefined, ...counts };
}

function failureOf({ lost }: Tally): Failure {
  const kinds = new Set(lost.map(({ reason }) => MEANINGS[reason]));
  const kind = WORST.find((worst) => kinds.has(worst));
  return { kind: kind === 'permanent' || kind === 'retryable' ? kind : 'unknownOutcome' };
}
