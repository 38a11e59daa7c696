import type { Observable } from 'rxjs';
import type { Stats } from '../ledger/stats.ts';
import type { ObservableSink } from '../model/sink.ts';

/** What lies on disk. */
export interface DurableDisk {
  /** `opening`: for the first time · `open` · `inUse`: another process has the directory, and it is tried again · `failing`: the disk, or the thread that has it, is in trouble, and it is tried again · `closed`: it was shut down */
  readonly state: 'opening' | 'open' | 'inUse' | 'failing' | 'closed';
  /** The directory of this process. */
  readonly directory: string;
  /** Batches on disk. */
  readonly batches: number;
  /** Their items. */
  readonly items: number;
  /** The bytes of their bodies. */
  readonly bodyBytes: number;
  /** The bytes of the pages that are in use, which is what `maxBytes` bounds. */
  readonly usedBytes: number;
  /** The bytes of the files: the database, whose free pages are used again, and its write-ahead log. */
  readonly fileBytes: number;
  /** How long the oldest batch has been there, in milliseconds, when the store last told. 0 if there is none. */
  readonly oldestAgeMillis: number;
  /** Attempts to send that are in flight. */
  readonly attemptsInFlight: number;
  /** What the trouble is, and what to do about it. Left out: there is none. */
  readonly trouble?: string;
}

/** The books of a queue on disk, and what lies there. `pending` is what is on disk; `stages.durable.figures.recovered` counts the items that a process before had written. */
export interface DurableStats extends Stats {
  /** What lies on disk, and how the disk is. */
  readonly disk: DurableDisk;
}

/** A sink that answers when a batch is on disk, and sends it later. */
export interface DurableSink<T> extends ObservableSink<T> {
  /** Resolves when the directory is open. Rejects with `DIRECTORY_IN_USE` or `DISK_FAILED` when it cannot be opened now; that is tried again, and may be asked again. */
  opened(): Promise<void>;
  /** The books, and the disk. Cheap: nothing is read for it. */
  stats(): DurableStats;
  /** The books, whenever they have changed, as those of a {@link Ledger}. */
  readonly stats$: Observable<Stats>;
  /** See the option `flush`. */
  forceFlush(): Promise<void>;
  /** Stops the sending, leaves on disk what has no outcome, closes the files and shuts the inner sink down. */
  shutdown(): Promise<void>;
}
