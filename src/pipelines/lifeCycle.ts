import type { SchedulerLike } from 'rxjs';
import { keepingAlive, outsideAnyContext } from '../internal/timers.ts';
import { messageOf, SpanflowError } from '../model/errors.ts';
import type { Sink } from '../model/sink.ts';

/** Ends something, once: the second call gives the promise of the first. */
export type Shutdown = (options?: { deadlineMillis?: number }) => Promise<void>;

/** What happens when the event loop runs empty, and at the very end: one listener each for all, because Node warns of more than ten. */
const atExit = new Set<ExitWork>();

function runEmpty(): void {
  for (const work of [...atExit]) work.whenEmpty();
}

function runAtEnd(): void {
  for (const work of [...atExit]) work.atEnd?.();
}

interface ExitWork {
  whenEmpty(): void;
  atEnd?(): void;
}

/** What is drained when the event loop runs empty. */
export interface ExitDrain {
  /** A count that has grown when something came. */
  taken(): number;
  /** Whether something has no end yet. */
  isPending(): boolean;
  /** Brings what is pending to its end, within a deadline for which it keeps the process alive. It never rejects. */
  drain(): Promise<void>;
  /** The process ends: nothing asynchronous happens any more. */
  atEnd?(): void;
}

/**
 * Drains whenever the event loop has run empty, and leaves everything open. A listener of `beforeExit` may find more work, and then Node emits it again; what came meanwhile is drained then. So a program
 * lives on for one deadline after it has added something, and not at all when it has added nothing.
 *
 * @param deadlineMillis that of a drain; 0: no drain at exit
 * @returns what ends that
 */
export function drainAtExit(deadlineMillis: number, exit: ExitDrain): () => void {
  if (deadlineMillis === 0) return () => {};
  let takenBefore = 0; // when the last drain began: what is still pending of that gets no second one
  let draining = false;
  const whenEmpty = () => {
    const taken = exit.taken();
    if (draining || taken === takenBefore || !exit.isPending()) return;
    takenBefore = taken;
    draining = true;
    exit.drain().finally(() => {
      draining = false;
    });
  };
  const work: ExitWork = { whenEmpty, atEnd: () => exit.atEnd?.() };
  if (atExit.size === 0) process.on('beforeExit', runEmpty).on('exit', runAtEnd);
  atExit.add(work);
  return () => {
    atExit.delete(work);
    if (atExit.size === 0) process.off('beforeExit', runEmpty).off('exit', runAtEnd);
  };
}

/** Makes a shutdown happen once; `onClosing` is called then. A call that is refused does not count. */
export function once(shutdown: Shutdown, onClosing: () => void): Shutdown {
  let closing: Promise<void> | undefined;
  return (options) => {
    if (closing === undefined) {
      closing = shutdown(options);
      onClosing();
    }
    return closing;
  };
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

/** Where the deadline was used up by exports, a sink still gets this long to close what it has open. */
const LEAST_CLOSING_MILLIS = 1_000;

/**
 * Lets a sink hand on what it holds, and shuts it down. Both have until the end of the deadline, the shutdown a second at least; it is shut down also where its flush hangs.
 *
 * @param sinceMillis when the deadline began, in the scheduler's time
 */
export async function closeSink<T>(
  sink: Sink<T>,
  { scheduler, deadlineMillis, sinceMillis }: Closing,
  onTrouble: (message: string) => void,
): Promise<void> {
  const leftMillis = () => Math.max(0, sinceMillis + deadlineMillis - scheduler.now());
  await withinMillis(scheduler, leftMillis(), flushSink(sink, onTrouble));
  const leastMillis = Math.min(LEAST_CLOSING_MILLIS, deadlineMillis);
  await withinMillis(scheduler, Math.max(leastMillis, leftMillis()), shutdownSink(sink, onTrouble));
}

interface Closing {
  readonly scheduler: SchedulerLike;
  readonly deadlineMillis: number;
  readonly sinceMillis: number;
}

async function shutdownSink<T>(sink: Sink<T>, onTrouble: (message: string) => void): Promise<void> {
  try {
    await outsideAnyContext(() => sink.shutdown?.());
  } catch (thrown) {
    onTrouble(`${sink.name} did not shut down: ${messageOf(thrown)}`);
  }
}

/** Settles like the flush of a queue and then of its sink, or rejects when the time of both is up. */
export function flushWithin(scheduler: SchedulerLike, timeoutMillis: number, flush: Promise<void>): Promise<void> {
  const text = `forceFlush did not finish within ${timeoutMillis} ms; what is still pending goes on`;
  return orTimeout(scheduler, timeoutMillis, flush, () => new SpanflowError('FLUSH_TIMEOUT', text));
}
