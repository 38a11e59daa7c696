import { NoSqliteError } from './files.ts';
import { NewerVersionError } from './table.ts';

/** What SQLite and the system report, by what can be done about it. */
export type DiskFailure = 'busy' | 'corrupt' | 'full' | 'readOnly' | 'denied' | 'noSqlite' | 'newer' | 'other';

/** SQLite's primary result codes. */
const BY_RESULT: Readonly<Record<number, DiskFailure>> = {
  3: 'denied', // SQLITE_PERM
  5: 'busy', // SQLITE_BUSY
  6: 'busy', // SQLITE_LOCKED
  8: 'readOnly', // SQLITE_READONLY
  11: 'corrupt', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'denied', // SQLITE_CANTOPEN
  23: 'denied', // SQLITE_AUTH
  26: 'corrupt', // SQLITE_NOTADB
};

const BY_CODE: Readonly<Record<string, DiskFailure>> = {
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'readOnly',
  ENOSPC: 'full',
  EDQUOT: 'full',
};

const NEXT_STEPS: Readonly<Record<DiskFailure, string>> = {
  busy: 'end the other program that has it open',
  corrupt: 'it is set aside when it is opened again',
  full: 'free some space there, or give another directory; it is tried again',
  readOnly: 'give a directory that can be written to; it is tried again',
  denied: 'give the user of this process the right to read and write there; it is tried again',
  noSqlite: 'or give no durable sink',
  newer: 'start that version again, which sends what lies there, or give another directory',
  other: "see the system's log for the state of the disk; it is tried again",
};

export function failureOf(thrown: unknown): DiskFailure {
  if (thrown instanceof NoSqliteError) return 'noSqlite';
  if (thrown instanceof NewerVersionError) return 'newer';
  const { errcode, code } = thrown as { readonly errcode?: number; readonly code?: string };
  if (typeof errcode === 'number') return BY_RESULT[errcode & 0xff] ?? 'other';
  return BY_CODE[code ?? ''] ?? 'other';
}

/** Names the file, the reason and the next step. */
export function messageFor(path: string, thrown: unknown): string {
  const { message, errcode } = thrown as { readonly message?: string; readonly errcode?: number };
  const result = errcode === undefined ? '' : ` (SQLite ${errcode})`;
  return `${path}: ${message ?? String(thrown)}${result}: ${NEXT_STEPS[failureOf(thrown)]}`;
}
