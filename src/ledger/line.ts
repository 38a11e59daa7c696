import type { Account, Role } from './account.ts';

/** The stages of one route, in the order in which they were opened, and what the next one follows. */
export class Line {
  readonly #trunk: ((role: Role) => readonly Account[]) | undefined; // what the first stage follows, behind a fan-out
  readonly #stages: Account[] = [];
  #merged: readonly Account[] = []; // inputs that end the line: stages that follow them share the array

  constructor(trunk?: (role: Role) => readonly Account[]) {
    this.#trunk = trunk;
  }

  add(account: Account): void {
    this.#stages.push(account);
  }

  /** A line that begins where this one ends when its first stage is opened. */
  branch(): Line {
    return new Line((role) => this.end(role));
  }

  /** What a new stage follows: the one that was opened before it, unless that one ends a chain. */
  end(role: Role): readonly Account[] {
    if (role === 'input') return NONE;
    const last = this.#stages.at(-1);
    if (last === undefined) return this.#trunk?.(role) ?? NONE;
    // A sink behind a sink gets the same batches, and a batcher behind a batcher the same items.
    const alike = last.role === 'sink' ? last : this.#batcherInChain();
    if (alike?.role === role) return alike.place.follows;
    if (last.role !== 'sink') return this.#follow(last);
    // Anything else behind a sink begins another chain where the first one began.
    const start = this.#stages.findLastIndex((stage) => stage.role === 'input');
    return this.#stages[start + 1]?.place.follows ?? NONE;
  }

  /** The batcher that was opened after the last sink. */
  #batcherInChain(): Account | undefined {
    const start = this.#stages.findLastIndex(({ role }) => role === 'sink') + 1;
    return this.#stages.slice(start).find(({ role }) => role === 'batch');
  }

  #follow(last: Account): readonly Account[] {
    if (last.role !== 'input') return last.alone;
    // Inputs that were opened one after the other are merged.
    const inputs = this.#stages.slice(this.#stages.findLastIndex((stage) => stage.role !== 'input') + 1);
    if (inputs.length === 1) return last.alone;
    if (this.#merged.at(-1) !== last) this.#merged = inputs;
    return this.#merged;
  }
}

const NONE: readonly Account[] = Object.freeze([]);
