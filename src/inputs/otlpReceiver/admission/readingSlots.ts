/** A call that wants to be read. */
export interface Reader {
  /** It may be read now. */
  begin(): void;
  /** It is being read, and others wait for what its connection has too much of: it has to end. */
  giveWay(): void;
}

/** The place of a call, in a line or in a slot. */
export interface Turn {
  readonly isWaiting: boolean;
  /** Gives the slot back, or gives up the wait. */
  end(): void;
  /** It has waited for long: a connection that holds at least two slots more than its own has to give one back, that of the call which has been read for the longest. */
  claim(): void;
}

interface Place {
  readonly connection: unknown;
  readonly reader: Reader;
}

/**
 * How many calls are read at a time. Others wait, and too many of these find no place to wait.
 *
 * A free slot goes to the connection that holds the fewest, and of those to the one that had its turn longest ago; there to the call that came first. So whoever sends many calls ahead waits behind himself, and nobody else does.
 */
export class ReadingSlots {
  readonly #slots: number;
  readonly #maxWaiting: number;
  readonly #lines = new Map<unknown, Set<Place>>(); // of those who wait, by connection; the one whose turn is longest ago comes first
  readonly #reading = new Set<Place>(); // in the order of their beginning
  #waiting = 0; // in all lines

  constructor(slots: number, maxWaiting: number) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
  }

  /** Has a call read when a slot is free: at once if one is. `undefined`: there is no place to wait. */
  take(connection: unknown, reader: Reader): Turn | undefined {
    if (this.#reading.size >= this.#slots && this.#waiting >= this.#maxWaiting) return undefined;
    const place = { connection, reader };
    const isWaiting = () => this.#lines.get(connection)?.has(place) ?? false;
    this.#lines.set(connection, (this.#lines.get(connection) ?? new Set()).add(place));
    this.#waiting += 1;
    this.#fill();
    return {
      get isWaiting() {
        return isWaiting();
      },
      end: () => {
        if (isWaiting()) this.#leaveLine(place);
        else if (this.#reading.delete(place)) this.#fill();
      },
      claim: () => {
        if (isWaiting()) this.#claim(place);
      },
    };
  }

  #fill(): void {
    while (this.#reading.size < this.#slots && this.#waiting > 0) {
      const line = this.#nextLine();
      const [next] = line;
      if (next === undefined) return;
      this.#leaveLine(next);
      // Behind the others.
      if (this.#lines.delete(next.connection)) this.#lines.set(next.connection, line);
      this.#reading.add(next);
      next.reader.begin();
    }
  }

  #nextLine(): Set<Place> {
    const held = this.#held();
    const countOf = (connection: unknown) => held.get(connection) ?? 0;
    const lines = [...this.#lines];
    const [, line] = lines.reduce((best, one) => (countOf(one[0]) < countOf(best[0]) ? one : best));
    return line;
  }

  #leaveLine(place: Place): void {
    const line = this.#lines.get(place.connection);
    if (line?.delete(place)) this.#waiting -= 1;
    if (line?.size === 0) this.#lines.delete(place.connection);
  }

  #claim({ connection }: Place): void {
    const held = this.#held();
    const most = Math.max(...held.values());
    if (most < (held.get(connection) ?? 0) + 2) return;
    const [oldest] = [...this.#reading].filter((other) => held.get(other.connection) === most);
    oldest?.reader.giveWay();
  }

  /** How many slots each connection holds. */
  #held(): ReadonlyMap<unknown, number> {
    const held = new Map<unknown, number>();
    for (const { connection } of this.#reading) held.set(connection, (held.get(connection) ?? 0) + 1);
    return held;
  }
}
