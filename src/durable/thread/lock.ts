import { join } from 'node:path';
import { failureOf } from './failures.ts';
import type { Database, StoreFiles } from './files.ts';

const NAME = 'lock.db';

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
    files.makeFile(path);
    const database = files.openDatabase(path);
    try {
      database.exec('PRAGMA journal_mode = MEMORY; PRAGMA busy_timeout = 0');
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
