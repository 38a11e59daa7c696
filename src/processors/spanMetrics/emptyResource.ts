import type { ReadableSpan } from '@opentelemetry/sdk-trace';

type Resource = ReadableSpan['resource'];

/** A resource without attributes, written down here because the package that makes them need not be installed. */
export const EMPTY_RESOURCE: Resource = Object.freeze<Resource>({
  attributes: Object.freeze({}),
  asyncAttributesPending: false,
  merge: (other) => other ?? EMPTY_RESOURCE,
  getRawAttributes: () => [],
});
