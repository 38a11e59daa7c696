import type { Readable } from 'node:stream';
import type { Observable } from 'rxjs';
import { createLedger } from '../ledger/ledger.ts';
import { type StreamOutputOptions, streamOutputSettings } from './options.ts';
import { PullQueue } from './pullQueue.ts';

const STAGE = 'toReadable';

/**
 * Makes a Node stream (in object mode) of an Observable, through a bounded queue.
 *
 * ```text
 * reads       x----x-xx-|
 * source      -abcd-----|
 * subscribed  ^---------!
 *             toReadable: read at x, maxQueueSize 1, dropNewest
 * result      -a---b-c--|
 * ```
 *
 * It subscribes at the first read. The stream itself holds one item beside the queue.
 *
 * **Ends** when the source has completed and the queue is empty; is **destroyed** with the error then if the source has failed, or the queue has overflown with `overflow: 'error'`.
 * **Destroyed** by others, it unsubscribes the source.
 *
 * **Order**: that of the source. **Loss**: `queueFull` (see `overflow`), `tooLarge`, `unsubscribed` for what was queued when it was destroyed, and `unencodable` for `null` and `undefined`, which
 * a Node stream takes for its end.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const { createWriteStream } = await import('node:fs');
 * const { pipeline } = await import('node:stream/promises');
 * const gate = createGate();
 * const names$ = fromAsyncIterable(spansOfAFile(), { gate }).pipe(map((span) => `${span.name}\n`));
 * await pipeline(toReadable(names$, { gate }), createWriteStream('names.txt'));
 * ```
 *
 * @see fromReadable
 */
export function toReadable<T>(source: Observable<T>, options: StreamOutputOptions<T> = {}): Readable {
  const settings = streamOutputSettings(STAGE, source, options);
  const account = (settings.ledger ?? createLedger()).open('sink', STAGE);
  const queue = new PullQueue(STAGE, source, settings, account, (item) => item !== null && item !== undefined);
  const stream = process.getBuiltinModule('node:stream'); // not at the import: few programs need it
  const readable = new stream.Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      queue.pull((pulled) => {
        if (pulled.kind === 'item') readable.push(pulled.item);
        else if (pulled.kind === 'error') readable.destroy(asError(pulled.error));
        else if (pulled.kind === 'end') readable.push(null);
      });
    },
    destroy(error, done) {
      queue.stop();
      done(error);
    },
  });
  return readable;
}

/** `destroy` with a falsy value would close the stream without an error. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
