import { crc32 } from 'node:zlib';
import type { Database, Row, Statement } from './files.ts';
import type { Written } from './storeClock.ts';

/** A batch in the table. Times are those of its writing. */
export interface TableRow extends Written {
  readonly row: number;
  readonly items: number;
  readonly size: number;
  readonly body: Uint8Array;
  /** Whether the bytes are what was written. */
  readonly isSound: boolean;
}

/** What remains of a row that was deleted. */
export interface Deleted {
  readonly items: number;
  readonly size: number;
}

const VERSION = 1;

/** Rows of one body, whose small columns come first: they can be read without the pages of the body. The index holds all that is summed up at the start. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS queue (
    row INTEGER PRIMARY KEY, born INTEGER NOT NULL, at INTEGER NOT NULL, items INTEGER NOT NULL, size INTEGER NOT NULL,
    wall INTEGER NOT NULL, up INTEGER NOT NULL, boot TEXT NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS sizes ON queue (row, born, items, size);
  PRAGMA user_version = ${VERSION};
`;

const COLUMNS = 'row, born, at, items, size, wall, up, boot, sum, body';

/** A database that a newer version of this package has made. */
export class NewerVersionError extends Error {}

/** The queue in its database: single statements, and nothing about what they mean. */
export class QueueTable {
  readonly pageBytes: number;
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  /** @param sync `full`: what was committed is on the disk · `normal`: the system has it */
  constructor(database: Database, sync: 'full' | 'normal') {
    this.#database = database;
    // Without another process there needs to be no shared memory, and no file for it.
    database.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 0`);
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${sync}; PRAGMA temp_store = MEMORY`);
    const version = this.#number('PRAGMA user_version');
    if (version > VERSION) throw new NewerVersionError(`the database has version ${version}: a newer spanflow made it`);
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
    this.pageBytes = this.#number('PRAGMA page_size');
  }

  set maxPages(pages: number) {
    this.#database.exec(`PRAGMA max_page_count = ${Math.max(pages, this.#number('PRAGMA page_count'))}`);
  }

  begin(): void {
    this.#database.exec('BEGIN IMMEDIATE');
  }

  commit(): void {
    this.#database.exec('COMMIT');
  }

  rollBack(): void {
    this.#database.exec('ROLLBACK');
  }

  totals(): { batches: number; items: number; bodyBytes: number } {
    const sums = 'count(*) AS batches, coalesce(sum(items), 0) AS items, coalesce(sum(size), 0) AS bodyBytes';
    return this.#get(`SELECT ${sums} FROM queue INDEXED BY sizes`) as never;
  }

  get lastRow(): number {
    return this.#number('SELECT coalesce(max(row), 0) FROM queue');
  }

  get newest(): Written | undefined {
    const row = this.#get('SELECT born, at, wall, up, boot FROM queue ORDER BY row DESC LIMIT 1');
    return row && writtenIn(row);
  }

  /** The first one behind a row. */
  after(row: number): TableRow | undefined {
    const found = this.#get(`SELECT ${COLUMNS} FROM queue NOT INDEXED WHERE row > ? ORDER BY row LIMIT 1`, row);
    return found && tableRow(found);
  }

  /** The last one in front of a row. */
  before(row: number): TableRow | undefined {
    const found = this.#get(`SELECT ${COLUMNS} FROM queue NOT INDEXED WHERE row < ? ORDER BY row DESC LIMIT 1`, row);
    return found && tableRow(found);
  }

  /** When the first one behind a row was written. */
  writtenAfter(row: number): { readonly row: number; readonly born: number } | undefined {
    const sql = 'SELECT row, born FROM queue INDEXED BY sizes WHERE row > ? ORDER BY row LIMIT 1';
    return this.#get(sql, row) as never;
  }

  has(row: number): boolean {
    return this.#get('SELECT 1 FROM queue WHERE row = ?', row) !== undefined;
  }

  insert(row: number, items: number, body: Uint8Array, written: Written): void {
    const { bornMillis, atMillis, wallMillis, upMillis, boot } = written;
    const values = [row, bornMillis, atMillis, items, body.length, wallMillis, upMillis, boot, crc32(body), body];
    this.#statement(`INSERT INTO queue (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(...values);
  }

  delete(row: number): Deleted | undefined {
    return this.#get('DELETE FROM queue WHERE row = ? RETURNING items, size', row) as Deleted | undefined;
  }

  /** Writes a page that is as it was. */
  touch(): void {
    this.#database.exec(`PRAGMA user_version = ${VERSION}`);
  }

  get usedBytes(): number {
    return (this.#number('PRAGMA page_count') - this.#number('PRAGMA freelist_count')) * this.pageBytes;
  }

  get pageCount(): number {
    return this.#number('PRAGMA page_count');
  }

  /** Writes the log into the database, so that it begins anew; gives pages back to the system if all are free. */
  checkpoint(): void {
    this.#get('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /** Gives the free pages back to the system: to be called when there is next to nothing in the table. */
  shrink(): void {
    this.#database.exec('VACUUM');
    this.checkpoint();
  }

  close(): void {
    this.#database.close();
  }

  #number(sql: string): number {
    return Object.values(this.#get(sql) ?? {})[0] as number;
  }

  #get(sql: string, ...values: readonly number[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function writtenIn({ born, at, wall, up, boot }: Row): Written {
  return {
    bornMillis: Number(born),
    atMillis: Number(at),
    wallMillis: Number(wall),
    upMillis: Number(up),
    boot: String(boot),
  };
}

/** Its buffer is moved to another thread, and must hold nothing else. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

function tableRow(found: Row): TableRow {
  const { row, items, size, sum, body } = found;
  const bytes = body instanceof Uint8Array ? owned(body) : new Uint8Array();
  const isSound = bytes.length === size && crc32(bytes) === sum;
  return { ...writtenIn(found), row: Number(row), items: Number(items), size: Number(size), body: bytes, isSound };
}
