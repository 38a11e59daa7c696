import { Buffer } from 'node:buffer';

/** Pieces of a buffer, in the order in which they belong together. */
export class Pieces {
  /** Start and end of each in turn. */
  readonly #edges: number[] = [];
  /** How long they are together. */
  length = 0;

  add(start: number, end: number): void {
    if (start === end) return;
    this.length += end - start;
    const edges = this.#edges;
    // What adjoins the last piece prolongs it: the spans of most requests are one piece.
    if (edges.length > 0 && edges[edges.length - 1] === start) edges[edges.length - 1] = end;
    else edges.push(start, end);
  }

  addAll(pieces: Pieces): void {
    const edges = pieces.#edges;
    for (let at = 0; at < edges.length; at += 2) this.add(edges[at] as number, edges[at + 1] as number);
  }

  /** What they hold, in memory of its own that can be transferred to a thread. */
  copiedFrom(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    // Not zeroed before it is filled, and no slice of a pool.
    const copy = new Uint8Array(Buffer.allocUnsafeSlow(this.length).buffer);
    let at = 0;
    for (let index = 0; index < this.#edges.length; index += 2) {
      const piece = bytes.subarray(this.#edges[index], this.#edges[index + 1]);
      copy.set(piece, at);
      at += piece.length;
    }
    return copy;
  }

  /** What they hold, in their order: large pieces as they lie there, small ones copied together. */
  lentFrom(bytes: Uint8Array, leastBytes: number): Uint8Array[] {
    const lent: Uint8Array[] = [];
    let small = new Pieces();
    const copySmall = () => {
      if (small.length > 0) lent.push(small.copiedFrom(bytes));
      small = new Pieces();
    };
    for (let index = 0; index < this.#edges.length; index += 2) {
      const start = this.#edges[index] as number;
      const end = this.#edges[index + 1] as number;
      if (end - start < leastBytes) small.add(start, end);
      else {
        copySmall();
        lent.push(bytes.subarray(start, end));
      }
    }
    copySmall();
    return lent;
  }
}
