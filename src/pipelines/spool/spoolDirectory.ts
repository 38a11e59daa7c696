import type { SignalName } from '../../model/signal.ts';
import { type SpoolName, spoolName, wayOf } from './names.ts';
import { isGone, thisOwner } from './owner.ts';

/** An owner touches what it sends this often. */
export const TOUCH_MILLIS = 10_000;
/** What has not been touched for so long is given up by its owner: a thread that was terminated, a process of another machine that is gone. */
export const STALE_MILLIS = 60_000;

/** A file that was taken: its name says that it is ours. */
export interface TakenFile {
  readonly path: string;
  /** What it is called when it is nobody's. */
  readonly freePath: string;
  readonly writtenAtMillis: number;
}

/** What there is to be taken. */
export interface Taking {
  /** The oldest file, if there is one. */
  readonly file: TakenFile | undefined;
  /** Whether others send, or write, files of the same way: they may leave some behind. */
  readonly isShared: boolean;
}

/** The spooled files of one signal and route in a directory that several processes may share. */
export class SpoolDirectory {
  readonly #path: string;
  readonly #signal: SignalName;
  readonly #way: string;
  readonly #skipped = new Set<string>(); // paths that failed, and are left to the next start

  constructor(path: string, signal: SignalName, route: string | undefined) {
    this.#path = path;
    this.#signal = signal;
    this.#way = wayOf(route);
  }

  /**
   * Takes the oldest file that is nobody's, or whose owner is gone. Of several who want it, one gets it.
   *
   * @param isWanted asked before a file is taken: once it is not, none is
   */
  async take(isWanted: () => boolean = () => true): Promise<Taking> {
    const { rename } = process.getBuiltinModule('node:fs').promises;
    let isShared = false;
    for (const name of await this.#names()) {
      const isFree = name.owner === undefined || isGone(name.owner) || (await this.#isStale(name));
      if (!isFree) isShared = true;
      if (!isFree) continue;
      if (!isWanted()) break;
      const file = this.#taken(name);
      const isOurs = await rename(this.#at(fullName(name)), file.path).then(
        () => true,
        () => false, // another one was faster, and may leave it behind
      );
      if (!isOurs) isShared = true;
      if (!isOurs) continue;
      await touch(file);
      return { file, isShared };
    }
    return { file: undefined, isShared };
  }

  /** It is not taken again. */
  skip({ freePath }: TakenFile): void {
    this.#skipped.add(freePath);
  }

  /** In the order in which they were written. */
  async #names(): Promise<readonly SpoolName[]> {
    const names = await process
      .getBuiltinModule('node:fs')
      .promises.readdir(this.#path)
      .catch((): string[] => []);
    return names
      .flatMap((name) => spoolName(name) ?? [])
      .filter(({ signal, way }) => signal === this.#signal && way === this.#way)
      .filter(({ base }) => !this.#skipped.has(this.#at(base)))
      .toSorted((one, other) => one.writtenAtMillis - other.writtenAtMillis || (one.base < other.base ? -1 : 1));
  }

  async #isStale(name: SpoolName): Promise<boolean> {
    const found = await process
      .getBuiltinModule('node:fs')
      .promises.stat(this.#at(fullName(name)))
      .catch(() => undefined);
    // A clock that was set back makes it lie ahead.
    return found !== undefined && Math.abs(Date.now() - found.mtimeMs) > STALE_MILLIS;
  }

  #taken(name: SpoolName): TakenFile {
    const freePath = this.#at(name.base);
    return { path: `${freePath}.${thisOwner()}`, freePath, writtenAtMillis: name.writtenAtMillis };
  }

  #at(name: string): string {
    return process.getBuiltinModule('node:path').join(this.#path, name);
  }
}

/** Its owner is still there. */
export async function touch({ path }: TakenFile): Promise<void> {
  const now = new Date();
  await process
    .getBuiltinModule('node:fs')
    .promises.utimes(path, now, now)
    .catch(() => {}); // it was taken from us, or is gone
}

/** Gives it back, synchronously: the process may be ending. */
export function giveBack({ path, freePath }: TakenFile): void {
  try {
    process.getBuiltinModule('node:fs').renameSync(path, freePath);
  } catch {
    // Whoever comes next sees that its owner is gone.
  }
}

function fullName({ base, owner }: SpoolName): string {
  return owner === undefined ? base : `${base}.${owner}`;
}
