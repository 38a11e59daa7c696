/** What came within one second. */
export interface Second {
  readonly requests: number;
  readonly spans: number;
  /** The most requests that were in flight. */
  readonly inFlight: number;
}

/** What a backend saw while it was in one state. */
export interface Seen {
  readonly requests: number;
  readonly spans: number;
  readonly connections: number;
  /** Spans in the largest request. */
  readonly largest: number;
  /** The most requests that were in flight. */
  readonly inFlight: number;
  /**
   * The most that were in flight beyond those that had been answered by then. A sender that lets one more in flight with each answer, and began with five, is never more than five ahead; a storm is.
   */
  readonly ahead: number;
  readonly seconds: readonly Second[];
}

const NOTHING: Second = Object.freeze({ requests: 0, spans: 0, inFlight: 0 });

/** Counts the requests that arrive at a backend while it is in one state. */
export class Arrivals {
  readonly #startedMillis: number;
  readonly #now: () => number;
  readonly #seconds: Second[] = [];
  #answered = 0;
  #inFlight = 0; // now
  #connections = 0;
  #largest = 0;
  #ahead = 0;

  /** @param now the time, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedMillis = now();
  }

  get seen(): Seen {
    const sum = (name: 'requests' | 'spans') => this.#seconds.reduce((whole, second) => whole + second[name], 0);
    return {
      requests: sum('requests'),
      spans: sum('spans'),
      connections: this.#connections,
      largest: this.#largest,
      inFlight: Math.max(0, ...this.#seconds.map(({ inFlight }) => inFlight)),
      ahead: this.#ahead,
      seconds: [...this.#seconds],
    };
  }

  connected(): void {
    this.#connections += 1;
  }

  /** A request has arrived whole. Whoever answers it, or sees it end without an answer, calls the returned function, of which the first call counts. */
  arrived(spans: number): (how: 'answered' | 'gone') => void {
    this.#inFlight += 1;
    this.#ahead = Math.max(this.#ahead, this.#inFlight - this.#answered);
    this.#largest = Math.max(this.#largest, spans);
    this.#count(spans);
    let isOver = false;
    return (how) => {
      if (isOver) return;
      isOver = true;
      this.#inFlight -= 1;
      if (how === 'answered') this.#answered += 1;
    };
  }

  #count(spans: number): void {
    const at = Math.floor((this.#now() - this.#startedMillis) / 1_000);
    while (this.#seconds.length <= at) this.#seconds.push(NOTHING);
    const before = this.#seconds[at] as Second;
    this.#seconds[at] = {
      requests: before.requests + 1,
      spans: before.spans + spans,
      inFlight: Math.max(before.inFlight, this.#inFlight),
    };
  }
}
