import { Subscription } from 'rxjs';
import { monotonicScheduler } from '../../../internal/scheduler.ts';
import { after, outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { messageOf, SpanflowError } from '../../../model/errors.ts';
import { find, load } from './requireGrpc.cjs';

export type GrpcJs = typeof import('@grpc/grpc-js');

const NAME = '@grpc/grpc-js';
/** By then most programs have started, and few have exported yet. */
const DELAY_MILLIS = 100;
/** A timer that fires later than this found the event loop busy. */
const MAX_LATENESS_MILLIS = 5;

let loaded: GrpcJs | undefined;
let timer = Subscription.EMPTY; // until it is loaded

/**
 * Loads `@grpc/grpc-js`, which holds the event loop for some 90 ms the first time.
 *
 * @throws SpanflowError `MISSING_PACKAGE`
 */
export function loadGrpcJs(): GrpcJs {
  timer.unsubscribe();
  loaded ??= outsideAnyContext(() => untraced(() => orMissing(load)));
  return loaded;
}

/** Says at once if it is not installed, and loads it in a moment in which the event loop is not busy, so that the first export need not. It does not keep the process alive. */
export function loadGrpcJsWhenIdle(): void {
  if (loaded !== undefined) return;
  orMissing(find);
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

function orMissing<R>(ask: () => R): R {
  try {
    return ask();
  } catch (cause) {
    const message = `otlpGrpc needs the package ${NAME}, which cannot be loaded: npm install ${NAME}`;
    throw new SpanflowError('MISSING_PACKAGE', `${message} (${messageOf(cause).split('\n', 1)[0]})`, { cause });
  }
}
