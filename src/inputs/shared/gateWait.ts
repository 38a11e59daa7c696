import type { Subscription } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';

/** Items that are pulled before the event loop has its next turn. */
export const ITEMS_PER_TURN = 1_024;

/** Items that are there at once would otherwise never let anybody else have a turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Resolves when the gate opens, or when the puller is unsubscribed: then the gate keeps nothing of it. Look at both again afterwards; somebody else who waited may have been first, and have closed
 * the gate.
 */
export function untilOpen(gate: Gate, puller: Subscription): Promise<void> {
  return new Promise((resolve, reject) => {
    const wait = new AbortController();
    const giveUp = () => {
      resolve();
      wait.abort();
    };
    const opened = () => {
      puller.remove(giveUp);
      resolve();
    };
    puller.add(giveUp);
    gate.whenOpen({ signal: wait.signal }).then(opened, reject);
  });
}
