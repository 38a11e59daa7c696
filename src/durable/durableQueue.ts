import { Subscription } from 'rxjs';
import { after, keepingAlive } from '../internal/timers.ts';
import { withinTime } from '../internal/withinTime.ts';
import { messageOf, SpanflowError } from '../model/errors.ts';
import type { Sink } from '../model/sink.ts';
import type { DurableStats } from './api.ts';
import { DurableBooks } from './books.ts';
import type { DurableSettings } from './options.ts';
import type { DiskState, FromStore, StorePlan, ToStore } from './protocol.ts';
import { Sending } from './sending.ts';
import type { StartStore, StoreLink } from './storeLink.ts';
import { Writing } from './writing.ts';

const NOTHING: DiskState = Object.freeze({
  ...{ batches: 0, items: 0, bodyBytes: 0 },
  ...{ usedBytes: 0, fileBytes: 0, lastRow: 0, oldestAgeMillis: 0 },
});

/** In one message of the store, in bytes of bodies. */
const READ_BYTES = 1024 * 1024;
/** A thread that ended before it had done anything is started again after this long. */
const RESTART_MILLIS = 1_000;
/** How long the store may take to write what is left and close its files. */
const CLOSING_MILLIS = 1_000;
/** What is too old is looked for so often, or ten times in `maxAgeMillis`, while something is on disk. */
const EXPIRY_MILLIS = 60_000;

type Message<Kind extends FromStore['kind']> = Extract<FromStore, { kind: Kind }>;

/** A flush that waits for what was on disk. */
interface Flush {
  readonly upTo: number;
  readonly resolve: () => void;
}

/** The queue as the program sees it: between those who export, the thread with the disk, and the sending. */
export class DurableQueue<T> {
  readonly books: DurableBooks<T>;
  readonly writing: Writing<T>;
  readonly #settings: DurableSettings<T>;
  readonly #sink: Sink<T>;
  readonly #start: StartStore;
  readonly #sending: Sending<T>;
  readonly #removing = new Map<number, number>(); // rows that have ended, and may still be on disk, and their items there
  readonly #flushes = new Set<Flush>();
  readonly #timers = new Subscription();
  #opening = Promise.withResolvers<void>();
  #link: StoreLink | undefined;
  #state: DurableStats['disk']['state'] = 'opening';
  #trouble: string | undefined;
  #directory: string;
  #disk = NOTHING;
  #cursor = 0; // the last row that was read
  #isReading = false;
  #hasMore = false; // there may be rows behind the cursor
  #hasAnswered = false; // the present thread
  #expiry: Subscription | undefined;
  #isBusy = false;
  #closed: (() => void) | undefined; // told when the store has closed
  #shutdown: Promise<void> | undefined;

  constructor(sink: Sink<T>, settings: DurableSettings<T>, start: StartStore) {
    this.#settings = settings;
    this.#sink = sink;
    this.#start = start;
    this.#directory = settings.directory;
    this.books = new DurableBooks(settings);
    const { books } = this;
    this.writing = new Writing({
      ...{ settings, books },
      hasStore: () => this.#link !== undefined,
      post: (message, transfer) => this.#post(message, transfer),
      onBusy: (isBusy) => this.#busy(isBusy),
    });
    this.#sending = new Sending({ sink, settings, books, onEnded: (row, items) => this.#ended(row, items) });
    this.#opening.promise.catch(() => {}); // somebody may ask later
    this.#open();
  }

  /** Resolves when the directory is ours and open; rejects if it cannot be opened now. */
  opened(): Promise<void> {
    return this.#opening.promise;
  }

  stats(): DurableStats {
    const { lastRow: _, ...onDisk } = this.#disk;
    const disk = {
      ...{ state: this.#state, directory: this.#directory, ...onDisk },
      attemptsInFlight: this.#sending.attemptsInFlight,
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
    };
    return { ...this.books.ledger.stats(), disk };
  }

  async flush(): Promise<void> {
    await this.writing.idle();
    if (this.#settings.flush === 'onDisk' || this.#isEmpty || this.#shutdown !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flushes.add({ upTo: this.#disk.lastRow, resolve });
    this.#checkFlushes();
    await promise;
    await this.#sink.forceFlush?.();
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= this.#end();
    return this.#shutdown;
  }

  async #end(): Promise<void> {
    const { scheduler, shutdownGraceMillis } = this.#settings;
    const within = (millis: number, work: () => Promise<void>) =>
      withinTime<void>(
        (onLate) => keepingAlive(scheduler, millis, onLate),
        work,
        () => {},
      );
    this.writing.close();
    await within(shutdownGraceMillis, () => this.#sending.pause());
    this.#sending.stop();
    await within(CLOSING_MILLIS, () => this.#closeStore());
    this.#timers.unsubscribe();
    this.writing.lost('it was shut down');
    await this.#link?.end();
    this.#link = undefined;
    this.#state = 'closed';
    this.#opening.reject(new SpanflowError('CLOSED', 'durable: it was shut down before it was open'));
    for (const { resolve } of this.#flushes) resolve();
    this.books.warnings.close();
    this.books.ledger.close();
    await this.#sink.shutdown?.();
  }

  #closeStore(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = resolve;
    if (this.#link === undefined) resolve();
    else this.#post({ kind: 'close' });
    return promise;
  }

  #open(): void {
    const { directory, processes, sync, maxBytes, maxAgeMillis, overflow } = this.#settings;
    const plan: StorePlan = { directory, processes, sync, maxBytes, maxAgeMillis, overflow };
    this.#hasAnswered = false;
    this.#isReading = false;
    const link = this.#start(plan, {
      onMessage: (message) => {
        if (link === this.#link) this.#received(message);
      },
      onCrash: ({ kind, error }) => {
        if (link === this.#link) this.#crashed(kind, error);
      },
    });
    this.#link = link;
    if (this.#isBusy) link.hold();
    link.post({ kind: 'open', after: this.#cursor, held: this.#sending.rows, remove: [...this.#removing.keys()] });
  }

  #post(message: ToStore, transfer?: ArrayBuffer[]): void {
    this.#link?.post(message, transfer);
  }

  #busy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    if (isBusy) this.#link?.hold();
    else this.#link?.release();
  }

  #received(message: FromStore): void {
    this.#hasAnswered = true;
    if (message.kind === 'opened') this.#isOpen(message);
    else if (message.kind === 'committed') this.#committed(message);
    else if (message.kind === 'batches') this.#read(message);
    else if (message.kind === 'trouble') this.#isTroubled(message);
    else if (message.kind === 'notice') this.books.warnings.trouble(message.message);
    else this.#closed?.();
    this.#checkFlushes();
    this.#readMore();
    this.#armExpiry();
  }

  #isOpen({ directory, disk, missing, damaged }: Message<'opened'>): void {
    this.#state = 'open';
    this.#trouble = undefined;
    this.#directory = directory;
    this.#disk = disk;
    this.#hasMore = true; // a read that was not answered before is answered now
    this.#sending.missing(missing);
    // It looked before it was told of these.
    const ended = [...this.#removing].reduce((sum, [row, items]) => sum + (missing.includes(row) ? 0 : items), 0);
    this.books.found(Math.max(0, disk.items - ended), this.#sending.itemsElsewhere, damaged);
    this.#opening.resolve();
  }

  #committed({ writes, removed, adopted, dropped, disk }: Message<'committed'>): void {
    this.#disk = disk ?? this.#disk;
    for (const row of removed) this.#removing.delete(row);
    for (const { id, end } of writes) {
      if (end.kind === 'written') this.#hasMore = true;
      this.writing.ended(id, end);
    }
    if (adopted > 0) {
      this.#hasMore = true;
      this.books.account.figure('recovered', adopted);
      this.books.accepted(adopted);
    }
    this.books.dropped(dropped);
    if (disk === undefined) return;
    this.#trouble = undefined;
    this.#state = 'open';
    this.#opening.resolve();
  }

  #read({ batches, upTo, dropped, disk }: Message<'batches'>): void {
    this.#disk = disk ?? this.#disk;
    this.#isReading = false;
    this.#hasMore = upTo > this.#cursor;
    this.#cursor = upTo;
    this.books.dropped(dropped);
    this.#sending.add(batches);
  }

  #isTroubled({ trouble, message }: Message<'trouble'>): void {
    this.#state = trouble === 'inUse' ? 'inUse' : 'failing';
    this.#trouble = message;
    this.books.warnings.trouble(message);
    const code = trouble === 'inUse' ? 'DIRECTORY_IN_USE' : 'DISK_FAILED';
    this.#opening.reject(new SpanflowError(code, `durable: ${message}`));
    this.#opening = Promise.withResolvers();
    this.#opening.promise.catch(() => {});
  }

  #crashed(kind: string, error: unknown): void {
    const why = `its thread ended (${kind}${error === undefined ? '' : `: ${messageOf(error)}`})`;
    this.#link = undefined;
    this.#state = 'failing';
    this.#trouble = why;
    this.books.warnings.trouble(`${why}, and is started again`);
    this.writing.lost(why);
    this.#closed?.();
    if (this.#shutdown !== undefined) return;
    const restart = () => this.#open();
    this.#timers.add(after(this.#settings.scheduler, this.#hasAnswered ? 0 : RESTART_MILLIS, restart));
  }

  #ended(row: number, items: number): void {
    this.#removing.set(row, items);
    this.#post({ kind: 'remove', rows: [row] });
    this.#checkFlushes();
    this.#readMore();
  }

  #readMore(): void {
    const room = this.#sending.roomBytes;
    if (!this.#hasMore || this.#isReading || room === 0 || this.#state !== 'open') return;
    this.#isReading = true;
    this.#post({ kind: 'read', after: this.#cursor, maxBytes: Math.min(room, READ_BYTES) });
  }

  get #isEmpty(): boolean {
    return this.books.pending === 0;
  }

  #checkFlushes(): void {
    for (const flush of this.#flushes) {
      const isRead = this.#cursor >= flush.upTo || !this.#hasMore;
      if (!this.#isEmpty && !(isRead && this.#sending.isPast(flush.upTo))) continue;
      this.#flushes.delete(flush);
      flush.resolve();
    }
  }

  #armExpiry(): void {
    const { maxAgeMillis, scheduler } = this.#settings;
    if (this.#expiry !== undefined || this.#disk.batches === 0 || this.#shutdown !== undefined) return;
    if (maxAgeMillis === Number.POSITIVE_INFINITY) return;
    this.#expiry = after(scheduler, Math.min(EXPIRY_MILLIS, Math.ceil(maxAgeMillis / 10)), () => {
      this.#expiry = undefined;
      this.#post({ kind: 'expire' });
    });
    this.#timers.add(this.#expiry);
  }
}
