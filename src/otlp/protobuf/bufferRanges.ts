import { Buffer } from '../../internal/buffer.ts';

/** Ranges of a buffer, and of bytes that were received, in the order in which they are to be sent. */
export class BufferRanges {
  /** Start and end of each range in turn. */
  readonly #edges: number[] = [];
  /** Whose bytes each range is of; `undefined`: those of the buffer. */
  readonly #sources: (Uint8Array | undefined)[] = [];
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

  /** @param source received bytes, which are not written to any more; left out: the buffer */
  add(start: number, end: number, source?: Uint8Array): void {
    if (start === end) return;
    this.length += end - start;
    const edges = this.#edges;
    const last = this.#sources.length - 1;
    // A range that adjoins the last one extends it: most requests are one range.
    if (last >= 0 && edges[edges.length - 1] === start && this.#sources[last] === source) {
      edges[edges.length - 1] = end;
    } else {
      edges.push(start, end);
      this.#sources.push(source);
    }
  }

  addAll(ranges: BufferRanges): void {
    ranges.#sources.forEach((source, index) => {
      this.add(ranges.#edges[2 * index] as number, ranges.#edges[2 * index + 1] as number, source);
    });
  }

  /** A copy of the ranges' bytes, in memory of its own that can be transferred to another thread. */
  copiedFrom(bytes: Buffer): Uint8Array<ArrayBuffer> {
    // Not zeroed before it is filled, and no slice of a pool.
    const copy = new Uint8Array(Buffer.allocUnsafeSlow(this.length).buffer);
    let at = 0;
    for (const piece of this.#piecesOf(bytes)) {
      copy.set(piece, at);
      at += piece.length;
    }
    return copy;
  }

  /** The ranges' bytes in order: large ranges as views of the buffer or of what was received, neighbouring small ones copied into one piece. */
  lentFrom(bytes: Buffer, leastBytes: number): Uint8Array[] {
    const lent: Uint8Array[] = [];
    let small = new BufferRanges();
    const copySmall = () => {
      if (small.length > 0) lent.push(small.copiedFrom(bytes));
      small = new BufferRanges();
    };
    this.#sources.forEach((source, index) => {
      const start = this.#edges[2 * index] as number;
      const end = this.#edges[2 * index + 1] as number;
      if (end - start < leastBytes) small.add(start, end, source);
      else {
        copySmall();
        lent.push((source ?? bytes).subarray(start, end));
      }
    });
    copySmall();
    return lent;
  }

  #piecesOf(bytes: Buffer): Uint8Array[] {
    return this.#sources.map((source, index) =>
      (source ?? bytes).subarray(this.#edges[2 * index], this.#edges[2 * index + 1]),
    );
  }
}
