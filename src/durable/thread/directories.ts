import { join } from 'node:path';
import type { StorePlan } from '../protocol.ts';
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
  for (let number = 0; number < MAX_PROCESSES; number += 1) {
    const taken = takeIfFree(files, join(directory, `process-${number}`));
    if (taken !== undefined) return taken;
  }
  throw new InUseError(`${directory} has ${MAX_PROCESSES} processes already`);
}

/** Subdirectories of processes that have ended, one at a time: the lock is let go of when the next one is asked for. */
export function* orphans(files: StoreFiles, { directory }: StorePlan, own: string): Generator<OwnDirectory> {
  for (const name of files.list(directory)) {
    const path = join(directory, name);
    const taken = SUBDIRECTORY.test(name) && path !== own ? takeIfFree(files, path) : undefined;
    if (taken === undefined) continue;
    try {
      yield taken;
    } finally {
      taken.lock.release();
    }
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
