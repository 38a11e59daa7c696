import { Buffer } from 'node:buffer';

const FIRST_BYTES = 256 * 1024;
/** More room than was asked for: whatever is written without a text or a known part fits into it. */
const SLACK = 128;
/** Larger buffers are given back after a request, so that one huge request does not cost its memory for ever. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** There is no memory for a request as large as this: nothing that one span could help. */
export class OutOfMemory extends Error {}

/**
 * The buffer that request after request is written into. Whoever writes keeps the place where it goes on, so what was
 * written in vain is taken back by going on where it began.
 */
export class OutputBuffer {
  bytes: Buffer<ArrayBuffer>;
  view: DataView;
  /** Up to here there is slack behind. */
  private limit: number;

  constructor(size = FIRST_BYTES) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.view = new DataView(this.bytes.buffer);
    this.limit = size - SLACK;
  }

  /** The buffer, when there is room for `count` bytes from `at` on, and for 128 more; only what stands before `at` is kept. */
  room(at: number, count: number): Buffer<ArrayBuffer> {
    return at + count <= this.limit ? this.bytes : this.grown(at, count);
  }

  /** When what was written is not needed any more: it may be too large to be kept. */
  reset(): void {
    if (this.bytes.length > MAX_KEPT_BYTES) this.use(Buffer.allocUnsafeSlow(FIRST_BYTES));
  }

  private grown(at: number, count: number): Buffer<ArrayBuffer> {
    const least = at + count + SLACK;
    let larger: Buffer<ArrayBuffer>;
    try {
      larger = Buffer.allocUnsafeSlow(Math.max(least, this.bytes.length * 2));
    } catch (thrown) {
      throw new OutOfMemory(`${least} bytes cannot be had`, { cause: thrown });
    }
    larger.set(this.bytes.subarray(0, at));
    this.use(larger);
    return larger;
  }

  private use(bytes: Buffer<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.limit = bytes.length - SLACK;
  }
}
