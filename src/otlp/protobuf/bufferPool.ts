import { OutputBuffer } from './outputBuffer.ts';

/** As many free ones are remembered at most. */
const MAX_FREE = 64;

/** Buffers to be used again. They are held weakly: the garbage collector takes those that nobody has needed since it came last. */
export class BufferPool {
  readonly #free: WeakRef<OutputBuffer>[] = [];

  take(): OutputBuffer {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      const out = free.deref();
      if (out !== undefined) return out;
    }
    return new OutputBuffer();
  }

  /** Only what was taken, and once. */
  giveBack(out: OutputBuffer): void {
    if (this.#free.length < MAX_FREE) this.#free.push(new WeakRef(out));
  }
}
