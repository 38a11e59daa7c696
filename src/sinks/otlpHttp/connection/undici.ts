import { Subscription } from 'rxjs';
import { monotonicScheduler } from '../../../internal/scheduler.ts';
import { after, outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';

export type Undici = Pick<typeof import('undici'), 'Client' | 'buildConnector'>;

/** By then most programs have started, and few have exported yet. */
const DELAY_MILLIS = 100;
/** A timer that fires later than this found the event loop busy. */
const MAX_LATENESS_MILLIS = 5;

let timer = Subscription.EMPTY; // until undici is loaded
let isLoading = false; // or loaded

/**
 * Loads undici, which holds the event loop for some 50 ms the first time. That is more than the rest of spanflow takes to load, so no import of spanflow does it.
 */
export function loadUndici(): Promise<Undici> {
  isLoading = true;
  timer.unsubscribe();
  // Bun has a stand-in for `undici` that sends nothing; by this name it is the package.
  return outsideAnyContext(() => untraced(() => import('undici/index.js')));
}

/** Loads undici in a moment in which the event loop is not busy, so that the first export need not. It does not keep the process alive. */
export function loadUndiciWhenIdle(): void {
  if (isLoading) return;
  timer.unsubscribe();
  const dueMillis = monotonicScheduler.now() + DELAY_MILLIS;
  timer = after(monotonicScheduler, DELAY_MILLIS, () => {
    if (monotonicScheduler.now() > dueMillis + MAX_LATENESS_MILLIS) return loadUndiciWhenIdle();
    // The first export reports a failure.
    loadUndici().catch(() => {});
  });
}
