import { join } from 'node:path';
import { failureOf } from './failures.ts';
import type { StoreFiles } from './files.ts';
import { salvage } from './salvage.ts';
import { QueueTable } from './table.ts';

export const QUEUE_FILE = 'queue.db';
export const DAMAGED_FILE = 'damaged.db';
/** What can be read of a damaged queue, until it is whole. */
const SALVAGED_FILE = 'salvaged.db';
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
  if (isCutShort(directory, files)) putInPlace(directory, files);
  try {
    return openTable(join(directory, QUEUE_FILE), files, opening.sync);
  } catch (error) {
    if (failureOf(error) !== 'corrupt') throw error;
    return setAside(directory, files, opening, (error as Error).message);
  }
}

/** Whether a queue lies there. */
export function hasQueue(directory: string, files: StoreFiles): boolean {
  return files.identity(join(directory, QUEUE_FILE)) !== undefined || isCutShort(directory, files);
}

function openTable(path: string, files: StoreFiles, sync: 'full' | 'normal'): OpenQueue {
  files.makeFile(path);
  const table = tableIn(path, files, sync);
  try {
    return { table, totals: table.totals() };
  } catch (error) {
    table.close();
    throw error;
  }
}

function tableIn(path: string, files: StoreFiles, sync: 'full' | 'normal'): QueueTable {
  const database = files.openDatabase(path);
  try {
    return new QueueTable(database, sync);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The damaged queue stays where it is until all that can be read of it lies in another file: whatever happens meanwhile, it is tried again. One damaged file is kept, the newest. */
function setAside(directory: string, files: StoreFiles, { sync, onNotice }: QueueOpening, why: string): OpenQueue {
  const { path, aside, salvaged } = pathsIn(directory);
  removeDatabase(salvaged, files);
  const { told, damagedItems } = salvageInto(salvaged, path, files);
  putInPlace(directory, files);
  onNotice(`${path} is damaged (${why}) and lies in ${aside} now; ${told}`);
  return { ...openTable(path, files, sync), damagedItems };
}

/** In this order: when the damaged queue has gone from its place, the other one is whole, and no log of the one lies beside the other. */
function putInPlace(directory: string, files: StoreFiles): void {
  const { path, aside, salvaged } = pathsIn(directory);
  if (files.identity(path) !== undefined) {
    removeDatabase(aside, files);
    files.rename(path, aside);
  }
  files.rename(path + WAL, aside + WAL);
  files.rename(salvaged, path);
}

/** The process ended while the files changed places. */
function isCutShort(directory: string, files: StoreFiles): boolean {
  const { path, salvaged } = pathsIn(directory);
  return files.identity(path) === undefined && files.identity(salvaged) !== undefined;
}

function pathsIn(directory: string): { path: string; aside: string; salvaged: string } {
  const [path, aside, salvaged] = [QUEUE_FILE, DAMAGED_FILE, SALVAGED_FILE].map((name) => join(directory, name));
  return { path, aside, salvaged } as never;
}

function removeDatabase(path: string, files: StoreFiles): void {
  files.remove(path + WAL);
  files.remove(path);
}

/** Makes a database of what can be read of another one. It is whole, and on the disk, or it is removed. */
function salvageInto(path: string, from: string, files: StoreFiles): { told: string; damagedItems: number } {
  const { table } = openTable(path, files, 'full');
  try {
    const result = salvaged(from, files, table);
    table.checkpoint();
    table.close();
    return result;
  } catch (unwritable) {
    table.close();
    removeDatabase(path, files);
    throw unwritable;
  }
}

function salvaged(path: string, files: StoreFiles, table: QueueTable): { told: string; damagedItems: number } {
  let damaged: QueueTable | undefined;
  try {
    damaged = tableIn(path, files, 'normal');
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
