import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';

export type Undici = Pick<typeof import('undici'), 'Client' | 'buildConnector'>;

/** By then most programs have started, and few have exported yet. */
const DELAY_MILLIS = 100;
/** A timer that fires later than this found the event loop busy. */
const MAX_LATENESS_MILLIS = 5;

let timer: NodeJS.Timeout | undefined; // until undici is loaded
let isLoading = false; // or loaded

/**
 * Loads undici, which holds the event loop for some 50 ms the first time. That is more than the rest of spanflow takes to load, so no import of spanflow does it.
 */
export function loadUndici(): Promise<Undici> {
  isLoading = true;
  clearTimeout(timer);
  // Bun has a stand-in for `undici` that sends nothing; by this name it is the package.
  return outsideAnyContext(() => untraced(() => import('undici/index.js')));
}

/** Loads undici in a moment in which the event loop is not busy, so that the first export need not. It does not keep the process alive. */
export function loadUndiciWhenIdle(): void {
  if (isLoading) return;
  clearTimeout(timer);
  const dueMillis = performance.now() + DELAY_MILLIS;
  const load = () => {
    if (performance.now() > dueMillis + MAX_LATENESS_MILLIS) return loadUndiciWhenIdle();
    // The first export reports a failure.
    loadUndici().catch(() => {});
  };
  timer = outsideAnyContext(() => setTimeout(load, DELAY_MILLIS).unref());
}
