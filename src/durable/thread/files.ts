import fs from 'node:fs';
import os from 'node:os';
import { dirname, resolve } from 'node:path';

/** A database as `node:sqlite` has it. What it throws has SQLite's `errcode`. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export interface Statement {
  run(...values: readonly Value[]): unknown;
  get(...values: readonly Value[]): Row | undefined;
}

export type Value = number | string | Uint8Array;
export type Row = Readonly<Record<string, Value | null>>;

/** Everything that the store does with files and with time. Tests put faults here. */
export interface StoreFiles {
  /** Makes a directory with those above it, for its owner alone. */
  makeDirectory(path: string): void;
  /** Makes an empty file for its owner alone, unless it is there. */
  makeFile(path: string): void;
  openDatabase(path: string): Database;
  /** Which file is at the path; `undefined` if there is none. */
  identity(path: string): string | undefined;
  size(path: string): number;
  /** The names in a directory. */
  list(path: string): readonly string[];
  /** Renames a file if it is there, in the place of any other. */
  rename(from: string, to: string): void;
  /** Removes a file if it is there. */
  remove(path: string): void;
  clock: StoreClock;
}

export interface StoreClock {
  /** The time of day, which people and the network change. */
  wallMillis(): number;
  /** Only counts up, within this process. */
  monotonicMillis(): number;
  /** Since the machine was started; the same for all processes. */
  upMillis(): number;
  /** Which start of the machine it is; empty where the system does not tell. */
  bootId(): string;
}

/** There is no `node:sqlite` in this process. */
export class NoSqliteError extends Error {}

const OWNER_ONLY_DIRECTORY = 0o700;
const OWNER_ONLY = 0o600;

export const systemFiles: StoreFiles = {
  makeDirectory(path) {
    fs.mkdirSync(path, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    // Each name on the way: a process before may have made it, and ended before it was on the disk.
    for (let name = resolve(path); name !== dirname(name); name = dirname(name)) syncDirectory(dirname(name));
  },
  makeFile(path) {
    // Never opened if it is there: closing a file ends all locks that this process has on it.
    try {
      fs.closeSync(fs.openSync(path, 'wx', OWNER_ONLY));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    syncDirectory(dirname(path));
  },
  openDatabase(path) {
    const sqlite = process.getBuiltinModule('node:sqlite');
    if (sqlite === undefined)
      throw new NoSqliteError(
        `this Node (${process.version}) has no node:sqlite: run Node 22.19 or newer, without --no-experimental-sqlite`,
      );
    return new sqlite.DatabaseSync(path) as Database;
  },
  identity(path) {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
  },
  size: (path) => fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0,
  list: (path) => fs.readdirSync(path),
  rename(from, to) {
    if (!fs.existsSync(from)) return;
    fs.renameSync(from, to);
    syncDirectory(dirname(to));
  },
  remove: (path) => fs.rmSync(path, { force: true }),
  clock: {
    wallMillis: () => Date.now(),
    monotonicMillis: () => performance.now(),
    upMillis: () => os.uptime() * 1_000,
    bootId() {
      try {
        return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      } catch {
        return '';
      }
    },
  },
};

/** A name in a directory is on the disk when the directory is. Some systems cannot do that, and need not. */
function syncDirectory(path: string): void {
  let directory: number | undefined;
  try {
    directory = fs.openSync(path, 'r');
    fs.fsyncSync(directory);
  } catch {
  } finally {
    if (directory !== undefined) fs.closeSync(directory);
  }
}
