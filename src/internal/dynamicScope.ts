/** A value that is there for all code on the stack of a call, and for no other. */
export class DynamicScope<V> {
  #present: V | undefined;

  get present(): V | undefined {
    return this.#present;
  }

  within<R>(value: V | undefined, work: () => R): R {
    const before = this.#present;
    this.#present = value;
    try {
      return work();
    } finally {
      this.#present = before;
    }
  }
}
