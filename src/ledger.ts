import { asyncScheduler, Observable, type SchedulerLike, type Subscriber } from 'rxjs';
import { Account, type Role } from './account.ts';
import { requireMillis } from './options.ts';
import { type Stats, summarize } from './strategies/summary.ts';
import { after } from './timers.ts';

/** Keeps the books of the stages that are given it. */
export interface Ledger {
  stats(): Stats;
  /** The present books, then the new ones whenever they have changed, at most once per interval. No timer runs while nothing changes. */
  readonly stats$: Observable<Stats>;
  /** @internal Opens the books of one stage. */
  open(role: Role, stage: string): Account;
  /** @internal Ends `stats$`, with the final books. */
  close(): void;
}

export interface LedgerOptions {
  /** `stats$` emits at most once in so many milliseconds: 10 or more. Default 1,000. */
  intervalMillis?: number;
  scheduler?: SchedulerLike;
}

/**
 * Makes a ledger, to be given to each stage of one pipeline.
 *
 * @example
 * ```ts
 * const ledger = createLedger();
 * const input = fromSpanProcessor({ ledger });
 * input.spans$.pipe(adaptiveBatch({ ledger }), exportTo(toConsole(), { ledger })).subscribe();
 * ledger.stats().pending; // => 0
 * ```
 */
export function createLedger(options: LedgerOptions = {}): Ledger {
  const { intervalMillis = 1_000, scheduler = asyncScheduler } = options;
  requireMillis('createLedger.intervalMillis', intervalMillis, 10, 'finite');
  const accounts: Account[] = [];
  const followers = new Set<Follower>(); // of `stats$`
  let closed = false;
  const touch = () => {
    if (followers.size > 0) for (const follower of followers) follower.changed();
  };
  const stats = () => summarize(accounts);

  return {
    stats,
    stats$: new Observable((subscriber) => {
      const follower = new Follower(subscriber, stats, intervalMillis, scheduler);
      subscriber.add(() => followers.delete(follower));
      if (closed) follower.close();
      else followers.add(follower);
    }),
    open(role, stage) {
      const account = new Account(role, nameOf(stage, accounts), touch);
      accounts.push(account);
      return account;
    },
    close() {
      closed = true;
      for (const follower of [...followers]) follower.close();
    },
  };
}

/** Emits the books at once, and then once per interval in which something changed. */
class Follower {
  readonly #subscriber: Subscriber<Stats>;
  readonly #stats: () => Stats;
  readonly #intervalMillis: number;
  readonly #scheduler: SchedulerLike;
  #waiting = false; // for the interval to pass

  constructor(subscriber: Subscriber<Stats>, stats: () => Stats, intervalMillis: number, scheduler: SchedulerLike) {
    this.#subscriber = subscriber;
    this.#stats = stats;
    this.#intervalMillis = intervalMillis;
    this.#scheduler = scheduler;
    subscriber.next(stats());
  }

  changed(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const timer = after(this.#scheduler, this.#intervalMillis, () => {
      this.#waiting = false;
      this.#subscriber.remove(timer);
      this.#subscriber.next(this.#stats());
    });
    this.#subscriber.add(timer);
  }

  close(): void {
    if (this.#waiting) this.#subscriber.next(this.#stats());
    this.#subscriber.complete();
  }
}

/** The second `exportTo` of a pipeline is `exportTo#2`. */
function nameOf(stage: string, accounts: readonly Account[]): string {
  const alike = accounts.filter((account) => account.stage === stage || account.stage.startsWith(`${stage}#`)).length;
  return alike === 0 ? stage : `${stage}#${alike + 1}`;
}
