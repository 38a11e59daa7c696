import { Buffer } from '../../internal/buffer.ts';

/** Ranges of a buffer, in the order in which their bytes are to be sent. */
export class BufferRanges {
  /** Start and end of each range in turn. */
  readonly #edges: number[] = [];
  /** The sum of the ranges' bytes. */
  length = 0;

  /** Where the first range begins. */
  get start(): number {
    return this.#edges[0] ?? 0;
  }

  /** Where the last range ends. */
  get end(): number {
    return this.#edges.at(-1) ?? 0;
  }

  add(start: number, end: number): void {
    if (start === end) return;
    this.length += end - start;
    const edges = this.#edges;
    // A range that adjoins the last one extends it: most requests are one range.
    if (edges.length > 0 && edges[edges.length - 1] === start) edges[edges.length - 1] = end;
    else edges.push(start, end);
  }

  addAll(ranges: BufferRanges): void {
    const edges = ranges.#edges;
    for (let at = 0; at < edges.length; at += 2) this.add(edges[at] as number, edges[at + 1] as number);
  }

  /** A copy of the ranges' bytes, in memory of its own that can be transferred to another thread. */
  copiedFrom(bytes: Buffer): Uint8Array<ArrayBuffer> {
    // Not zeroed before it is filled, and no slice of a pool.
    const copy = new Uint8Array(Buffer.allocUnsafeSlow(this.length).buffer);
    const edges = this.#edges;
    let at = 0;
    for (let index = 0; index < edges.length; index += 2)
      at += bytes.copy(copy, at, edges[index] as number, edges[index + 1] as number);
    return copy;
  }

  /** The ranges' bytes in order: large ranges as views of the buffer, neighbouring small ones copied into one piece. */
  lentFrom(bytes: Buffer, leastBytes: number): Uint8Array[] {
    const lent: Uint8Array[] = [];
    let small = new BufferRanges();
    const copySmall = () => {
      if (small.length > 0) lent.push(small.copiedFrom(bytes));
      small = new BufferRanges();
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
