/** Browsers fail a request with `keepalive` when the bodies of all of them would have more than 64 KiB. The rest is for those of the page itself. */
const MAX_BYTES = 60 * 1024;
/** Chromium fails what is more than some 10 of a page. */
const MAX_REQUESTS = 9;

/** The requests of the page that may outlive it. What a browser allows is for all of them together, so there is one of these. */
class KeptAlive {
  #bytes = 0;
  #requests = 0;

  /** Takes a place for a request with a body of this size, if there is one. Returns what gives it back, once. */
  take(bytes: number): (() => void) | undefined {
    if (this.#bytes + bytes > MAX_BYTES || this.#requests >= MAX_REQUESTS) return undefined;
    this.#bytes += bytes;
    this.#requests += 1;
    return () => {
      this.#bytes -= bytes;
      this.#requests -= 1;
    };
  }
}

export const keptAlive = new KeptAlive();
