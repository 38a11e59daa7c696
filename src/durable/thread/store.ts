import { join } from 'node:path';
import type { DiskState, Dropped, StoredBatch, StorePlan, WriteEnd } from '../protocol.ts';
import type { StoreFiles } from './files.ts';
import { openQueue, QUEUE_FILE, type QueueOpening, type Totals, WAL } from './openQueue.ts';
import { StoreTime } from './storeClock.ts';
import type { QueueTable } from './table.ts';

/** A batch that is to be written. */
export interface Write {
  readonly id: number;
  readonly items: number;
  readonly body: Uint8Array;
}

/** What one transaction does. */
export interface Work {
  readonly writes: readonly Write[];
  readonly removes: readonly number[];
  /** The last row that was read: what is behind it may be dropped. */
  readonly after: number;
}

export interface StoreOpening extends Omit<QueueOpening, 'sync'> {
  /** No batch that is written gets this number or a lower one. */
  readonly lastRow: number;
}

export interface Committed {
  readonly ends: readonly { readonly id: number; readonly end: WriteEnd }[];
  readonly dropped: Dropped;
}

type Counts = { -readonly [Reason in keyof Dropped]: Dropped[Reason] };

/** Pages for the inner nodes of the trees that a batch may need. */
const SPARE_PAGES = 4;
/** A file that is larger is given back to the system when the queue is empty. */
const SHRINK_BYTES = 16 * 1024 * 1024;
/** In one transaction that drops what is too old. */
const MAX_EXPIRED_BATCHES = 1_000;

export const NO_DROPS: Dropped = Object.freeze({ queueFull: 0, expired: 0, damaged: 0 });

const WRITTEN: WriteEnd = Object.freeze({ kind: 'written' });

/** The queue in one directory, while it is open. Everything is synchronous, and throws what SQLite and the system report. */
export class Store {
  readonly directory: string;
  /** Items that were lost when it was opened, as far as that is known. */
  readonly damagedItems: number;
  readonly #files: StoreFiles;
  readonly #plan: StorePlan;
  readonly #table: QueueTable;
  readonly #time: StoreTime;
  readonly #identity: string | undefined; // of the file that is open
  #totals: Totals;
  #lastRow: number;

  /**
   * Opens the queue. If it is damaged, it is set aside and what can be read of it is copied into a new one.
   */
  constructor(directory: string, files: StoreFiles, plan: StorePlan, { lastRow, isDamaged, onNotice }: StoreOpening) {
    this.directory = directory;
    this.#files = files;
    this.#plan = plan;
    const { table, totals, damagedItems = 0 } = openQueue(directory, files, { sync: plan.sync, isDamaged, onNotice });
    this.damagedItems = damagedItems;
    this.#table = table;
    this.#totals = totals;
    try {
      this.#identity = files.identity(this.#path);
      this.#time = new StoreTime(files.clock, table.newest);
      this.#lastRow = Math.max(lastRow, table.lastRow);
      table.maxPages = Math.floor(plan.maxBytes / table.pageBytes);
    } catch (error) {
      table.close();
      throw error;
    }
  }

  /** Whether the file that is open still lies in the directory. */
  get isThere(): boolean {
    return this.#files.identity(this.#path) === this.#identity;
  }

  get disk(): DiskState {
    const { usedBytes } = this.#table;
    const fileBytes = this.#files.size(this.#path) + this.#files.size(this.#path + WAL);
    const oldest = this.#table.writtenAfter(0);
    const oldestAgeMillis = oldest === undefined ? 0 : Math.max(0, this.#time.now() - oldest.born);
    return { ...this.#totals, usedBytes, fileBytes, lastRow: this.#lastRow, oldestAgeMillis };
  }

  /** How large the bodies of one transaction may be: it has to fit into the log. */
  static readonly maxWorkBytes = 8 * 1024 * 1024;

  has(row: number): boolean {
    return this.#table.has(row);
  }

  /** All of it, or nothing if it throws. */
  commit({ writes, removes, after }: Work): Committed {
    const dropped: Counts = { ...NO_DROPS };
    const ends = this.#transaction(() => {
      for (const row of removes) this.#delete(row);
      this.#expire(after, dropped);
      return writes.map((write) => ({ id: write.id, end: this.#write(write, after, dropped) }));
    });
    this.#shrinkIfEmpty();
    return { ends, dropped };
  }

  /** What stands behind a row, up to so many bytes. What is damaged or too old is dropped on the way. */
  read(after: number, maxBytes: number): { batches: StoredBatch[]; upTo: number; dropped: Dropped } {
    const dropped: Counts = { ...NO_DROPS };
    const batches: StoredBatch[] = [];
    const gone: number[] = [];
    let upTo = after;
    for (let bytes = 0; bytes < maxBytes; ) {
      const found = this.#table.after(upTo);
      if (found === undefined) break;
      upTo = found.row;
      const ageMillis = Math.max(0, this.#time.now() - found.bornMillis);
      if (!found.isSound) dropped.damaged += found.items;
      else if (ageMillis > this.#plan.maxAgeMillis) dropped.expired += found.items;
      else {
        bytes += found.size;
        batches.push({ row: found.row, items: found.items, ageMillis, body: found.body });
        continue;
      }
      gone.push(found.row);
    }
    if (gone.length > 0) this.#transaction(() => gone.map((row) => this.#delete(row)));
    return { batches, upTo, dropped };
  }

  /** Writes batches of another queue, with their ages. Returns the first ones, as far as there is room. */
  adopt(batches: readonly StoredBatch[]): readonly StoredBatch[] {
    return this.#transaction(() => {
      const full = batches.findIndex(({ items, body, ageMillis }) => {
        if (!this.#hasRoomFor(body.length)) return true;
        this.#insert(items, body, this.#time.now() - ageMillis);
        return false;
      });
      return full < 0 ? batches : batches.slice(0, full);
    });
  }

  remove(rows: readonly number[]): void {
    if (rows.length > 0) this.#transaction(() => rows.map((row) => this.#delete(row)));
  }

  /** Throws if the disk is still full. */
  probe(): void {
    this.#transaction(() => this.#table.touch());
  }

  /** Lets the log begin anew. */
  checkpoint(): void {
    this.#table.checkpoint();
  }

  close(): void {
    this.#table.close();
  }

  get #path(): string {
    return join(this.directory, QUEUE_FILE);
  }

  #transaction<R>(work: () => R): R {
    const totals = { ...this.#totals };
    const lastRow = this.#lastRow;
    this.#table.begin();
    try {
      const result = work();
      this.#table.commit();
      return result;
    } catch (error) {
      this.#totals = totals;
      this.#lastRow = lastRow;
      try {
        this.#table.rollBack();
      } catch {
        // SQLite has done that itself.
      }
      throw error;
    }
  }

  #write({ items, body }: Write, after: number, dropped: Counts): WriteEnd {
    if (!this.#couldHold(body.length)) {
      const message = `${this.#path}: a batch of ${body.length} bytes is over maxBytes ${this.#plan.maxBytes}`;
      return { kind: 'tooLarge', message };
    }
    while (!this.#hasRoomFor(body.length)) {
      const oldest = this.#plan.overflow === 'dropOldest' ? this.#table.writtenAfter(after) : undefined;
      if (oldest === undefined)
        return { kind: 'full', message: `${this.#path}: the queue is full (maxBytes ${this.#plan.maxBytes})` };
      dropped.queueFull += this.#delete(oldest.row);
    }
    this.#insert(items, body, this.#time.now());
    return WRITTEN;
  }

  #expire(after: number, dropped: Counts): void {
    const { maxAgeMillis } = this.#plan;
    if (maxAgeMillis === Number.POSITIVE_INFINITY) return;
    const bornBefore = this.#time.now() - maxAgeMillis;
    for (let count = 0; count < MAX_EXPIRED_BATCHES; count += 1) {
      const oldest = this.#table.writtenAfter(after);
      if (oldest === undefined || oldest.born >= bornBefore) return;
      dropped.expired += this.#delete(oldest.row);
    }
  }

  #insert(items: number, body: Uint8Array, bornMillis: number): void {
    this.#lastRow += 1;
    this.#table.insert(this.#lastRow, items, body, { ...this.#time.stamp(), bornMillis });
    this.#totals.batches += 1;
    this.#totals.items += items;
    this.#totals.bodyBytes += body.length;
  }

  /** Returns how many items it had. */
  #delete(row: number): number {
    const deleted = this.#table.delete(row);
    if (deleted === undefined) return 0;
    this.#totals.batches -= 1;
    this.#totals.items -= deleted.items;
    this.#totals.bodyBytes -= deleted.size;
    return deleted.items;
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#table.usedBytes + this.#pagesFor(bytes) * this.#table.pageBytes <= this.#plan.maxBytes;
  }

  /** Whether an empty queue has room for it. */
  #couldHold(bytes: number): boolean {
    return (this.#pagesFor(bytes) + 2 * SPARE_PAGES) * this.#table.pageBytes <= this.#plan.maxBytes;
  }

  /** An upper bound. */
  #pagesFor(bytes: number): number {
    return Math.ceil(bytes / (this.#table.pageBytes - 4)) + SPARE_PAGES;
  }

  #shrinkIfEmpty(): void {
    try {
      if (this.#totals.batches > 0 || this.#table.pageCount * this.#table.pageBytes < SHRINK_BYTES) return;
      this.#table.shrink();
    } catch {
      // What was committed is to be told. The next commit tries again.
    }
  }
}
