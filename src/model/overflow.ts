/** What happens to an item that meets a full queue. */
export type Overflow = 'dropNewest' | 'dropOldest' | 'error';
