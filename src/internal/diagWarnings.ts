import type { SchedulerLike, Subscription } from 'rxjs';
import { InvalidOptionError, messageOf } from '../model/errors.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Loss } from '../model/tally.ts';
import { after } from './timers.ts';
import { warn } from './tracingSuppression.ts';

/** They do not hide each other. `retry` is over when an export has succeeded. */
type TroubleKind = 'export' | 'retry' | 'callback' | 'operator' | 'option' | 'exit' | 'spool';

/** What is read of an outcome. */
type Reported = Pick<Outcome<unknown>, 'error' | 'message' | 'rejected' | 'route'>;

/** The newest of a kind since the last report, and how many there were. */
interface Trouble {
  readonly message: string;
  readonly count: number;
}

/**
 * Reports to OpenTelemetry's `diag` what was lost and what goes wrong: at once, then at most once per interval, summed up. Exceptions of the logger are caught, and the spans that it makes are
 * suppressed, so that a warning cannot cause the next one.
 */
export class Warnings {
  readonly #owner: string;
  readonly #intervalMillis: number;
  readonly #scheduler: SchedulerLike;
  #losses = new Map<string, number>(); // since the last report, by reason and stage
  #troubles = new Map<TroubleKind, Trouble>();
  #quiet: Subscription | undefined; // until it ends, nothing is reported
  #reportsLeft = Number.POSITIVE_INFINITY;
  #paused = false;
  #isHeld = false; // losses, until this turn is over
  #reportedAtExit = false; // once, at the end of a drain

  /** @param owner stands in front of each message */
  constructor(owner: string, intervalMillis: number, scheduler: SchedulerLike) {
    this.#owner = owner;
    this.#intervalMillis = intervalMillis;
    this.#scheduler = scheduler;
  }

  lost(loss: Loss): void {
    const key = `${loss.reason} at ${loss.stage}`;
    this.#losses.set(key, (this.#losses.get(key) ?? 0) + loss.count);
    if (this.#reportsLeft === 1) this.#report();
    else if (!this.#isHeld) this.#holdLosses();
  }

  /** What the outcome of a batch says beyond its losses. */
  outcome({ error, message, rejected, route }: Reported): void {
    const [what, whose] = route === undefined ? ['an export', 'the backend'] : [`an export to ${route}`, route];
    if (error !== undefined) this.trouble(`${what} failed for good: ${error.message}`);
    else if (rejected > 0) this.trouble(`${whose} rejected ${items(rejected)}: ${message ?? 'it did not say why'}`);
    else if (message !== undefined) this.trouble(`${whose} says: ${message}`);
    if (error === undefined) this.#troubles.delete('retry');
  }

  callbackFailed(thrown: unknown): void {
    if (thrown instanceof InvalidOptionError) this.trouble(`refused: ${thrown.message}`, 'option');
    else this.trouble(`a callback threw: ${messageOf(thrown)}`, 'callback');
  }

  trouble(message: string, kind: TroubleKind = 'export'): void {
    this.#troubles.set(kind, { message, count: 1 + (this.#troubles.get(kind)?.count ?? 0) });
    this.#report();
  }

  /** Collects what there is to report, during a drain at exit. */
  pause(): void {
    this.#paused = true;
  }

  /**
   * The drain is over. Only the first drain with something to report makes a report. What a later drain has waits for the next report, or for the very end: the logger may be what causes it, and
   * would keep the process alive for ever.
   */
  resume(): void {
    this.#paused = false;
    if (this.#reportedAtExit || !this.#hasNews) return;
    this.#reportedAtExit = true;
    this.#say();
  }

  /** Reports what is left. After that, at most one more report is made: the logger may be what causes it. */
  close(): void {
    this.#quiet?.unsubscribe();
    this.#quiet = undefined;
    this.#say();
    this.#reportsLeft = 1;
  }

  /** An outcome that gives the cause follows in the same turn: it is to come first. After `close` the program may be at its end, and there is no later. */
  #holdLosses(): void {
    this.#isHeld = true;
    queueMicrotask(() => {
      this.#isHeld = false;
      if (this.#losses.size > 0) this.#report();
    });
  }

  get #hasNews(): boolean {
    return this.#losses.size > 0 || this.#troubles.size > 0;
  }

  #report(): void {
    if (this.#paused || this.#quiet !== undefined || this.#reportsLeft === 0) return;
    this.#reportsLeft -= 1;
    this.#say();
    if (this.#reportsLeft < Number.POSITIVE_INFINITY) return;
    this.#quiet = after(this.#scheduler, this.#intervalMillis, () => {
      this.#quiet = undefined;
      if (this.#hasNews) this.#report();
    });
  }

  /** The causes first. */
  #say(): void {
    const losses = [...this.#losses].map(([key, count]) => `${count} ${key}`);
    const troubles = [...this.#troubles.values()];
    this.#losses = new Map();
    this.#troubles = new Map();
    for (const { message, count } of troubles)
      warn(`${this.#owner}: ${message}${count > 1 ? ` (the newest of ${count})` : ''}`);
    if (losses.length > 0) warn(`${this.#owner}: lost items: ${losses.join(', ')}`);
  }
}

function items(count: number): string {
  return count === 1 ? '1 item' : `${count} items`;
}
