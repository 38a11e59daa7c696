import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Deed } from './journal.ts';

type Change = Extract<Deed, { kind: 'write' | 'truncate' }>;
type Naming = Extract<Deed, { kind: 'create' | 'rename' | 'unlink' | 'makeDirectory' }>;

/** What becomes of what was not synced. `none`: nothing of it is there · `all`: everything · `prefix`: what came first · `some`: any part of it, in any order · `torn`: likewise, and of each write some sectors. */
export const LOSSES = ['none', 'all', 'prefix', 'some', 'torn'] as const;
export type Losing = (typeof LOSSES)[number];

/** A disk writes a sector whole, or not. */
const SECTOR_BYTES = 512;

interface File {
  bytes: Buffer;
  length: number;
  /** What was done since the last sync. */
  pending: Change[];
}

/** A name leads to a file or, if there is none, to a directory. */
type Names = Map<string, File | undefined>;

/**
 * A disk with what is on it for sure, and what was done since the last sync. Names are on it when their directory is, and not with their file: POSIX promises no more.
 */
export class Disk {
  readonly #root: string;
  readonly #files = new Map<number, File>(); // by inode
  readonly #names: Names = new Map(); // as they are on the disk for sure
  readonly #live: Names = new Map(); // as the process sees them
  #namings: Naming[] = []; // not synced
  readonly #created = new Map<Naming, File>();

  /** With all that lies in a directory, which is on the disk. */
  constructor(root: string) {
    this.#root = root;
    for (const name of readdirSync(root, { recursive: true }) as string[]) {
      const path = join(root, name);
      const stat = statSync(path);
      const file = stat.isDirectory() ? undefined : fileOf(readFileSync(path));
      if (file !== undefined) this.#files.set(stat.ino, file);
      this.#names.set(path, file);
      this.#live.set(path, file);
    }
  }

  apply(deed: Deed): void {
    switch (deed.kind) {
      case 'write':
      case 'truncate':
        this.#files.get(deed.inode)?.pending.push(deed);
        return;
      case 'sync': {
        const file = this.#files.get(deed.inode);
        if (file === undefined) return;
        for (const change of file.pending) alter(file, change);
        file.pending = [];
        return;
      }
      case 'syncDirectory':
        this.#namings = this.#namings.filter((naming) => {
          if (dirname(naming.path) !== deed.path) return true;
          this.#rename(this.#names, naming);
          return false;
        });
        return;
      case 'told':
        return;
      default:
        if (deed.kind === 'create') {
          const file = fileOf(Buffer.alloc(0));
          this.#files.set(deed.inode, file);
          this.#created.set(deed, file);
        }
        this.#namings.push(deed);
        this.#rename(this.#live, deed);
    }
  }

  /** How much is not synced. */
  get unsynced(): number {
    return [...this.#files.values()].reduce((sum, { pending }) => sum + pending.length, this.#namings.length);
  }

  /** The power goes: what is left is written into another directory. */
  writeTo(target: string, losing: Losing, random: () => number): void {
    const names: Names = new Map(this.#names);
    for (const naming of kept(this.#namings, losing, random)) this.#rename(names, naming);
    const paths = [...names.keys()].toSorted();
    for (const path of paths) {
      if (path !== this.#root && !this.#isReached(path, names)) continue;
      const file = names.get(path);
      const place = join(target, relative(this.#root, path));
      if (file === undefined) mkdirSync(place, { recursive: true, mode: 0o700 });
      else writeFileSync(place, left(file, losing, random), { mode: 0o600 });
    }
  }

  #isReached(path: string, names: Names): boolean {
    const above = dirname(path);
    return above === this.#root || (names.has(above) && this.#isReached(above, names));
  }

  #rename(names: Names, naming: Naming): void {
    if (naming.kind === 'create') names.set(naming.path, this.#created.get(naming));
    else if (naming.kind === 'makeDirectory') names.set(naming.path, undefined);
    else if (naming.kind === 'unlink') names.delete(naming.path);
    else if (names.has(naming.path)) {
      names.set(naming.to, names.get(naming.path));
      names.delete(naming.path);
    }
  }
}

/** What is on the disk of what was not synced. Names keep their order: it says which file a name leads to. */
function kept<T extends object>(changes: readonly T[], losing: Losing, random: () => number): T[] {
  if (losing === 'none') return [];
  if (losing === 'all') return [...changes];
  if (losing === 'prefix') return changes.slice(0, Math.floor(random() * (changes.length + 1)));
  return changes.filter(() => random() < 0.5);
}

function left(file: File, losing: Losing, random: () => number): Buffer {
  const result = { ...file, bytes: Buffer.from(file.bytes) };
  const changes = kept(file.pending, losing, random);
  if (losing === 'some' || losing === 'torn') shuffle(changes, random);
  for (const change of changes)
    if (losing !== 'torn' || change.kind === 'truncate') alter(result, change);
    else tear(result, change, random);
  return result.bytes.subarray(0, result.length);
}

function tear(file: File, { data, offset, ...rest }: Extract<Change, { kind: 'write' }>, random: () => number): void {
  for (let at = 0; at < data.length; ) {
    const end = Math.min(data.length, at + SECTOR_BYTES - ((offset + at) % SECTOR_BYTES));
    if (random() < 0.7) alter(file, { ...rest, offset: offset + at, data: data.subarray(at, end) });
    at = end;
  }
}

function alter(file: File, change: Change): void {
  if (change.kind === 'truncate') {
    grow(file, change.length);
    file.bytes.fill(0, change.length);
    file.length = change.length;
    return;
  }
  const end = change.offset + change.data.length;
  grow(file, end);
  change.data.copy(file.bytes, change.offset);
  file.length = Math.max(file.length, end);
}

/** What lies between the old end and the new one is zeros. */
function grow(file: File, length: number): void {
  if (file.bytes.length >= length) return;
  const bytes = Buffer.alloc(Math.max(length, 2 * file.bytes.length));
  file.bytes.copy(bytes);
  file.bytes = bytes;
}

function fileOf(bytes: Buffer): File {
  return { bytes, length: bytes.length, pending: [] };
}

function shuffle(values: unknown[], random: () => number): void {
  for (let index = values.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [values[index], values[other]] = [values[other], values[index]];
  }
}
