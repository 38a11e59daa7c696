import type { SchedulerLike, Subscription } from 'rxjs';
import type { Outcome } from '../model/outcome.ts';
import type { Loss } from '../model/tally.ts';
import { after } from './timers.ts';
import { warn } from './tracingSuppression.ts';

/**
 * Tells OpenTelemetry's `diag` what was lost and what goes wrong: at once, then at most once per interval, summed up. The logger may do what it likes: its
 * exceptions are caught, and the spans that it makes are suppressed, so that a warning cannot feed itself.
 */
export class Warnings {
  readonly #intervalMillis: number;
  readonly #scheduler: SchedulerLike;
  #losses = new Map<string, number>(); // since the last report, by reason and stage
  #trouble: string | undefined; // the newest, since the last report
  #quiet: Subscription | undefined; // until it ends, nothing is reported
  #reportsLeft = Number.POSITIVE_INFINITY;
  #paused = false;
  #toldAtExit = false; // once, at the end of a drain

  constructor(intervalMillis: number, scheduler: SchedulerLike) {
    this.#intervalMillis = intervalMillis;
    this.#scheduler = scheduler;
  }

  lost(loss: Loss): void {
    const key = `${loss.reason} at ${loss.stage}`;
    this.#losses.set(key, (this.#losses.get(key) ?? 0) + loss.count);
    this.#report();
  }

  /** What a batch's outcome has to say beyond its losses. */
  outcome({ error, message, rejected }: Pick<Outcome<unknown>, 'error' | 'message' | 'rejected'>): void {
    if (error !== undefined) this.trouble(`an export failed for good: ${error.message}`);
    else if (rejected > 0) this.trouble(`the backend rejected ${rejected} spans: ${message ?? 'it did not say why'}`);
    else if (message !== undefined) this.trouble(`the backend says: ${message}`);
  }

  trouble(message: string): void {
    this.#trouble = message;
    this.#report();
  }

  /** Collects what there is to tell, during a drain at exit. */
  pause(): void {
    this.#paused = true;
  }

  /** The drain is over. The first one that has something to tell does so; what the later ones have is told with the next report, or at the very end: the logger may be what causes it, and would keep the process alive for ever. */
  resume(): void {
    this.#paused = false;
    if (this.#toldAtExit || (this.#losses.size === 0 && this.#trouble === undefined)) return;
    this.#toldAtExit = true;
    this.#say();
  }

  /** Reports what is left; after that, one report more, if there is cause, and no other: the logger may be what causes it. */
  close(): void {
    this.#quiet?.unsubscribe();
    this.#quiet = undefined;
    this.#say();
    this.#reportsLeft = 1;
  }

  #report(): void {
    if (this.#paused || this.#quiet !== undefined || this.#reportsLeft === 0) return;
    this.#reportsLeft -= 1;
    this.#say();
    if (this.#reportsLeft < Number.POSITIVE_INFINITY) return;
    this.#quiet = after(this.#scheduler, this.#intervalMillis, () => {
      this.#quiet = undefined;
      if (this.#losses.size > 0 || this.#trouble !== undefined) this.#report();
    });
  }

  #say(): void {
    const losses = [...this.#losses].map(([key, count]) => `${count} ${key}`);
    const trouble = this.#trouble;
    this.#losses = new Map();
    this.#trouble = undefined;
    if (losses.length > 0) warn(`spanflow: lost spans: ${losses.join(', ')}`);
    if (trouble !== undefined) warn(`spanflow: ${trouble}`);
  }
}
