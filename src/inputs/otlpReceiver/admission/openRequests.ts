/**
 * The requests of one server that were let in and have no answer yet.
 *
 * A connection may have as many as there are free places: alone it takes half of them, two take a third each, and so on. So however many one sender has open, the next one finds places (the dynamic thresholds of Choudhury and Hahne, 1998). Why not a number for each connection? It would have to be small for many
 * connections, and refuse a single sender although everything is free.
 */
export class OpenRequests {
  readonly #max: number;
  readonly #byConnection = new Map<unknown, number>();
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a place. The returned function gives it back; `undefined`: there is none for this connection. */
  take(connection: unknown): (() => void) | undefined {
    const own = this.#byConnection.get(connection) ?? 0;
    if (own >= this.#max - this.#open) return undefined;
    this.#change(connection, 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#change(connection, -1);
    };
  }

  #change(connection: unknown, change: 1 | -1): void {
    const own = (this.#byConnection.get(connection) ?? 0) + change;
    this.#open += change;
    if (own === 0) this.#byConnection.delete(connection);
    else this.#byConnection.set(connection, own);
  }
}
