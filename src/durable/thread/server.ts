import { join } from 'node:path';
import type { DiskState, Dropped, FromStore, StorePlan, StoreTrouble, ToStore } from '../protocol.ts';
import { Adoption } from './adoption.ts';
import { type OwnDirectory, takeDirectory } from './directories.ts';
import { failureOf, messageFor } from './failures.ts';
import type { StoreFiles } from './files.ts';
import { InUseError } from './lock.ts';
import { QUEUE_FILE } from './openQueue.ts';
import { NO_DROPS, Store, type Write } from './store.ts';

export interface ServerParts {
  readonly plan: StorePlan;
  readonly files: StoreFiles;
  readonly send: (message: FromStore, transfer?: ArrayBuffer[]) => void;
  /** Runs work after so many milliseconds, or in the next turn. */
  readonly later: (millis: number, work: () => void) => void;
}

/** After a failure, what needs the disk is tried again after this long. */
const RETRY_MILLIS = 1_000;

/**
 * The store as its thread runs it: what has come while a transaction ran goes into the next one together (group commit), and each message is answered when that has been committed.
 */
export class StoreServer {
  readonly #parts: ServerParts;
  #own: OwnDirectory | undefined;
  #store: Store | undefined;
  #adoption: Adoption | undefined;
  #isDamaged = false; // when it was closed
  #isFull = false; // the disk was, when something was written
  #writes: Write[] = [];
  readonly #removes = new Set<number>(); // rows
  readonly #out = new Set<number>(); // rows that were read and have not been removed
  #after = 0; // the last row that was read
  #reading: number | undefined; // how many bytes are asked for
  #mustCommit = false; // although there may be nothing to write or to remove
  #isDue = false; // a turn
  #isRetryDue = false; // a turn after a failure
  #retryAtMillis = 0; // not before that
  #closing = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  receive(message: ToStore): void {
    switch (message.kind) {
      case 'open':
        this.#after = message.after;
        for (const row of message.held) this.#out.add(row);
        for (const row of message.remove) this.#remove(row);
        break;
      case 'write':
        this.#writes.push(message);
        this.#retryAtMillis = 0; // somebody waits
        break;
      case 'cancel':
        this.#cancel(message.id);
        return;
      case 'read':
        this.#after = message.after;
        this.#reading = message.maxBytes;
        break;
      case 'remove':
        for (const row of message.rows) this.#remove(row);
        break;
      case 'expire':
        this.#mustCommit = true;
        break;
      case 'close':
        this.#closing = true;
    }
    this.#arm();
  }

  #remove(row: number): void {
    this.#out.delete(row);
    this.#removes.add(row);
  }

  #cancel(id: number): void {
    const before = this.#writes.length;
    this.#writes = this.#writes.filter((write) => write.id !== id);
    if (this.#writes.length === before) return;
    this.#answer([{ id, end: { kind: 'cancelled', message: 'nobody waits for it' } }], []);
  }

  /** Does what there is to do in the next turn, after a failure not before its time. */
  #arm(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#parts.later(0, () => {
      this.#isDue = false;
      this.#turn();
    });
  }

  #turn(): void {
    const waitMillis = this.#retryAtMillis - this.#parts.files.clock.monotonicMillis();
    if (waitMillis > 0 && !this.#closing) {
      this.#armRetry(waitMillis);
      return;
    }
    try {
      this.#checkOpen();
      this.#probe();
      this.#commitAll();
      this.#read();
      if (this.#adoption !== undefined && !this.#closing) this.#adopt(this.#adoption);
    } catch (error) {
      this.#failed(error);
    }
    if (this.#closing) this.#close();
  }

  #armRetry(waitMillis: number): void {
    if (this.#isRetryDue) return;
    this.#isRetryDue = true;
    this.#parts.later(Math.ceil(waitMillis), () => {
      this.#isRetryDue = false;
      this.#turn();
    });
  }

  #checkOpen(): void {
    if (this.#store !== undefined && !this.#store.isThere) {
      this.#parts.send({ kind: 'notice', message: `${this.#store.directory} has vanished, and is made again` });
      this.#forget();
    }
    if (this.#store === undefined) this.#open();
  }

  #open(): void {
    const { plan, files, send } = this.#parts;
    this.#own ??= takeDirectory(files, plan);
    const onNotice = (message: string) => send({ kind: 'notice', message });
    const lastRow = Math.max(this.#after, ...this.#out);
    const store = new Store(this.#own.path, files, plan, { lastRow, isDamaged: this.#isDamaged, onNotice });
    this.#isDamaged = false;
    this.#isFull = false;
    this.#store = store;
    const missing = [...this.#out].filter((row) => !store.has(row));
    for (const row of missing) this.#out.delete(row);
    if (this.#removes.size > 0) this.#commit([]);
    send({ kind: 'opened', directory: store.directory, disk: store.disk, missing, damaged: store.damagedItems });
    if (plan.processes === 'several') this.#adoption = new Adoption({ files, plan, own: store, onNotice });
    if (this.#adoption !== undefined) this.#arm();
  }

  /** Tells that the disk has room again, although there may be nothing to write. */
  #probe(): void {
    if (!this.#isFull) return;
    this.#store?.probe();
    this.#isFull = false;
    this.#mustCommit = true;
  }

  #commitAll(): void {
    let isFirst = this.#mustCommit || this.#removes.size > 0;
    while (isFirst || this.#writes.length > 0) {
      isFirst = false;
      this.#commit(this.#group());
      this.#mustCommit = false;
    }
  }

  /** As many writes as one transaction may have, one at least. They stay in the list until they have been written. */
  #group(): Write[] {
    let bytes = 0;
    const end = this.#writes.findIndex(({ body }, index) => {
      bytes += body.length;
      return index > 0 && bytes > Store.maxWorkBytes;
    });
    return end < 0 ? [...this.#writes] : this.#writes.slice(0, end);
  }

  #commit(writes: readonly Write[]): void {
    const removes = [...this.#removes];
    const { ends, dropped } = (this.#store as Store).commit({ writes, removes, after: this.#after });
    this.#writes.splice(0, writes.length);
    this.#removes.clear();
    this.#answer(ends, removes, { dropped });
  }

  #answer(
    writes: Extract<FromStore, { kind: 'committed' }>['writes'],
    removed: readonly number[],
    { dropped = NO_DROPS, adopted = 0 }: { dropped?: Dropped; adopted?: number } = {},
  ): void {
    const disk = this.#diskNow();
    this.#parts.send({ kind: 'committed', writes, removed, adopted, dropped, disk });
  }

  /** What was done has to be told, whether the disk can be looked at or not. */
  #diskNow(): DiskState | undefined {
    try {
      return this.#store?.disk;
    } catch {
      return undefined;
    }
  }

  #read(): void {
    if (this.#reading === undefined || this.#store === undefined) return;
    const { batches, upTo, dropped } = this.#store.read(this.#after, this.#reading);
    this.#reading = undefined;
    this.#after = upTo;
    for (const { row } of batches) this.#out.add(row);
    const transfer = batches.map(({ body }) => body.buffer as ArrayBuffer);
    this.#parts.send({ kind: 'batches', batches, upTo, dropped, disk: this.#diskNow() }, transfer);
  }

  #adopt(adoption: Adoption): void {
    const adopted = adoption.next();
    if (adopted === undefined) this.#adoption = undefined;
    else if (adopted.adopted > 0) this.#answer([], [], adopted);
    if (adopted !== undefined) this.#arm();
  }

  /** Nothing that waits is kept: whoever sent it tries again. What is to be removed is. */
  #failed(error: unknown): void {
    const { plan, send, files } = this.#parts;
    const trouble = troubleOf(error);
    const path = join(this.#own?.path ?? plan.directory, QUEUE_FILE);
    const message = trouble === 'inUse' ? inUseMessage(error as Error, plan) : messageFor(path, error);
    const writes = this.#writes.map(({ id }) => ({ id, end: { kind: 'failed', message } as const }));
    this.#writes = [];
    if (writes.length > 0) this.#answer(writes, []);
    send({ kind: 'trouble', trouble, message });
    this.#recover(failureOf(error));
    this.#retryAtMillis = files.clock.monotonicMillis() + RETRY_MILLIS;
    if (trouble !== 'noSqlite' && !this.#closing) this.#armRetry(RETRY_MILLIS);
  }

  /** A full disk may have room for what is removed, once the log begins anew. After anything else the file is opened again. */
  #recover(failure: ReturnType<typeof failureOf>): void {
    if (failure === 'full' && this.#store !== undefined) {
      try {
        this.#store.checkpoint();
        this.#isFull = true;
        return;
      } catch {}
    }
    // Without a directory it is the lock that cannot be read, and not the queue.
    if (failure === 'corrupt' && this.#own !== undefined) this.#isDamaged = true;
    this.#closeStore();
  }

  #closeStore(): void {
    this.#adoption?.end();
    this.#adoption = undefined;
    try {
      this.#store?.close();
    } catch {}
    this.#store = undefined;
  }

  /** The directory is not ours any more. */
  #forget(): void {
    this.#closeStore();
    try {
      this.#own?.lock.release();
    } catch {}
    this.#own = undefined;
    this.#isDamaged = false;
  }

  #close(): void {
    this.#forget();
    this.#parts.send({ kind: 'closed' });
  }
}

function troubleOf(error: unknown): StoreTrouble {
  if (error instanceof InUseError) return 'inUse';
  return failureOf(error) === 'noSqlite' ? 'noSqlite' : 'failed';
}

function inUseMessage({ message }: Error, { processes }: StorePlan): string {
  const step = processes === 'one' ? ", or say processes: 'several' for the processes of a cluster" : '';
  return `${message}: give each program a directory of its own${step}; it is taken over when that one ends`;
}
