import type { SignalName } from '../../../src/model/signal.ts';
import { type Entry, entryOf } from '../entry.ts';

/** The entries without what means nothing and SDKs do each in their own way: the order of attributes, and empty buckets at the end of an exponential histogram. */
export function canonical(signal: SignalName, entries: readonly Entry[]): Entry[] {
  return entries.map(({ content }) => entryOf(signal, canonicalOf(content)));
}

function canonicalOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items: unknown[] = value.map(canonicalOf);
    return (items.every(hasKey) ? items.toSorted((a, b) => (a.key < b.key ? -1 : 1)) : items) as T;
  }
  const fields = Object.entries(value).map(([name, inner]) => [name, canonicalOf(inner)]);
  const object = Object.fromEntries(fields);
  return isSparse(object) ? (upToLastCount(object) as T) : object;
}

/** The buckets of one side of an exponential histogram. */
interface Buckets {
  readonly offset?: number;
  readonly bucketCounts: readonly string[];
}

function isSparse(object: object): object is Buckets {
  return 'bucketCounts' in object && !('explicitBounds' in object);
}

function upToLastCount({ bucketCounts, ...offset }: Buckets): Partial<Buckets> {
  const length = bucketCounts.findLastIndex((count) => count !== '0') + 1;
  return length === 0 ? {} : { ...offset, bucketCounts: bucketCounts.slice(0, length) };
}

function hasKey(item: unknown): item is { readonly key: string } {
  return typeof item === 'object' && item !== null && 'key' in item;
}
