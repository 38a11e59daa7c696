import type { FileHandle } from 'node:fs/promises';
import { DONE_AT, FILE_HEAD, FRAME_HEAD_BYTES, isWhole, readFrameHead } from './frames.ts';

/** One request of a spooled file that is not done. */
export interface SpooledFrame {
  /** Where it begins. */
  readonly at: number;
  readonly items: number;
  readonly body: Uint8Array;
}

/** A spooled file that is sent, frame by frame. */
export class SpooledFile {
  readonly #file: FileHandle;
  readonly #onDamage: (bytes: number) => void;

  private constructor(file: FileHandle, onDamage: (bytes: number) => void) {
    this.#file = file;
    this.#onDamage = onDamage;
  }

  /** @param onDamage called with the bytes of what cannot be read: a frame, or what a torn one has left at the end */
  static async open(path: string, onDamage: (bytes: number) => void): Promise<SpooledFile> {
    const { open } = process.getBuiltinModule('node:fs').promises;
    return new SpooledFile(await open(path, 'r+'), onDamage);
  }

  /** Those that are not done, in their order. One that was damaged is passed over; behind one that was torn there is nothing. */
  async *frames(): AsyncGenerator<SpooledFrame, void, void> {
    const { size } = await this.#file.stat();
    let at = FILE_HEAD.length;
    if (Buffer.compare(await this.#read(0, at), FILE_HEAD) !== 0) at = this.#damaged(0, size);
    while (at < size) {
      const head = await this.#read(at, FRAME_HEAD_BYTES);
      const frame = readFrameHead(head);
      const end = at + FRAME_HEAD_BYTES + (frame?.length ?? 0);
      if (frame === undefined || end > size) {
        this.#damaged(at, size);
        return;
      }
      if (!frame.isDone) {
        const body = await this.#read(at + FRAME_HEAD_BYTES, frame.length);
        if (isWhole(head, body)) yield { at, items: frame.items, body };
        else this.#damaged(at, end);
      }
      at = end;
    }
  }

  /** Whoever reads the file after a crash passes over it. */
  async done({ at }: SpooledFrame): Promise<void> {
    await this.#file.write(Uint8Array.of(1), 0, 1, at + DONE_AT);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #damaged(from: number, to: number): number {
    this.#onDamage(to - from);
    return to;
  }

  async #read(at: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let read = 0;
    while (read < length) {
      const { bytesRead } = await this.#file.read(bytes, read, length - read, at + read);
      if (bytesRead === 0) break; // it has become shorter
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  }
}
