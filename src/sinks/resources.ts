import { diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { messageOf } from '../errors.ts';

/**
 * Waits until the resources of these spans have all their attributes (detectors may still be asking the cloud), but no longer than the limit:
 * late attributes are worth less than spans. Returns nothing when there is nothing to wait for.
 */
export function pendingResources(spans: readonly ReadableSpan[], limitMillis: number): Promise<void> | undefined {
  const pending = new Set<ReadableSpan['resource']>();
  for (const span of spans) if (span.resource?.asyncAttributesPending) pending.add(span.resource);
  if (pending.size === 0) return undefined;
  const all = Promise.allSettled([...pending].map((resource) => resource.waitForAsyncAttributes?.()));
  return withLimit(
    all.then((results) => {
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) diag.warn(`spanflow: a resource is incomplete: ${messageOf(failed.reason)}`);
    }),
    limitMillis,
  );
}

function withLimit(work: Promise<void>, limitMillis: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      diag.warn(`spanflow: a resource is incomplete: its attributes did not come within ${limitMillis} ms`);
      resolve();
    }, limitMillis);
    timer.unref();
    work.then(resolve).finally(() => clearTimeout(timer));
  });
}
