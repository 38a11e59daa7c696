import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { MarbleFailure, millis } from '../failures/failure.ts';
import { joined } from '../failures/listedFailures.ts';
import { brief } from '../marbles/values.ts';
import { inRealTurn } from './realTime.ts';

/** How the host tells of what nobody caught. */
const EVENTS = ['unhandledRejection', 'uncaughtException'] as const;

type HostEvent = (typeof EVENTS)[number];
type Listener = (thrown: unknown, detail: unknown) => void;

const host: EventEmitter = process;

/**
 * The run in whose asynchronous context something happens. What was begun before a run, or beside it, has none. Node 22 loses the context of a
 * microtask that throws: there it passes for one from elsewhere, and its test fails all the same.
 */
const currentRun = new AsyncLocalStorage<StrayWatch>();

/** What a test reads that something was thrown in where no expectation sees it. What the kit itself throws says enough. */
export function strayFailure(words: string, thrown: unknown, atMillis: number, isOwn = true): MarbleFailure {
  if (thrown instanceof MarbleFailure) return thrown;
  const origin = isOwn
    ? 'it came from outside of every stream that is observed, so no drawing shows it'
    : 'it came from what was begun before this run, or beside it: whoever listens to the process was told as well';
  const message = `${words} ended the run at ${millis(atMillis)}\n\n  ${brief(thrown)}\n\n${origin}`;
  return new MarbleFailure(message, thrown instanceof Error ? thrown : undefined, thrown);
}

/**
 * Listens, for the length of one run, to what nobody handles or catches. A test runner that hears of it gives the test up and begins the next,
 * while this run still has the host's clock. So the run takes the place of the other listeners, as Jest does with its own, and ends with that error:
 * its test fails by it. What comes from elsewhere ends the run too, and is left to the others.
 */
export class StrayWatch {
  readonly #now: () => number;
  readonly #onStray: (failure: MarbleFailure) => void;
  readonly #onStopped: () => void;
  readonly #others = new Map<HostEvent, readonly Listener[]>();
  readonly #listeners = new Map<HostEvent, Listener>();
  readonly #thrown = new Set<unknown>();
  readonly #failures: MarbleFailure[] = [];

  /** `onStray` ends the run, and gives the host back at once. After `onStopped` another run may listen. */
  constructor(now: () => number, onStray: (failure: MarbleFailure) => void, onStopped: () => void) {
    this.#now = now;
    this.#onStray = onStray;
    this.#onStopped = onStopped;
  }

  /** Listens until `run` is over, and throws whatever went wrong. */
  async during(run: () => Promise<void>): Promise<void> {
    const errors: unknown[] = [];
    this.#listen();
    try {
      await currentRun.run(this, run);
    } catch (error) {
      errors.push(error);
    } finally {
      // The host tells of a rejection when the turn in which it happened is over.
      await inRealTurn(() => {});
      this.#stop();
    }
    this.#throw(errors);
  }

  #listen(): void {
    for (const event of EVENTS) {
      const listener: Listener = (thrown, detail) => this.#hear(event, thrown, detail);
      this.#others.set(event, host.rawListeners(event) as Listener[]);
      this.#listeners.set(event, listener);
      host.removeAllListeners(event).on(event, listener);
    }
  }

  /** Puts the others back in front of those that came in the meantime. */
  #stop(): void {
    for (const [event, listener] of this.#listeners) {
      host.off(event, listener);
      for (const other of this.#others.get(event)?.toReversed() ?? []) host.prependListener(event, other);
    }
    this.#listeners.clear();
    this.#onStopped();
  }

  #hear(event: HostEvent, thrown: unknown, detail: unknown): void {
    const others = this.#others.get(event) ?? [];
    const isOwn = currentRun.getStore() === this || others.length === 0;
    // With --unhandled-rejections=strict one rejection is both events.
    if (!this.#thrown.has(thrown)) {
      this.#thrown.add(thrown);
      const isRejection = event === 'unhandledRejection' || detail === 'unhandledRejection';
      const words = isRejection ? 'a rejection that nobody handled' : 'an exception that nobody caught';
      const failure = strayFailure(words, thrown, this.#now(), isOwn);
      this.#failures.push(failure);
      this.#onStray(failure);
    }
    if (isOwn) return;
    this.#stop();
    for (const other of others) Reflect.apply(other, process, [thrown, detail]);
  }

  #throw(errors: readonly unknown[]): void {
    if (this.#failures.length === 0 && errors.length === 0) return;
    if (this.#failures.length === 0) throw errors[0];
    const others = errors.filter((error) => !this.#failures.includes(error as MarbleFailure)).map(failureOf);
    throw joined([...others, ...this.#failures]);
  }
}

function failureOf(error: unknown): MarbleFailure {
  if (error instanceof MarbleFailure) return error;
  return new MarbleFailure(`the test failed\n\n  ${brief(error)}`, error instanceof Error ? error : undefined, error);
}
