import { join } from 'node:path';
import { failureOf } from './failures.ts';
import type { Database, StoreFiles } from './files.ts';

const NAME = 'lock.db';
const DAMAGED = 'damagedLock.db';

/** The directory belongs to another process. */
export class InUseError extends Error {}

/**
 * The claim of one process on a directory: a lock on a file, which the system lets go of when the process ends, however that is. So the number of a process that has ended, and that another one has now, locks nothing.
 *
 * It is a reserved lock of SQLite: others can read who has it, and not take it.
 */
export class DirectoryLock {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** @throws InUseError if another one has it */
  static take(files: StoreFiles, directory: string): DirectoryLock {
    const path = join(directory, NAME);
    try {
      return DirectoryLock.#takeFile(files, directory, path);
    } catch (error) {
      if (failureOf(error) !== 'corrupt') throw error;
      // Should somebody have a lock on it nevertheless: the queue has one of its own, and cannot be opened twice.
      files.rename(path, join(directory, DAMAGED));
      return DirectoryLock.#takeFile(files, directory, path);
    }
  }

  static #takeFile(files: StoreFiles, directory: string, path: string): DirectoryLock {
    files.makeFile(path);
    const database = files.openDatabase(path);
    try {
      // Whenever the process ends or the power goes while this is written, the next one can read it.
      database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 0');
      database.exec('CREATE TABLE IF NOT EXISTS owner (pid INTEGER NOT NULL)');
      database.exec(`BEGIN IMMEDIATE; DELETE FROM owner; INSERT INTO owner VALUES (${process.pid}); COMMIT`);
      database.exec('BEGIN IMMEDIATE');
      return new DirectoryLock(database);
    } catch (error) {
      const owner = failureOf(error) === 'busy' ? ownerIn(database) : undefined;
      database.close();
      throw owner === undefined ? error : new InUseError(`${directory} is in use by ${owner}`, { cause: error });
    }
  }

  release(): void {
    this.#database.close();
  }
}

function ownerIn(database: Database): string {
  try {
    const pid = database.prepare('SELECT pid FROM owner').get()?.pid;
    return pid === process.pid ? 'another sink of this process' : `process ${pid ?? 'unknown'}`;
  } catch {
    return 'another process';
  }
}
