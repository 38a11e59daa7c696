import { AsyncLocalStorage } from 'node:async_hooks';
import { MarbleFailure } from '../failures/failure.ts';
import { joinFailures } from '../failures/joinedFailures.ts';
import { durationText, valueText } from '../failures/text.ts';
import { inRealTurn } from './realTime.ts';
import { replaceProperty } from './replaceProperty.ts';

/** The events by which Node reports an error that nothing handles. */
const EVENTS: readonly unknown[] = ['unhandledRejection', 'uncaughtException'];

/**
 * The run whose asynchronous context is current. Work that was started before a run, or beside it, has none. Node 22 loses the context of a
 * microtask that throws: there, such an error counts as one from outside the run, and still fails the run's test.
 */
const currentRun = new AsyncLocalStorage<UnhandledErrorWatch>();

/** The failure for an error that no expectation sees. A failure of the kit itself is returned as it is. */
export function unhandledFailure(words: string, thrown: unknown, atMillis: number, isOwn = true): MarbleFailure {
  if (thrown instanceof MarbleFailure) return thrown;
  const origin = isOwn
    ? 'it was thrown outside of the observed streams, so no drawing shows it'
    : "it was started before this run or beside it, so the process' own listeners received it as well";
  const message = `${words} ended the run at ${durationText(atMillis)}\n\n  ${valueText(thrown)}\n\n${origin}`;
  return new MarbleFailure(message, thrown instanceof Error ? thrown : undefined, thrown);
}

/**
 * Takes the unhandled errors of one run, so that the run's own promise rejects with them. If a test runner received such an error first, it would
 * abandon the test and begin the next one while this run still has the host's clock.
 *
 * For the length of the run `process.emit` is replaced, as the timers are. The listeners of the process stay registered, in their order. An error from
 * inside the run is not delivered to them. An error from outside the run ends it, and is then delivered to them as usual.
 */
export class UnhandledErrorWatch {
  readonly #now: () => number;
  readonly #onError: (failure: MarbleFailure) => void;
  readonly #onStopped: () => void;
  readonly #thrown = new Set<unknown>();
  readonly #failures: MarbleFailure[] = [];
  #isWatching = false;
  #restoreEmit = () => {};

  /** `onError` ends the run and restores the host's timers at once. After `onStopped` another run may begin. */
  constructor(now: () => number, onError: (failure: MarbleFailure) => void, onStopped: () => void) {
    this.#now = now;
    this.#onError = onError;
    this.#onStopped = onStopped;
  }

  /** Watches until `run` is over, and throws all that failed. */
  async during(run: () => Promise<void>): Promise<void> {
    const errors: unknown[] = [];
    this.#start();
    try {
      await currentRun.run(this, run);
    } catch (error) {
      errors.push(error);
    } finally {
      // Node reports a rejection at the end of the turn in which it happened.
      await inRealTurn(() => {});
      this.#stop();
    }
    this.#throw(errors);
  }

  #start(): void {
    const emit = process.emit;
    const emitUnlessTaken = (event: unknown, ...args: unknown[]): unknown => {
      if (this.#isWatching && EVENTS.includes(event) && this.#take(String(event), args)) return true;
      return Reflect.apply(emit, process, [event, ...args]);
    };
    const restore = replaceProperty(process, 'emit', emitUnlessTaken);
    this.#restoreEmit = () => {
      // Where other code has wrapped it meanwhile, it stays below that wrapper, and only passes events on.
      if (Reflect.get(process, 'emit') === emitUnlessTaken) restore();
    };
    this.#isWatching = true;
  }

  #stop(): void {
    this.#isWatching = false;
    this.#restoreEmit();
    this.#onStopped();
  }

  /** Returns whether the error stays in this run. */
  #take(event: string, [thrown, detail]: readonly unknown[]): boolean {
    const isOwn = currentRun.getStore() === this || process.listenerCount(event) === 0;
    // With --unhandled-rejections=strict one rejection is both events.
    if (!this.#thrown.has(thrown)) {
      this.#thrown.add(thrown);
      const isRejection = event === 'unhandledRejection' || detail === 'unhandledRejection';
      const words = isRejection ? 'an unhandled rejection' : 'an uncaught exception';
      const failure = unhandledFailure(words, thrown, this.#now(), isOwn);
      this.#failures.push(failure);
      this.#onError(failure);
    }
    if (!isOwn) this.#stop();
    return isOwn;
  }

  #throw(errors: readonly unknown[]): void {
    if (this.#failures.length === 0 && errors.length === 0) return;
    if (this.#failures.length === 0) throw errors[0];
    const others = errors.filter((error) => !this.#failures.includes(error as MarbleFailure)).map(testFailure);
    throw joinFailures([...others, ...this.#failures]);
  }
}

function testFailure(error: unknown): MarbleFailure {
  if (error instanceof MarbleFailure) return error;
  return new MarbleFailure(
    `the test failed\n\n  ${valueText(error)}`,
    error instanceof Error ? error : undefined,
    error,
  );
}
