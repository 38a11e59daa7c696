import type { Subscription } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import { turnOfHost } from '../../internal/timers.ts';

/** Items that are pulled before the event loop has its next turn. */
export const ITEMS_PER_TURN = 1_024;

/** A source whose items are all there already would otherwise hold the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => turnOfHost()(resolve));
}

/**
 * Resolves when the gate opens, or when the puller is unsubscribed: then the gate keeps nothing of it. Check both again afterwards: another puller that waited may have been first, and have closed
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
