import type { SignalItems, SignalName } from '../model/signal.ts';
import type { Sink } from '../model/sink.ts';
import type { DurableSink } from './api.ts';
import { DurableQueue } from './durableQueue.ts';
import { type DurableOptions, durableSettings } from './options.ts';
import { type StartStore, startStoreThread } from './storeLink.ts';

/** How long one attempt to write may take. A disk that takes longer has hung. */
const WRITE_TIMEOUT_MILLIS = 10_000;

/**
 * A sink around a sink, with a queue on disk between them: a batch is answered when it is written, and sent in the background.
 *
 * ```
 * exportTo ─▶ durable: encode ─▶ SQLite in a thread ─▶ answer: stored
 *                                      └─▶ exportTo ─▶ the inner sink ─▶ delivered, rejected or lost: removed
 * ```
 *
 * **Answers** with `stored`, when the batch is on the disk (see `sync`): in the books of the stage that exports these items are `handedOn`, and a receiver with `acknowledge: 'delivered'` says OK.
 * What comes while the disk is busy is written together, in one transaction.
 * A disk that is full, slow or broken makes exports fail as `retryable`, with a message that names the file and the next step; it goes on when the disk does.
 *
 * **Sends** the oldest first, by an `exportTo` of its own (`send`): with its retries, but without an end other than `maxAgeMillis`. A batch is removed when it was delivered, rejected, or counted as lost. What is in memory for that is bounded by `maxSendingBytes`, however much is on disk.
 *
 * **Starts** by sending what earlier runs have left in the directory; with `processes: 'several'`, also what other processes have left that have ended. A second process on one directory is refused (`DIRECTORY_IN_USE` from `opened()`, and exports fail as `retryable`) until the first one ends.
 *
 * **At least once**: after a crash, what was being sent is sent again, and what was being written may have been. Nothing that was answered is lost by the end of a process.
 *
 * **Order**: batches are sent in the order in which they were written, several at a time (`send.concurrency`). A batch that waits for its next attempt holds back no other one.
 *
 * **Loss**: `queueFull` at `maxBytes` with `dropOldest` (with `dropNewest` a batch is refused), `expired` beyond `maxAgeMillis`, `damaged` for what the disk does not give back, and those of `exportTo`. `stats()` has the books of the queue, in a ledger of its own.
 *
 * **`forceFlush`** resolves at once when everything is on disk, or waits for the backend (`flush`). **`shutdown`** stops the sending, and leaves the rest on disk. The sending never keeps the process alive.
 *
 * **Personal data** lies on the disk, as long as the backend is away: in files that only their owner can read (mode 0600, in a directory of mode 0700), and not encrypted.
 *
 * It needs `node:sqlite`, which is a release candidate in Node 24 and 26 and experimental in 22, where Node says so on stderr.
 *
 * @param sink where the batches are sent to
 *
 * @throws InvalidOptionError when the sink is none, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const { durable } = await import('spanflow/durable');
 * const sink = durable(otlpHttp(), { directory: '/var/lib/my-service/telemetry', maxBytes: 512 * 1024 ** 2 });
 * const pipeline = spanPipeline({ sink });
 * console.log(sink.stats().disk.items);
 * ```
 *
 * @see failover, toOtlpFile
 */
export function durable<S extends SignalName = 'traces'>(
  sink: Sink<SignalItems[S]>,
  options: DurableOptions<S>,
): DurableSink<SignalItems[S]> {
  return durableOn(startStoreThread, sink, options);
}

/**
 * As {@link durable}, with a store that is started in another way.
 *
 * @internal
 */
export function durableOn<S extends SignalName>(
  start: StartStore,
  sink: Sink<SignalItems[S]>,
  options: DurableOptions<S>,
): DurableSink<SignalItems[S]> {
  const settings = durableSettings(sink, options);
  const queue = new DurableQueue(sink, settings, start);
  const { stats$ } = queue.books.ledger;
  return {
    name: `durable(${sink.name})`,
    component: { type: 'durable', signal: settings.signal },
    attemptTimeoutMillis: WRITE_TIMEOUT_MILLIS,
    export: ({ items }, attempt) => queue.writing.write(items, attempt),
    opened: () => queue.opened(),
    stats: () => queue.stats(),
    stats$,
    forceFlush: () => queue.flush(),
    shutdown: () => queue.shutdown(),
  };
}
