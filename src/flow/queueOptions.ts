import { aFunction, optional, whole } from '../internal/validation.ts';
import { aGate, type Gate } from './gate.ts';

/** The options that each stage with a queue of items has. */
export interface QueueOptions<T> {
  /** The maximum of the estimated bytes of the queued items: 1 or more, default 64 MiB. An item that is larger by itself is not taken: it is counted as `tooLarge`. */
  maxQueueBytes?: number;
  /** Estimates the bytes that an item takes on the wire. Default: the length of strings and bytes, 8 for a number, and for a span the sum over its strings and fields; any other object counts as 0, so that only the number of items limits it. If it throws or returns an invalid number, the item counts as 512 bytes. */
  sizeOf?: (item: T) => number;
}

/** The options of a queue that closes a gate while it fills up. */
export interface GatedQueueOptions<T> extends QueueOptions<T> {
  /**
   * Closed while at least half of the queue is taken, and opened again at a quarter, for inputs that can wait: then nothing overflows. Its `saturated$` shows the state to the rest of the program. A gate that several
   * stages share is saturated while any of them is; a separate one, `createGate()`, shows the state of this queue alone. Default: none.
   */
  gate?: Gate;
}

/** The rules of the options that each stage with a queue has. */
export const QUEUE_RULES = {
  maxQueueSize: whole(1),
  maxQueueBytes: whole(1),
  gate: optional(aGate),
  sizeOf: aFunction,
};
