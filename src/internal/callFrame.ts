/** Tells whether code runs within certain calls: on their stack, before they have returned. What runs after their first `await` is outside. */
export class CallFrame {
  #depth = 0; // calls on the stack

  get isEntered(): boolean {
    return this.#depth > 0;
  }

  within<R>(work: () => R): R {
    return this.#at(this.#depth + 1, work);
  }

  /** What the called code calls back with is no part of the call. */
  outside<R>(work: () => R): R {
    return this.#at(0, work);
  }

  #at<R>(depth: number, work: () => R): R {
    const before = this.#depth;
    this.#depth = depth;
    try {
      return work();
    } finally {
      this.#depth = before;
    }
  }
}
