import { Subscription } from 'rxjs';
import { monotonicScheduler } from '../../../internal/scheduler.ts';
import { after } from '../../../internal/timers.ts';
import { findGrpcJs, type GrpcJs, isGrpcJsLoaded, requireGrpcJs } from '../../../peers/grpcJs.ts';

export type { GrpcJs } from '../../../peers/grpcJs.ts';

const OWNER = 'otlpGrpc';
/** By then most programs have started, and few have exported yet. */
const DELAY_MILLIS = 100;
/** A timer that fires later than this found the event loop busy. */
const MAX_LATENESS_MILLIS = 5;

let timer = Subscription.EMPTY; // until it is loaded

/** @throws SpanflowError `MISSING_PACKAGE` */
export function loadGrpcJs(): GrpcJs {
  timer.unsubscribe();
  return requireGrpcJs(OWNER);
}

/** Says at once if it is not installed, and loads it in a moment in which the event loop is not busy, so that the first export need not. It does not keep the process alive. */
export function loadGrpcJsWhenIdle(): void {
  if (isGrpcJsLoaded()) return;
  findGrpcJs(OWNER);
  waitForIdle();
}

function waitForIdle(): void {
  timer.unsubscribe();
  const dueMillis = monotonicScheduler.now() + DELAY_MILLIS;
  timer = after(monotonicScheduler, DELAY_MILLIS, () => {
    if (monotonicScheduler.now() > dueMillis + MAX_LATENESS_MILLIS) return waitForIdle();
    try {
      loadGrpcJs();
    } catch {
      // The first export reports it.
    }
  });
}
