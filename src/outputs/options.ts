import { createGate, type Gate } from '../flow/gate.ts';
import { estimateItemBytes } from '../flow/itemBytes.ts';
import { requireFunction, requireOneOf, requireShape, requireWhole, withDefaults } from '../internal/validation.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import type { Overflow } from '../model/overflow.ts';
import type { Loss } from '../model/tally.ts';
/** For the bridges that read a stream: `fromReadable`, `fromReadableStream`. */
export interface StreamInputOptions {
  /** Nothing is read while it is closed. Give the same one to `adaptiveBatch({ gate })`. Default: one that stays open. */
  gate?: Gate;
  /** Keeps the books. Default: one of its own. */
  ledger?: Ledger;
}

/** Every option, settled. */
type StreamInputSettings = { [K in keyof StreamInputOptions]-?: StreamInputOptions[K] | undefined };

export const STREAM_INPUT_DEFAULTS: Readonly<StreamInputSettings> = Object.freeze({
  gate: undefined,
  ledger: undefined,
});

/** For the bridges that are read from: `toAsyncIterable`, `toReadable`, `toReadableStream`. An Observable pushes, a reader pulls: what comes too early waits in a queue. */
export interface StreamOutputOptions<T> {
  /** Items that wait to be read, at most: 1 or more, default 1,024. */
  maxQueueSize?: number;
  /** Their estimated bytes, at most: 1 or more, default 64 MiB. An item that is larger by itself is lost as `tooLarge`. */
  maxQueueBytes?: number;
  /**
   * What happens to an item that meets a full queue. `error` (the default, because a reader of a stream expects all of it) unsubscribes the source, lets what is queued be read and then fails with
   * a {@link QueueFullError}; `dropNewest` refuses it; `dropOldest` loses the one that has waited longest. For just the latest item, `dropOldest` with `maxQueueSize: 1`.
   */
  overflow?: Overflow;
  /** Is closed while the queue is half full or more, and opened at a quarter. For inputs that can wait: then nothing overflows. */
  gate?: Gate;
  /** Estimates the bytes of an item. Default: see {@link estimateItemBytes}. An exception or a number that is none counts as 512 bytes. */
  sizeOf?: (item: T) => number;
  /** Told of each loss at this stage (`queueFull`, `tooLarge`, `unsubscribed`, `unencodable`), with the items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Keeps the books. Default: one of its own. */
  ledger?: Ledger;
}

type Optional = 'gate' | 'onLoss' | 'ledger';

/** Every option, settled. */
export type StreamOutputSettings<T> = Required<Omit<StreamOutputOptions<T>, Optional>> & {
  [K in Optional]: StreamOutputOptions<T>[K] | undefined;
};

export const STREAM_OUTPUT_DEFAULTS: Readonly<StreamOutputSettings<unknown>> = Object.freeze({
  maxQueueSize: 1_024,
  maxQueueBytes: 64 * 1024 * 1024,
  overflow: 'error',
  gate: undefined,
  sizeOf: estimateItemBytes,
  onLoss: undefined,
  ledger: undefined,
});

/** For the bridges that are written to: `toWritable`, `toWritableStream`. */
export interface StreamWriterOptions {
  /**
   * What the end of the stream means for the channel. `close` (the default) closes it, with the stream's error if it has failed; `keepOpen` leaves it to others, when several
   * streams write into one channel.
   */
  atEnd?: 'close' | 'keepOpen';
}

export const STREAM_WRITER_DEFAULTS: Readonly<Required<StreamWriterOptions>> = Object.freeze({ atEnd: 'close' });

/** Lays the options over the defaults and refuses what is out of range. */
export function settleInput(stage: string, options: StreamInputOptions): Required<StreamInputOptions> {
  const settings = withDefaults<StreamInputSettings>(stage, STREAM_INPUT_DEFAULTS, options);
  const { gate = createGate(), ledger = createLedger() } = settings;
  requireShape(`${stage}.gate`, gate, 'a gate of createGate()', 'whenOpen', 'close');
  requireShape(`${stage}.ledger`, ledger, 'a ledger of createLedger()', 'open');
  return { gate, ledger };
}

/** Lays the options over the defaults and refuses what is out of range. */
export function settleOutput<T>(stage: string, source: unknown, options: StreamOutputOptions<T>) {
  requireShape(`${stage}.source`, source, 'an Observable', 'subscribe');
  const settings = withDefaults<StreamOutputSettings<T>>(stage, STREAM_OUTPUT_DEFAULTS, options);
  requireWhole(`${stage}.maxQueueSize`, settings.maxQueueSize, 1);
  requireWhole(`${stage}.maxQueueBytes`, settings.maxQueueBytes, 1);
  requireOneOf(`${stage}.overflow`, settings.overflow, ['dropNewest', 'dropOldest', 'error']);
  requireFunction(`${stage}.sizeOf`, settings.sizeOf);
  const { gate, onLoss, ledger } = settings;
  if (gate !== undefined) requireShape(`${stage}.gate`, gate, 'a gate of createGate()', 'whenOpen', 'close');
  if (onLoss !== undefined) requireFunction(`${stage}.onLoss`, onLoss);
  if (ledger !== undefined) requireShape(`${stage}.ledger`, ledger, 'a ledger of createLedger()', 'open');
  return settings;
}

/** Lays the options over the defaults and refuses what is out of range. */
export function settleWriter(stage: string, channel: unknown, options: StreamWriterOptions) {
  requireShape(`${stage}.channel`, channel, 'a channel of channel()', 'send', 'close');
  const settings = withDefaults(stage, STREAM_WRITER_DEFAULTS, options);
  requireOneOf(`${stage}.atEnd`, settings.atEnd, ['close', 'keepOpen']);
  return settings;
}
