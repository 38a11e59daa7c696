import { Buffer } from '../../internal/buffer.ts';

const FIRST_BYTES = 256 * 1024;
/** More room than was asked for: a field that holds no string and no reused bytes fits into it. */
const SLACK = 128;
/** Larger buffers are let go after a request, so that one huge request does not cost its memory for ever. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** There is no memory for a request of this size. Leaving out one item would not help. */
export class OutOfMemory extends Error {}

/**
 * The buffer that one request after the other is written into. The writer keeps the place where it goes on, so what was written in
 * vain is taken back by going on where it began.
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

  /** Called when what was written is not needed any more: a buffer that is too large is let go. */
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
