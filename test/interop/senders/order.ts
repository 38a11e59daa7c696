import type { Entry } from '../entry.ts';

/** The entries with their attributes sorted by key: SDKs keep them in orders of their own, which mean nothing. */
export function inOneOrder(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => sorted(entry));
}

function sorted<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, sorted(inner)])) as T;
  }
  const items: unknown[] = value.map(sorted);
  return (items.every(hasKey) ? items.toSorted((a, b) => (a.key < b.key ? -1 : 1)) : items) as T;
}

function hasKey(item: unknown): item is { readonly key: string } {
  return typeof item === 'object' && item !== null && 'key' in item;
}
