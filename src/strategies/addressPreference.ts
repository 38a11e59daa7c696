/** By then the checks of most balancers and name servers have taken a sick backend out. */
const AVOIDED_MILLIS = 30_000;

/**
 * Decides which of the addresses of a name is connected to: those that have refused a request, or left it or the attempt to connect without an answer, come last for 30 seconds. Name servers and systems often give the addresses
 * in the same order each time, and a retry would meet the same sick backend.
 */
export class AddressPreference {
  #resolved: readonly string[] = []; // what the name was last resolved to
  readonly #avoidedSince = new Map<string, number>(); // by address, of those only

  /** Takes what the name was resolved to, and returns it in the order in which it is tried. */
  inOrder<A extends { readonly address: string }>(resolved: readonly A[], nowMillis: number): A[] {
    const known = new Set(resolved.map(({ address }) => address));
    for (const address of this.#avoidedSince.keys()) if (!known.has(address)) this.trust(address);
    const since = ({ address }: A) => this.#avoided(address, nowMillis) ?? Number.NEGATIVE_INFINITY;
    this.#resolved = [...known];
    return [...resolved].sort((one, other) => (since(one) === since(other) ? 0 : since(one) - since(other)));
  }

  /** There is a connection, after these were tried in this order: all but the last did not answer. */
  connected(tried: readonly string[], nowMillis: number): void {
    for (const address of tried.slice(0, -1)) this.avoid(address, nowMillis);
  }

  avoid(address: string, nowMillis: number): void {
    if (this.#resolved.includes(address)) this.#avoidedSince.set(address, nowMillis);
  }

  trust(address: string): void {
    this.#avoidedSince.delete(address);
  }

  /** Whether there is a better one. */
  isAvoided(address: string, nowMillis: number): boolean {
    if (this.#avoided(address, nowMillis) === undefined) return false;
    return this.#resolved.some((other) => this.#avoided(other, nowMillis) === undefined);
  }

  #avoided(address: string, nowMillis: number): number | undefined {
    const since = this.#avoidedSince.get(address);
    return since !== undefined && nowMillis - since < AVOIDED_MILLIS ? since : undefined;
  }
}
