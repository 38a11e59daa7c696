import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeTraces } from '../../src/otlp/index.ts';
import { batchNameOf, faultOf } from './batches.ts';

/** The batches on a disk, read from a copy with no code of `src/durable`. It throws where the database is not as SQLite leaves it. */
export function batchesOnDisk(directory: string): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-crash-copy-'));
  try {
    if (!existsSync(join(directory, 'queue.db'))) return new Set();
    if (existsSync(join(directory, 'damaged.db'))) throw new Error(`${directory} was set aside as damaged`);
    cpSync(directory, folder, { recursive: true });
    return namesIn(join(folder, 'queue.db'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function namesIn(path: string): Set<string> {
  const database = new DatabaseSync(path);
  try {
    const check = Object.values(database.prepare('PRAGMA integrity_check').get() ?? {})[0];
    if (check !== 'ok') throw new Error(`${path}: ${check}`);
    // A process that was killed while it opened the file has made no table.
    if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'queue'").get() === undefined) return new Set();
    return new Set(database.prepare('SELECT body FROM queue').all().map(nameIn));
  } finally {
    database.close();
  }
}

function nameIn(row: Record<string, unknown>): string {
  const items = decodeTraces(row.body as Uint8Array);
  const fault = faultOf(items);
  if (fault !== undefined) throw new Error(fault);
  return batchNameOf(items);
}
