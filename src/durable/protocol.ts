/** What the store is told when it is made. */
export interface StorePlan {
  readonly directory: string;
  /** Whether one process has the directory, or each process a subdirectory. */
  readonly processes: 'one' | 'several';
  readonly sync: 'full' | 'normal';
  readonly maxBytes: number;
  /** `Infinity`: nothing expires. */
  readonly maxAgeMillis: number;
  readonly overflow: 'dropNewest' | 'dropOldest';
}

/** What lies in the store. */
export interface DiskState {
  readonly batches: number;
  readonly items: number;
  /** Of the bodies. */
  readonly bodyBytes: number;
  /** Of the pages that are in use, which is what `maxBytes` bounds. */
  readonly usedBytes: number;
  /** Of the database and its write-ahead log. */
  readonly fileBytes: number;
  /** Of the newest batch that was ever written. */
  readonly lastRow: number;
  /** How long the oldest batch has been there. 0 if there is none. */
  readonly oldestAgeMillis: number;
}

/** A batch as it was written. */
export interface StoredBatch {
  /** Counts up from batch to batch. A process that finds an empty queue begins at 1. */
  readonly row: number;
  readonly items: number;
  readonly ageMillis: number;
  readonly body: Uint8Array;
}

/** Why a store is not open, or cannot do its work. */
export type StoreTrouble = 'inUse' | 'noSqlite' | 'failed';

/** Items that the store has dropped, by the reason of their loss. */
export interface Dropped {
  readonly queueFull: number;
  readonly expired: number;
  readonly damaged: number;
}

/** To the store. Each message but `cancel`, `open` and `close` has one answer. */
export type ToStore =
  /** Opens it, again after a crash. `after`: the last row that was read · `held`: rows that are being sent · `remove`: rows that have ended. */
  | {
      readonly kind: 'open';
      readonly after: number;
      readonly held: readonly number[];
      readonly remove: readonly number[];
    }
  | { readonly kind: 'write'; readonly id: number; readonly items: number; readonly body: Uint8Array }
  /** Nobody waits for this write any more: it is left out if it has not begun. */
  | { readonly kind: 'cancel'; readonly id: number }
  /** Up to so many bytes of bodies behind this row, one batch at least. */
  | { readonly kind: 'read'; readonly after: number; readonly maxBytes: number }
  | { readonly kind: 'remove'; readonly rows: readonly number[] }
  /** Drops what is too old. */
  | { readonly kind: 'expire' }
  | { readonly kind: 'close' };

/** How a write has ended. */
export type WriteEnd =
  | { readonly kind: 'written' }
  | { readonly kind: 'full' | 'tooLarge' | 'failed' | 'cancelled'; readonly message: string };

/** From the store. */
export type FromStore =
  | {
      readonly kind: 'opened';
      /** The directory that it has: with several processes, a subdirectory. */
      readonly directory: string;
      readonly disk: DiskState;
      /** Of the rows that are being sent, those that are not there any more. */
      readonly missing: readonly number[];
      /** Items that were there, and cannot be read any more, as far as that is known. */
      readonly damaged: number;
    }
  /** It could not be opened, or had to be closed. It is opened again after a while, and with the next write. */
  | { readonly kind: 'trouble'; readonly trouble: StoreTrouble; readonly message: string }
  /** Something that whoever runs the program should know. */
  | { readonly kind: 'notice'; readonly message: string }
  | {
      readonly kind: 'committed';
      readonly writes: readonly { readonly id: number; readonly end: WriteEnd }[];
      readonly removed: readonly number[];
      /** Items that came from the subdirectory of a process that has ended, with those that were dropped on the way. */
      readonly adopted: number;
      readonly dropped: Dropped;
      /** Left out while the store is not open. */
      readonly disk: DiskState | undefined;
    }
  | {
      readonly kind: 'batches';
      readonly batches: readonly StoredBatch[];
      /** The last row that was looked at. */
      readonly upTo: number;
      readonly dropped: Dropped;
      readonly disk: DiskState | undefined;
    }
  | { readonly kind: 'closed' };
