import type { Account, Role } from './account.ts';

/** The stages of one route, in the order in which they were opened, and what the next one follows. */
export class Line {
  readonly #trunk: ((role: Role) => readonly Account[]) | undefined; // what the first stage follows, behind a fan-out
  readonly #stages: Account[] = [];
  readonly #ends = new Map<Account, readonly Account[]>(); // by the stage that was opened last: stages that follow the same ones share the array

  constructor(trunk?: (role: Role) => readonly Account[]) {
    this.#trunk = trunk;
  }

  add(account: Account): void {
    this.#stages.push(account);
  }

  /** A line that begins where this one ends now. */
  branch(): Line {
    const { length } = this.#stages;
    return new Line((role) => this.#endOf(role, length));
  }

  /** What a new stage follows: the one that was opened before it, unless that one ends a chain. */
  end(role: Role): readonly Account[] {
    return this.#endOf(role, this.#stages.length);
  }

  #endOf(role: Role, length: number): readonly Account[] {
    if (role === 'input') return NONE;
    const last = this.#stages[length - 1];
    if (last === undefined) return this.#trunk?.(role) ?? NONE;
    // A sink behind a sink gets the same batches, and a batcher behind a batcher the same items.
    const alike = last.role === 'sink' ? last : this.#batcherInChain(length);
    if (alike?.role === role) return alike.place.follows;
    if (last.role !== 'sink') return this.#follow(last, length);
    // Anything else behind a sink begins another chain where the first one began.
    const start = this.#stages.slice(0, length).findLastIndex((stage) => stage.role === 'input');
    return this.#stages[start + 1]?.place.follows ?? NONE;
  }

  /** The batcher that was opened after the last sink. */
  #batcherInChain(length: number): Account | undefined {
    const stages = this.#stages.slice(0, length);
    return stages.slice(stages.findLastIndex(({ role }) => role === 'sink') + 1).find(({ role }) => role === 'batch');
  }

  #follow(last: Account, length: number): readonly Account[] {
    const known = this.#ends.get(last);
    if (known !== undefined) return known;
    const stages = this.#stages.slice(0, length);
    // Inputs that were opened one after the other are merged.
    const before = last.role === 'input' ? stages.findLastIndex((stage) => stage.role !== 'input') : length - 2;
    const end = stages.length - before === 2 ? last.alone : stages.slice(before + 1);
    this.#ends.set(last, end);
    return end;
  }
}

const NONE: readonly Account[] = Object.freeze([]);
