import type { StateBooks } from '../protocol.ts';

/** Of a state that was just made. */
export const NEW_STATE: StateBooks = Object.freeze({ items: 0, pendingItems: 0, removed: 0, lost: {}, figures: {} });

/** What has changed from one report of a state to the next. */
export function changeOf(before: StateBooks, now: StateBooks): StateBooks {
  return {
    items: now.items - before.items,
    pendingItems: now.pendingItems - before.pendingItems,
    removed: now.removed - before.removed,
    lost: differences(before.lost, now.lost),
    figures: differences(before.figures, now.figures),
  };
}

function differences<K extends string>(
  before: Readonly<Partial<Record<K, number>>>,
  now: Readonly<Partial<Record<K, number>>>,
): Record<K, number> {
  const changed = {} as Record<K, number>;
  for (const [name, count] of Object.entries(now) as [K, number][]) {
    const difference = count - (before[name] ?? 0);
    if (difference !== 0) changed[name] = difference;
  }
  return changed;
}
