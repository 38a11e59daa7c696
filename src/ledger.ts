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
  const listeners = new Set<() => void>(); // of those who follow `stats$`
  const touch = () => {
    if (listeners.size > 0) for (const listener of listeners) listener();
  };
  const stats = () => summarize(accounts);

  return {
    stats,
    stats$: new Observable((subscriber) => follow(subscriber, stats, listeners, intervalMillis, scheduler)),
    open(role, stage) {
      const account = new Account(role, nameOf(stage, accounts), touch);
      accounts.push(account);
      return account;
    },
  };
}

/** Emits now, and once per interval in which something changed. */
function follow(
  subscriber: Subscriber<Stats>,
  stats: () => Stats,
  listeners: Set<() => void>,
  intervalMillis: number,
  scheduler: SchedulerLike,
): () => void {
  let waiting = false; // for the interval to pass
  let timer = after(scheduler, Number.POSITIVE_INFINITY, () => {});
  const emit = () => {
    waiting = false;
    subscriber.next(stats());
  };
  const listener = () => {
    if (waiting) return;
    waiting = true;
    timer = after(scheduler, intervalMillis, emit);
  };
  listeners.add(listener);
  emit();
  return () => {
    listeners.delete(listener);
    timer.unsubscribe();
  };
}

/** The second `exportTo` of a pipeline is `exportTo#2`. */
function nameOf(stage: string, accounts: readonly Account[]): string {
  const alike = accounts.filter((account) => account.stage === stage || account.stage.startsWith(`${stage}#`)).length;
  return alike === 0 ? stage : `${stage}#${alike + 1}`;
}
