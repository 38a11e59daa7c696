import * as fs from 'node:fs';
import { access, mkdir, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ToOtlpFileSettings } from './options.ts';

// Plain descriptors: a FileHandle that is collected before it was closed ends the process.
const open = promisify(fs.open);
const close = promisify(fs.close);
const fstat = promisify(fs.fstat);
const read = promisify(fs.read);
const truncate = promisify(fs.ftruncate);
const writev = promisify(fs.writev);

const NEWLINE = 0x0a;
/** As personal data lies in it. */
const OWNER_ONLY = 0o600;
/** The time in the name of a backup: `2026-11-29T13-24-21.173`. */
const STAMP = /^-(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})$/;

/** A file that is appended to, and makes way for a new one when it is full. */
export class RotatedFile {
  readonly path: string;
  readonly #settings: ToOtlpFileSettings;
  #file: number | undefined; // its descriptor
  #size = 0; // of whole records

  constructor(path: string, settings: ToOtlpFileSettings) {
    this.path = path;
    this.#settings = settings;
  }

  /** Appends one record, or nothing of it. */
  async append(pieces: readonly Uint8Array[], length: number): Promise<void> {
    this.#file ??= await this.#open(); // it may hold something
    if (this.#size > 0 && this.#size + length > this.#settings.maxFileBytes) this.#file = await this.#another();
    try {
      await writeAll(this.#file, pieces);
    } catch (error) {
      await this.#takeBack(this.#file);
      throw error;
    }
    this.#size += length;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await close(file);
  }

  async #open(): Promise<number> {
    await mkdir(dirname(this.path), { recursive: true });
    const there = await stat(this.path).catch(() => undefined);
    if (there !== undefined && there.size > 0 && !(await this.#takesMore(there.size))) await this.#makeWay();
    const file = await open(this.path, 'a', OWNER_ONLY);
    this.#size = (await fstat(file)).size;
    return file;
  }

  /** Whether what is there ends with a whole line: of other formats that cannot be seen from the end. */
  async #takesMore(size: number): Promise<boolean> {
    const { encoding, compression, maxFileBytes } = this.#settings;
    if (encoding !== 'json' || compression !== 'none' || size >= maxFileBytes) return false;
    const file = await open(this.path, 'r');
    try {
      const { buffer } = await read(file, Buffer.alloc(1), 0, 1, size - 1);
      return buffer[0] === NEWLINE;
    } finally {
      await close(file);
    }
  }

  /** A record that was written in part would spoil those behind it. */
  async #takeBack(file: number): Promise<void> {
    this.#file = undefined; // it is opened again, which looks at its end
    await truncate(file, this.#size).catch(() => {});
    await close(file).catch(() => {});
  }

  async #another(): Promise<number> {
    await this.close();
    this.#size = 0;
    await this.#makeWay();
    return this.#open();
  }

  /** What is there becomes a backup, unless it was deleted from outside, maybe with its folder. */
  async #makeWay(): Promise<void> {
    try {
      await rename(this.path, await this.#freePath());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    await this.#deleteOld();
  }

  async #freePath(): Promise<string> {
    for (let millis = Date.now(); ; millis += 1) {
      const backup = this.#backupPath(millis);
      const isFree = await access(backup).then(
        () => false,
        () => true,
      );
      if (isFree) return backup;
    }
  }

  #backupPath(millis: number): string {
    const extension = extname(this.path);
    const stamp = new Date(millis).toISOString().slice(0, -1).replaceAll(':', '-');
    return join(dirname(this.path), `${basename(this.path, extension)}-${stamp}${extension}`);
  }

  async #deleteOld(): Promise<void> {
    const { maxBackups, maxBackupAgeMillis } = this.#settings;
    const backups = (await this.#backups()).toSorted((one, other) => other.millis - one.millis);
    const oldest = Date.now() - maxBackupAgeMillis;
    const old = backups.filter(({ millis }, index) => index >= maxBackups || millis < oldest);
    await Promise.all(old.map(({ path }) => unlink(path)));
  }

  async #backups(): Promise<{ readonly path: string; readonly millis: number }[]> {
    const extension = extname(this.path);
    const stem = basename(this.path, extension);
    const names = await readdir(dirname(this.path));
    return names.flatMap((name) => {
      if (!name.startsWith(stem) || !name.endsWith(extension)) return [];
      const [, date, hours, minutes, seconds] =
        STAMP.exec(name.slice(stem.length, name.length - extension.length)) ?? [];
      if (date === undefined) return [];
      return [{ path: join(dirname(this.path), name), millis: Date.parse(`${date}${hours}:${minutes}:${seconds}Z`) }];
    });
  }
}

/** `writev` may write less than it was given. */
async function writeAll(file: number, pieces: readonly Uint8Array[]): Promise<void> {
  let left = pieces;
  while (left.length > 0) {
    const { bytesWritten } = await writev(file, left);
    left = behind(left, bytesWritten);
  }
}

function behind(pieces: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skipped = bytes;
  return pieces.flatMap((piece) => {
    const skip = Math.min(skipped, piece.length);
    skipped -= skip;
    return skip === piece.length ? [] : [piece.subarray(skip)];
  });
}
