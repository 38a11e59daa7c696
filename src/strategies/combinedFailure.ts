import type { Failure } from '../model/sink.ts';

/**
 * What it means for a batch when it has failed at several backends at once: as long as one of them may take it later, it is tried again, and what may have arrived anywhere is not forgotten.
 *
 * | failures | together |
 * |---|---|
 * | some may be tried again, and one may have arrived | `unknownOutcome` |
 * | some may be tried again, all of them `throttled` | `throttled`, until the first of them is ready |
 * | some may be tried again | `retryable` |
 * | none may, and one may have arrived | `permanent`, which may have arrived |
 * | none may, one is `tooLarge` | `tooLarge`: its parts may fit |
 * | all are `permanent` | `permanent` |
 */
export function combinedFailure(failures: readonly Failure[]): Failure {
  const again = failures.filter(({ kind }) => kind !== 'permanent' && kind !== 'tooLarge');
  const mayHaveArrived = failures.some(leavesDoubt);
  if (again.length === 0) return inVain(failures, mayHaveArrived);
  if (mayHaveArrived) return { kind: 'unknownOutcome' };
  const delays = again.map((failure) => (failure.kind === 'throttled' ? failure.retryAfterMillis : 0));
  if (again.every(({ kind }) => kind === 'throttled'))
    return { kind: 'throttled', retryAfterMillis: Math.min(...delays) };
  const connectionRefused = again.every(
    (failure) => failure.kind === 'retryable' && failure.connectionRefused === true,
  );
  return connectionRefused ? { kind: 'retryable', connectionRefused } : { kind: 'retryable' };
}

function inVain(failures: readonly Failure[], mayHaveArrived: boolean): Failure {
  if (mayHaveArrived) return { kind: 'permanent', mayHaveArrived };
  return { kind: failures.some(({ kind }) => kind === 'tooLarge') ? 'tooLarge' : 'permanent' };
}

/** Whether what failed may have arrived all the same. */
export function leavesDoubt(failure: Failure): boolean {
  return failure.kind === 'unknownOutcome' || (failure.kind === 'permanent' && failure.mayHaveArrived === true);
}
