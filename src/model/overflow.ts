/**
 * What happens to an item that meets a full queue. `dropNewest`: it is refused · `dropOldest`: those that have waited longest are dropped to make room for it ·
 * `error`: it is refused, and the stream errors after what is queued.
 */
export type Overflow = 'dropNewest' | 'dropOldest' | 'error';
