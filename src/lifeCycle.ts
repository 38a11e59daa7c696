import type { SchedulerLike } from 'rxjs';
import { messageOf, SpanflowError } from './errors.ts';
import type { Sink } from './sink.ts';
import { keepingAlive, outsideAnyContext } from './timers.ts';

/** Ends something, once: the second call gives the promise of the first. */
export type Shutdown = (options?: { deadlineMillis?: number }) => Promise<void>;

/** What happens when the event loop runs empty: one listener for all, because Node warns of more than ten. */
const atExit = new Set<() => void>();

function runAtExit(): void {
  for (const work of [...atExit]) work();
}

/**
 * Makes a shutdown happen once, and by itself when the process comes to its natural end: while it drains, its deadline keeps the process alive.
 *
 * @param exitDeadlineMillis the deadline in that case; 0: it does not happen by itself
 */
export function onceAndAtExit(exitDeadlineMillis: number, shutdown: Shutdown): Shutdown {
  let closing: Promise<void> | undefined;
  const once: Shutdown = (options) => {
    closing ??= shutdown(options);
    atExit.delete(drain);
    if (atExit.size === 0) process.removeListener('beforeExit', runAtExit);
    return closing;
  };
  const drain = () => void once({ deadlineMillis: exitDeadlineMillis });
  if (exitDeadlineMillis > 0) {
    if (atExit.size === 0) process.on('beforeExit', runAtExit);
    atExit.add(drain);
  }
  return once;
}

/** Resolves with the work, or when its time is up; the work goes on, and whatever becomes of it then is ignored. */
export function withinMillis(scheduler: SchedulerLike, millis: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = keepingAlive(scheduler, millis, resolve);
    const done = () => {
      timer.unsubscribe();
      resolve();
    };
    work.then(done, done);
  });
}

/** Settles like the work, or rejects when its time is up; the work goes on. */
function orTimeout<R>(scheduler: SchedulerLike, millis: number, work: Promise<R>, error: () => Error): Promise<R> {
  return new Promise((resolve, reject) => {
    const timer = keepingAlive(scheduler, millis, () => reject(error()));
    work.then(resolve, reject).finally(() => timer.unsubscribe());
  });
}

/** Lets a sink hand on what it holds. That it fails is told, and is no reason for a flush to fail: losses are in the outcomes. */
export async function flushSink<T>(sink: Sink<T>, onTrouble: (message: string) => void): Promise<void> {
  try {
    await outsideAnyContext(() => sink.forceFlush?.());
  } catch (thrown) {
    onTrouble(`${sink.name} did not flush: ${messageOf(thrown)}`);
  }
}

/** Settles like the flush of a queue and then of its sink, or rejects when the time of both is up. */
export function flushWithin(scheduler: SchedulerLike, timeoutMillis: number, flush: Promise<void>): Promise<void> {
  const text = `forceFlush did not finish within ${timeoutMillis} ms; what is still pending goes on`;
  return orTimeout(scheduler, timeoutMillis, flush, () => new SpanflowError('FLUSH_TIMEOUT', text));
}
