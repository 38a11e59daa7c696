import { SpanflowError } from '../../model/errors.ts';
import type { LossReason } from '../../model/tally.ts';
import { PoolClosedError } from '../workerErrors.ts';

/** Why the chunk is lost whose run failed with this. */
export function lossReasonOf(error: unknown): LossReason {
  if (error instanceof PoolClosedError) return error.reason;
  const code = error instanceof SpanflowError ? error.code : undefined;
  if (code === 'WORKER_CRASHED') return 'workerCrashed';
  return code === 'NOT_CLONEABLE' ? 'unencodable' : 'operatorFailed';
}
