/** A share in a resource that several sinks may use. */
export interface Lease<R> {
  readonly resource: R;
  /** Closes the resource, if this was the last share in it. The second call does nothing. */
  giveBack(): Promise<void>;
}

interface Shared<R> {
  readonly key: readonly unknown[];
  readonly resource: R;
  users: number; // leases that were not given back
}

/** Lends one resource, such as the connections to a backend, to all who ask with an equal key, and closes it when the last of them has given it back. */
export class Sharing<R> {
  readonly #close: (resource: R) => Promise<void> | void;
  readonly #all = new Set<Shared<R>>();

  constructor(close: (resource: R) => Promise<void> | void) {
    this.#close = close;
  }

  /** @param key what the resource is made of: two keys are equal if each of their parts is the same value */
  lease(key: readonly unknown[], make: () => R): Lease<R> {
    const shared = this.#find(key) ?? { key, resource: make(), users: 0 };
    this.#all.add(shared);
    shared.users += 1;
    let isGivenBack = false;
    return {
      resource: shared.resource,
      giveBack: async () => {
        if (isGivenBack) return;
        isGivenBack = true;
        shared.users -= 1;
        if (shared.users > 0) return;
        this.#all.delete(shared);
        await this.#close(shared.resource);
      },
    };
  }

  #find(key: readonly unknown[]): Shared<R> | undefined {
    const isEqual = (other: Shared<R>) =>
      other.key.length === key.length && other.key.every((part, index) => Object.is(part, key[index]));
    return [...this.#all].find(isEqual);
  }
}
