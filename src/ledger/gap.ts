import { Unseen } from '../flow/unseen.ts';
import type { Account } from './account.ts';

/** What lies between a stage and those in front of it: the user's operators. It knows how many items went in and came out. */
export class Gap {
  /** The books of the stage that is offered what comes out; several where it is a fan-out. */
  readonly behind: readonly Account[];
  readonly unseen = new Unseen(
    () => this.passedOn,
    () => this.behind[0]?.offered ?? 0,
  );
  #found: readonly Account[] = []; // in front, while the source was subscribed
  #passedOnAtOffer = 0; // by the fronts, when an item came out last

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

  /** Items that went in. */
  get passedOn(): number {
    let sum = 0;
    for (const front of this.fronts) sum += front.passedOn;
    return sum;
  }

  add(front: Account): void {
    if (this.#found.includes(front)) return;
    this.#found = this.#found.length === 0 ? front.alone : [...this.#found, front];
    for (const account of this.behind) account.follow(this.#found);
  }

  /** An item comes out. To be called before the stage books it. */
  leaves(): void {
    if (this.fronts.length > 0) this.unseen.leaves(this.#isEntered ? 'entry' : 'later');
    this.#passedOnAtOffer = this.passedOn;
  }

  /** An operator has thrown. What it had in its hands is lost: it never came to the stage behind. */
  failed(): void {
    const [account] = this.behind;
    if (account === undefined || !this.#isUnderWay) return;
    const count = this.fronts.find(({ isPassingOn }) => isPassingOn)?.itemsAtATime ?? 1;
    account.refuse(count, 'operatorFailed');
    account.tellLoss({ count, reason: 'operatorFailed', stage: account.stage });
    this.#passedOnAtOffer = this.passedOn;
  }

  /** Where it is, in words. */
  toString(): string {
    return `between ${this.fronts.map(({ stage }) => stage).join(', ')} and ${this.behind[0]?.stage}`;
  }

  /** Whether an item has gone in, and nothing has come out since. */
  get #isUnderWay(): boolean {
    return this.#isEntered && this.passedOn !== this.#passedOnAtOffer && this.fronts.every(isOfItems);
  }

  get #isEntered(): boolean {
    for (const front of this.fronts) if (front.isPassingOn) return true;
    return false;
  }
}

/** A batch has a hold of its own, by which its maker counts it. */
function isOfItems({ role }: Account): boolean {
  return role !== 'batch';
}
