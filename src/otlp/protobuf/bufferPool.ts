import { OutputBuffer } from './outputBuffer.ts';

/** How many free buffers are remembered at most. */
const MAX_FREE = 64;

/** Buffers to be used again. They are held weakly: the garbage collector takes those that were not used since it ran last. */
export class BufferPool {
  readonly #free: WeakRef<OutputBuffer>[] = [];

  take(): OutputBuffer {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      const out = free.deref();
      if (out !== undefined) return out;
    }
    return new OutputBuffer();
  }

  /** Called once for each buffer that was taken. */
  giveBack(out: OutputBuffer): void {
    if (this.#free.length < MAX_FREE) this.#free.push(new WeakRef(out));
  }
}
