import { join } from 'node:path';
import { failureOf } from './failures.ts';
import type { StoreFiles } from './files.ts';
import { salvage } from './salvage.ts';
import { QueueTable } from './table.ts';

export const QUEUE_FILE = 'queue.db';
export const DAMAGED_FILE = 'damaged.db';
/** The write-ahead log of a database is beside it. */
export const WAL = '-wal';

export interface Totals {
  batches: number;
  items: number;
  bodyBytes: number;
}

/** A queue that has been opened. */
export interface OpenQueue {
  readonly table: QueueTable;
  readonly totals: Totals;
  /** Items that were lost by that, as far as it is known. Left out: none. */
  readonly damagedItems?: number;
}

export interface QueueOpening {
  readonly sync: 'full' | 'normal';
  /** It is known that it is damaged. */
  readonly isDamaged: boolean;
  readonly onNotice: (message: string) => void;
}

/** Opens the queue in a directory. A damaged one is set aside, and what can be read of it is copied into a new one. */
export function openQueue(directory: string, files: StoreFiles, opening: QueueOpening): OpenQueue {
  if (opening.isDamaged) return setAside(directory, files, opening, 'a page cannot be read');
  try {
    return openTable(join(directory, QUEUE_FILE), files, opening.sync);
  } catch (error) {
    if (failureOf(error) !== 'corrupt') throw error;
    return setAside(directory, files, opening, (error as Error).message);
  }
}

function openTable(path: string, files: StoreFiles, sync: 'full' | 'normal'): OpenQueue {
  files.makeFile(path);
  const database = files.openDatabase(path);
  try {
    const table = new QueueTable(database, sync);
    return { table, totals: table.totals() };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** One damaged file is kept: the newest. */
function setAside(directory: string, files: StoreFiles, { sync, onNotice }: QueueOpening, why: string): OpenQueue {
  const [path, aside] = [join(directory, QUEUE_FILE), join(directory, DAMAGED_FILE)];
  files.rename(path + WAL, aside + WAL);
  files.rename(path, aside);
  const { table } = openTable(path, files, sync);
  try {
    const { told, damagedItems } = salvaged(aside, files, table);
    onNotice(`${path} is damaged (${why}) and lies in ${aside} now; ${told}`);
    return { table, totals: table.totals(), damagedItems };
  } catch (unwritable) {
    table.close();
    throw unwritable;
  }
}

function salvaged(path: string, files: StoreFiles, table: QueueTable): { told: string; damagedItems: number } {
  let damaged: QueueTable | undefined;
  try {
    damaged = new QueueTable(files.openDatabase(path), 'normal');
    const { batches, items } = salvage(damaged, table);
    const damagedItems = Math.max(0, itemsIn(damaged) - items);
    const lost = damagedItems === 0 ? '' : `, and ${damagedItems} items cannot be read`;
    return { told: `${batches} batches of ${items} items were read from it and are sent${lost}`, damagedItems };
  } catch (unreadable) {
    if (failureOf(unreadable) !== 'corrupt') throw unreadable;
    return { told: 'nothing of it can be read', damagedItems: 0 };
  } finally {
    damaged?.close();
  }
}

/** How many items there were, if the index can be read. */
function itemsIn(damaged: QueueTable): number {
  try {
    return damaged.totals().items;
  } catch {
    return 0;
  }
}
