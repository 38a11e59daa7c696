import { join } from 'node:path';
import type { StorePlan } from '../protocol.ts';
import { failureOf } from './failures.ts';
import type { StoreFiles } from './files.ts';
import { DirectoryLock, InUseError } from './lock.ts';

/** A directory that belongs to this process. */
export interface OwnDirectory {
  readonly path: string;
  readonly lock: DirectoryLock;
}

/** More processes than that have no place in one directory. */
const MAX_PROCESSES = 1_024;

/** `process-0`, `process-1`, … */
const SUBDIRECTORY = /^process-\d+$/;

/** Takes the directory or, with several processes, the first subdirectory that nobody has. */
export function takeDirectory(files: StoreFiles, { directory, processes }: StorePlan): OwnDirectory {
  if (processes === 'one') return take(files, directory);
  files.makeDirectory(directory);
  let denied: unknown; // the first one that cannot be taken
  for (let number = 0; number < MAX_PROCESSES; number += 1) {
    const path = join(directory, `process-${number}`);
    const wasThere = files.identity(path) !== undefined;
    try {
      const taken = takeIfFree(files, path);
      if (taken !== undefined) return taken;
    } catch (error) {
      if (!wasThere || !isNotOurs(error)) throw error;
      denied ??= error;
    }
  }
  throw denied ?? new InUseError(`${directory} has ${MAX_PROCESSES} processes already`);
}

/** A subdirectory of another user, or something else of that name. A full or broken disk would fail the next one, too. */
function isNotOurs(error: unknown): boolean {
  const { code = '' } = error as { readonly code?: string };
  return failureOf(error) === 'denied' || code === 'EEXIST' || code === 'ENOTDIR';
}

type OnTrouble = (path: string, error: unknown) => void;

/**
 * Subdirectories of processes that have ended, one at a time: the lock is let go of when the next one is asked for.
 *
 * @param onTrouble told of each one that cannot be looked at
 */
export function* orphans(
  files: StoreFiles,
  { directory }: StorePlan,
  own: string,
  onTrouble: OnTrouble,
): Generator<OwnDirectory> {
  for (const name of attempt(() => files.list(directory).toSorted(), directory, onTrouble) ?? []) {
    const path = join(directory, name);
    if (!SUBDIRECTORY.test(name) || path === own) continue;
    const taken = attempt(() => takeIfFree(files, path), path, onTrouble);
    if (taken === undefined) continue;
    try {
      yield taken;
    } finally {
      taken.lock.release();
    }
  }
}

function attempt<R>(work: () => R, path: string, onTrouble: OnTrouble): R | undefined {
  try {
    return work();
  } catch (error) {
    onTrouble(path, error);
    return undefined;
  }
}

function takeIfFree(files: StoreFiles, path: string): OwnDirectory | undefined {
  try {
    return take(files, path);
  } catch (error) {
    if (error instanceof InUseError) return undefined;
    throw error;
  }
}

function take(files: StoreFiles, path: string): OwnDirectory {
  files.makeDirectory(path);
  return { path, lock: DirectoryLock.take(files, path) };
}
