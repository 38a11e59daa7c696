/**
 * What happens to an item that meets a full queue. `dropNewest`: it is refused · `dropOldest`: those that have waited longest are dropped to make room for it ·
 * `error`: it is refused, and the stream errors after what is queued.
 */
export type Overflow = 'dropNewest' | 'dropOldest' | 'error';

/**
 * What happens to an item that meets a full queue that knows priorities. `dropNewest`, `dropOldest`, `error`: as {@link Overflow} · `dropLowestPriority`: the least important of the queued items are dropped to make room for a new one, and among those of one priority the ones that have waited longest. An item that is less
 * important than everything that is queued is refused.
 */
export type PriorityOverflow = Overflow | 'dropLowestPriority';
