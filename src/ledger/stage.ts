import type { Observable, Observer, Subscription } from 'rxjs';
import { subscribeInto } from '../internal/subscribeInto.ts';
import type { Account, Role } from './account.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { Run } from './run.ts';

/** A stage in one subscription: its books, and the run that it is part of. */
export interface OpenStage {
  readonly account: Account;
  readonly run: Run | undefined;
}

/** The books of one operator. With a ledger they are opened at once; without one, when it is subscribed: in the ledger of the run, or in one of its own. */
export class Stage {
  readonly #role: Role;
  readonly #key: string;
  readonly #isGiven: boolean;
  #account: Account | undefined; // in the ledger that it was given, or else in one of its own

  constructor(ledger: Ledger | undefined, role: Role, key: string) {
    this.#role = role;
    this.#key = key;
    this.#account = ledger?.open(role, key);
    this.#isGiven = ledger !== undefined;
  }

  /** To be called when the operator is subscribed. */
  open(): OpenStage {
    const run = Run.present;
    if (run !== undefined && !this.#isGiven) return { account: run.open(this, this.#role, this.#key), run };
    this.#account ??= createLedger().open(this.#role, this.#key);
    return { account: this.#account, run };
  }
}

/** The books of an input that is subscribed like any Observable: within a run, it stands in front of the stage that subscribes to it. */
export function openInput(stage: Stage): Account {
  const { account, run } = stage.open();
  run?.standsInFront(account);
  return account;
}

/**
 * The same for an input that all of its subscribers share, and which has its books in one place: in the run that it feeds. Who subscribes outside of any run, or in one that begins with any Observable, leaves them where they are.
 *
 * @param present where they are, once it was opened
 */
export function openSharedInput(stage: Stage, present: Account | undefined): Account {
  const mayTake = present === undefined || Run.present?.parts.isHot === true;
  if (mayTake) return openInput(stage);
  Run.present?.standsInFront(present);
  return present;
}

/** Subscribes the source of a stage: within a run, what that opens stands in front of it. */
export function followSource(...accounts: readonly Account[]) {
  return <T>(source: Observable<T>, observer: Observer<T>, upstream: Subscription): void => {
    const run = Run.present;
    if (run === undefined) subscribeInto(source, observer, upstream);
    else run.follow(accounts, source, observer, upstream);
  };
}
