import type * as fs from 'node:fs';
import { FILE_HEAD, frameHead } from './frames.ts';

/** What of `node:fs` an ending uses: tests give it one that fails. */
export type SyncFiles = Pick<
  typeof fs,
  | 'mkdirSync'
  | 'readdirSync'
  | 'statSync'
  | 'accessSync'
  | 'openSync'
  | 'writeSync'
  | 'ftruncateSync'
  | 'fsyncSync'
  | 'closeSync'
  | 'renameSync'
  | 'unlinkSync'
>;

/** As personal data lies in it. */
const OWNER_ONLY = 0o600;

/** A file that is being written. It has its owner in its name until it is complete. */
export class WrittenFile {
  /** Of the complete file. */
  readonly path: string;
  readonly #files: SyncFiles;
  readonly #ownPath: string;
  readonly #descriptor: number;
  #bytes = 0; // of whole frames
  #items = 0;

  constructor(files: SyncFiles, path: string, owner: string) {
    this.#files = files;
    this.path = path;
    this.#ownPath = `${path}.${owner}`;
    this.#descriptor = files.openSync(this.#ownPath, 'wx', OWNER_ONLY);
    try {
      this.#write(FILE_HEAD);
    } catch (thrown) {
      this.end(() => {});
      throw thrown;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  get items(): number {
    return this.#items;
  }

  /** Appends a whole frame, or nothing. */
  append(items: number, body: Uint8Array): void {
    const head = frameHead(items, body);
    this.#write(head, body);
    this.#items += items;
  }

  /**
   * Makes it complete, and nobody's. A file without items is removed.
   *
   * @returns whether there is a file
   */
  end(onTrouble: (thrown: unknown) => void): boolean {
    const attempt = (work: () => void) => {
      try {
        work();
      } catch (thrown) {
        onTrouble(thrown);
      }
    };
    if (this.#items > 0) attempt(() => this.#files.fsyncSync(this.#descriptor));
    attempt(() => this.#files.closeSync(this.#descriptor));
    if (this.#items === 0) {
      attempt(() => this.#files.unlinkSync(this.#ownPath));
      return false;
    }
    attempt(() => this.#files.renameSync(this.#ownPath, this.path));
    this.#syncDirectory();
    return true;
  }

  /** The name, too, is to survive a loss of power. Windows has no such thing. */
  #syncDirectory(): void {
    try {
      const directory = this.#files.openSync(process.getBuiltinModule('node:path').dirname(this.path), 'r');
      try {
        this.#files.fsyncSync(directory);
      } finally {
        this.#files.closeSync(directory);
      }
    } catch {
      // The file is complete all the same.
    }
  }

  #write(...pieces: readonly Uint8Array[]): void {
    try {
      for (const piece of pieces) this.#writeAll(piece);
    } catch (thrown) {
      this.#takeBack();
      throw thrown;
    }
    for (const { length } of pieces) this.#bytes += length;
  }

  #writeAll(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) at += this.#files.writeSync(this.#descriptor, piece, at, piece.length - at);
  }

  /** What was written in part is no frame; a reader would pass over it, too. */
  #takeBack(): void {
    try {
      this.#files.ftruncateSync(this.#descriptor, this.#bytes);
    } catch {
      // Then it is torn.
    }
  }
}
