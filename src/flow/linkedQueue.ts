/** A place in a {@link LinkedQueue}. */
export interface Link<T> {
  readonly value: T;
  before: Link<T> | undefined;
  after: Link<T> | undefined;
}

/** A first-in, first-out queue from whose middle a value can be removed, too, in O(1) and without leaving a hole. It has no bound of its own. */
export class LinkedQueue<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): Link<T> | undefined {
    return this.#first;
  }

  push(value: T): Link<T> {
    const link: Link<T> = { value, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
    this.#length += 1;
    return link;
  }

  shift(): T | undefined {
    const link = this.#first;
    if (link !== undefined) this.remove(link);
    return link?.value;
  }

  /** Removes a value that is in the queue; to be called once for each link. */
  remove(link: Link<T>): void {
    if (link.before === undefined) this.#first = link.after;
    else link.before.after = link.after;
    if (link.after === undefined) this.#last = link.before;
    else link.after.before = link.before;
    // An old link that lives on would keep those alive that were beside it.
    link.before = undefined;
    link.after = undefined;
    this.#length -= 1;
  }
}
