/** Items that went into an operator which is not ours, and have not come out: it holds them, or has taken them out, and which of the two cannot be seen. */
export class Unseen {
  readonly #entered: () => number;
  readonly #left: () => number;
  #isAsynchronous = false; // one has come out while none was going in
  #isSynchronous = false; // one has come out while one was going in
  #isReported = false; // that nothing has come out yet
  #removed = 0; // stayed away for a whole flush: they were taken out
  #waiters: (() => void)[] = [];

  /** @param entered items that went in so far, and `left` those that came out */
  constructor(entered: () => number, left: () => number) {
    this.#entered = entered;
    this.#left = left;
  }

  /** Whether items come out later than they went in: then some may be inside between two emissions. */
  get isAsynchronous(): boolean {
    return this.#isAsynchronous;
  }

  /** One comes out. */
  leaves(during: 'entry' | 'later'): void {
    if (during === 'entry') this.#isSynchronous = true;
    else this.#isAsynchronous = true;
  }

  /** One has come out, and is counted. */
  hasLeft(): void {
    if (this.#waiters.length > 0 && this.held === 0) this.#wake();
  }

  /** Items that may be inside. Of an operator that answers each item at once, none is. */
  get held(): number {
    return this.#isAsynchronous ? Math.max(0, this.#absent - this.#removed) : 0;
  }

  /** Items that went in where none has ever come out: whether they are inside, or all taken out, is not known. They are returned by the first call only. */
  takeUnreported(): number {
    if (this.#isReported || this.#isAsynchronous || this.#isSynchronous) return 0;
    this.#isReported = this.#absent > 0;
    return this.#absent;
  }

  /** Resolves when what may be inside has come out. */
  emptied(): Promise<void> {
    return this.held === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The time for a flush is over: what has not come out by now counts as taken out. Returns how much that is. */
  giveUp(): number {
    const { held } = this;
    this.#removed += held;
    this.#wake();
    return held;
  }

  get #absent(): number {
    return this.#entered() - this.#left();
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
