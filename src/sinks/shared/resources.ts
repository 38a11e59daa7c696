import { monotonicScheduler } from '../../internal/scheduler.ts';
import { after, outsideAnyContext } from '../../internal/timers.ts';
import { untraced, warn } from '../../internal/tracingSuppression.ts';
import { withinTime } from '../../internal/withinTime.ts';
import { messageOf } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';
import type { Resource } from '../../otlp/encode/requestEncoder.ts';

/** Waits until the resources of these items have all their attributes. Returns `undefined` if they have. The promise never rejects. */
export type ResourceWait<Item> = (items: readonly Item[]) => Promise<void> | undefined;

/**
 * Detectors may still be asking the cloud when the first items are exported. Why not wait until they have all? Items are worth more than late attributes. So the wait has a limit, and a resource
 * that exceeds it is not awaited again: otherwise it would delay each batch.
 */
export function resourceWait<Item>(limitMillis: number, resourceOf: (item: Item) => Resource): ResourceWait<Item> {
  const abandoned = new WeakSet<Resource>(); // exceeded the limit
  return (items) => {
    const pending = outsideAnyContext(() => untraced(() => pendingOf(items, resourceOf, abandoned)));
    if (pending.length === 0) return undefined;
    const arm = (onLate: () => void) => after(monotonicScheduler, limitMillis, onLate);
    return withinTime(
      arm,
      () => allOf(pending),
      () => abandon(pending, abandoned, limitMillis),
    );
  };
}

function pendingOf<Item>(
  items: readonly Item[],
  resourceOf: (item: Item) => Resource,
  abandoned: WeakSet<Resource>,
): Resource[] {
  const pending = new Set<Resource>();
  for (const item of items) {
    try {
      const resource = resourceOf(item);
      if (resource.asyncAttributesPending && !abandoned.has(resource)) pending.add(resource);
    } catch {
      // The encoder reports what is wrong with the item.
    }
  }
  return [...pending];
}

async function allOf(pending: readonly Resource[]): Promise<void> {
  // Suppressed at the call itself: a synchronous context manager loses the context at the first await.
  const attributesOf = async (resource: Resource) =>
    outsideAnyContext(() => untraced(() => resource.waitForAsyncAttributes?.()));
  const results = await Promise.allSettled(pending.map(attributesOf));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) warn(`spanflow: a resource is incomplete: ${escaped(messageOf(failed.reason))}`);
}

/** Several batches may wait for one resource: only the first one warns. */
function abandon(pending: readonly Resource[], abandoned: WeakSet<Resource>, limitMillis: number): void {
  const late = pending.filter((resource) => !abandoned.has(resource));
  for (const resource of late) abandoned.add(resource);
  if (late.length > 0) {
    warn(`spanflow: a resource is incomplete: its attributes did not come within ${limitMillis} ms`);
  }
}
