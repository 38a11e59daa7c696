/** Items that are read before the event loop has its next turn. */
export const ITEMS_PER_TURN = 1_024;

/** A stream whose chunks are there at once would otherwise never let anybody else have a turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
