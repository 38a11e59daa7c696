import { Observable, type SchedulerLike, type Subscriber } from 'rxjs';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { after } from '../internal/timers.ts';
import { requireMillis, requireShape, withDefaults } from '../internal/validation.ts';
import { Account, type Role } from './account.ts';
import { type Stats, summarize } from './stats.ts';

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
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export const LEDGER_DEFAULTS: Readonly<Required<LedgerOptions>> = Object.freeze({
  intervalMillis: 1_000,
  scheduler: monotonicScheduler,
});

/** Stages that have books of their own. From there on, stages of one name share them: a pipeline per tenant must not fill the memory. */
const MAX_STAGES = 256;

/**
 * Makes a ledger, to be given to each stage of one pipeline.
 *
 * Up to 256 stages have books of their own in it; from there on, stages of one name share theirs.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
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
  const { intervalMillis, scheduler } = withDefaults('createLedger', LEDGER_DEFAULTS, options);
  requireShape('createLedger.scheduler', scheduler, 'a scheduler of RxJS', 'schedule', 'now');
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
      if (!closed) followers.add(follower);
      subscriber.add(() => followers.delete(follower));
      subscriber.next(stats());
      if (closed) follower.close();
    }),
    open(role, stage) {
      const alike = accounts.findLast((account) => account.role === role && isNamed(account, stage));
      if (alike !== undefined && accounts.length >= MAX_STAGES) return alike;
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

/** Emits the books once per interval in which something changed. */
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
  const alike = accounts.filter((account) => isNamed(account, stage)).length;
  return alike === 0 ? stage : `${stage}#${alike + 1}`;
}

function isNamed(account: Account, stage: string): boolean {
  return account.stage === stage || account.stage.startsWith(`${stage}#`);
}
