/** What was seen of attempts that were alone is as good as the last so many of them: a limit that is cut to 1 is there for a second at a round trip of 100 ms. With twice as many it grows too early, for a share that it has not learnt yet, and is cut again. */
const LONE_MEMORY = 10;

/** More refusals in a row are an outage: where half of all are refused by chance, one run in two thousand is longer. */
const LONGEST_RUN = 10;

/** No larger share is taken for chance. On a backend that is overloaded by many clients each is refused even when it is alone, and none may grow for that without end. */
const MOST_REFUSED_RATIO = 0.6;

/** What was seen at any number in flight is as good as the last so many attempts: about a second at ten in flight and a round trip of 100 ms. */
const RECENT_MEMORY = 100;

/** Of the share that is known, what is left of it lately for a new one to count: with more, a tenth would be halved by chance now and then. */
const CLEARLY_LESS_RATIO = 1 / 3;

/** Standard errors beyond which a share is clearly more: with two, the limit is cut by chance every few seconds. */
const CLEARLY_MORE = 3;

/**
 * Learns which share of the attempts a backend refuses however few are in flight: with one sick pod of two behind a balancer, half. A lower limit does not help there.
 *
 * Only an attempt that is alone shows it: its refusal is not for the others. Refusals count when a success follows, and not at all after an outage. At any number in flight, a smaller share shows that there
 * is less of it.
 */
export class BackgroundRefusals {
  #ratio = 0;
  #run = 0; // refusals of attempts that were alone, since one was accepted
  #recentRatio = 0; // at any number in flight

  refusedAlone(): void {
    this.#run += 1;
  }

  acceptedAlone(): void {
    const kept = 1 - 1 / LONE_MEMORY;
    const learnt = (1 - (1 - this.#ratio) * kept ** this.#run) * kept;
    this.#ratio = this.#run > LONGEST_RUN ? 0 : Math.min(MOST_REFUSED_RATIO, learnt);
    this.#recentRatio = Math.max(this.#recentRatio, this.#ratio);
    this.#run = 0;
  }

  /** A round trip is over in which nothing was refused for the load. */
  seen(refused: number, attempts: number): void {
    this.#recentRatio += (refused - this.#recentRatio * attempts) / (RECENT_MEMORY + attempts);
    if (this.#recentRatio < CLEARLY_LESS_RATIO * this.#ratio) this.#ratio = this.#recentRatio;
  }

  /** Whether these are more refusals than by chance. As long as none are known to be, one is. */
  isExceeded(refused: number, attempts: number): boolean {
    const error = Math.sqrt((this.#ratio * (1 - this.#ratio)) / attempts);
    return refused / attempts > this.#ratio + CLEARLY_MORE * error;
  }
}
