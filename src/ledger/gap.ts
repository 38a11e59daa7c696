import type { Account } from './account.ts';

/** What lies between a stage and those in front of it: the user's operators. It knows how many items went in and came out. */
export class Gap {
  /** The books of the stage that is offered what comes out; several where it is a fan-out. */
  readonly behind: readonly Account[];
  #found: readonly Account[] = []; // in front, while the source was subscribed
  #passedOnAtOffer = 0; // by the fronts, when an item came out last
  #isAsynchronous = false; // items have come out while none of the fronts passed one on
  #isSynchronous = false; // one has come out while they did
  #isTold = false; // what it cannot see
  #removed = 0; // items that stayed away for a whole flush: an operator has taken them out
  #waiters: (() => void)[] = [];

  constructor(behind: readonly Account[]) {
    this.behind = behind;
  }

  get fronts(): readonly Account[] {
    return this.#found.length > 0 ? this.#found : (this.behind[0]?.place.follows ?? []);
  }

  /** Whether nothing but inputs stands in front. */
  get isBehindInputs(): boolean {
    return this.fronts.every(({ role }) => role === 'input');
  }

  add(front: Account): void {
    if (this.#found.includes(front)) return;
    this.#found = this.#found.length === 0 ? front.alone : [...this.#found, front];
    for (const account of this.behind) account.follow(this.#found);
  }

  /** An item comes out. To be called before the stage books it. */
  leaves(): void {
    const { length } = this.fronts;
    if (length > 0 && this.#isEntered) this.#isSynchronous = true;
    else if (length > 0) this.#isAsynchronous = true;
    this.#passedOnAtOffer = this.passedOn;
  }

  /** The stage has booked what came out. */
  left(): void {
    if (this.#waiters.length > 0 && this.held === 0) this.#wake();
  }

  /** An operator has thrown. What it had in its hands is lost: it never came to the stage behind. */
  failed(): void {
    const [account] = this.behind;
    if (account === undefined || !this.#isUnderWay) return;
    account.refuse(1, 'operatorFailed');
    account.tellLoss({ count: 1, reason: 'operatorFailed', stage: account.stage });
    this.#passedOnAtOffer = this.passedOn;
  }

  /** Items that asynchronous operators may hold. What they have taken out cannot be told from that before a flush has waited for it. */
  get held(): number {
    if (!this.#isAsynchronous) return 0;
    return Math.max(0, this.passedOn - (this.behind[0]?.offered ?? 0) - this.#removed);
  }

  /** Items of which nothing is known yet, because none has ever come out: they are held, or all taken out. Each number is told once. */
  takeUntold(): number {
    if (this.#isTold || this.#isAsynchronous || this.#isSynchronous) return 0;
    const silent = this.passedOn - (this.behind[0]?.offered ?? 0);
    this.#isTold = silent > 0;
    return silent;
  }

  /** Resolves when what may be held has come out. */
  emptied(): Promise<void> {
    return this.held === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The time for a flush is over: what has not come out by now counts as taken out from now on. */
  giveUp(): void {
    this.#removed += this.held;
    this.#wake();
  }

  /** Items that went in. */
  get passedOn(): number {
    let sum = 0;
    for (const front of this.fronts) sum += front.passedOn;
    return sum;
  }

  /** Whether an item has gone in, and nothing has come out since. */
  get #isUnderWay(): boolean {
    return this.#isEntered && this.passedOn !== this.#passedOnAtOffer && this.fronts.every(isOfItems);
  }

  get #isEntered(): boolean {
    for (const front of this.fronts) if (front.isPassingOn) return true;
    return false;
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

/** A batch has a hold of its own, by which its maker counts it. */
function isOfItems({ role }: Account): boolean {
  return role !== 'batch';
}
