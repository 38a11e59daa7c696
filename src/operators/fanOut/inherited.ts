import { map, type Observable } from 'rxjs';
import { omit, pick } from '../../internal/pick.ts';
import { withoutUndefined } from '../../internal/validation.ts';
import type { AdaptiveBatchChanges } from '../adaptiveBatch/options.ts';
import type { ExportToChanges } from '../exportTo/options.ts';
import type { Branch, BranchBatching, BranchSettings, CommonBatching } from './options.ts';

type Queue = Pick<BranchSettings<never>, 'maxQueueSize' | 'maxQueueBytes'>;
type Sizes = Pick<AdaptiveBatchChanges, 'maxExportBatchSize' | 'maxExportBatchBytes'>;

/** What changes the exports of all branches changes in this one: the options for which it has no value of its own. */
export function exportChangesFor<T>(
  branch: Branch<T>,
  changes$: Observable<ExportToChanges>,
): Observable<ExportToChanges> {
  const own = namesIn(pick(branch, ['concurrency', 'attemptTimeoutMillis', 'retry']));
  return changes$.pipe(map((change) => (isObject(change) ? omit(change, own) : change)));
}

/** Likewise for the batches. Their lease is not among it: in a branch they have none. */
export function batchChangesFor<T>(
  branch: Branch<T>,
  queue: Queue,
  changes$: Observable<AdaptiveBatchChanges>,
): Observable<AdaptiveBatchChanges> {
  const own = [...ownBatching(branch), ...namesIn(pick(branch, ['maxUnsettledBatches'])), 'holdLeaseMillis'];
  return changes$.pipe(map((change) => within(queue, omit(change, own))));
}

/** How a branch makes its batches: as it says, and else as all do. */
export function batchingOf<T>(branch: Branch<T>, queue: Queue, common: CommonBatching): BranchBatching<T> {
  return { ...within(queue, omit(common, ownBatching(branch))), ...branch.batching };
}

/** A branch that says where its sizes begin, or end, has a range of its own. */
function ownBatching<T>({ batching = {} }: Branch<T>): string[] {
  const own = namesIn(batching);
  const hasRange = own.includes('minExportBatchSize') || own.includes('initialExportBatchSize');
  return hasRange ? [...own, 'maxExportBatchSize'] : own;
}

/** Sizes that were given for all are cut to what the queue of the branch has room for. */
function within<S extends Sizes>({ maxQueueSize, maxQueueBytes }: Queue, sizes: S): S {
  const { maxExportBatchSize: items, maxExportBatchBytes: bytes } = sizes;
  return {
    ...sizes,
    ...(items !== undefined && { maxExportBatchSize: Math.min(items, maxQueueSize) }),
    ...(bytes !== undefined && { maxExportBatchBytes: Math.min(bytes, maxQueueBytes) }),
  };
}

function namesIn(options: object): string[] {
  return Object.keys(withoutUndefined(options));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
