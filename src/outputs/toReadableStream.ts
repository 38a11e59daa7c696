import type { Observable } from 'rxjs';
import { createLedger } from '../ledger/ledger.ts';
import { type StreamOutputOptions, streamOutputSettings } from './options.ts';
import { PullQueue } from './pullQueue.ts';

const STAGE = 'toReadableStream';

/**
 * Makes a Web stream of an Observable, through a bounded queue: `pipeTo`, `pipeThrough`, a `Response` can read it.
 *
 * ```text
 * reads       x----x-x--|
 * source      -abc------|
 * subscribed  ^---------!
 *             toReadableStream: read at x, maxQueueSize 1, dropNewest
 * result      -a---b----|
 * ```
 *
 * It subscribes at the first read. The stream has no queue of its own (its high-water mark is 0), so what waits is bounded by the options, and is counted in the ledger.
 *
 * **Closes** when the source has completed and the queue is empty; **errors** then if the source has failed, or the queue has overflown with `overflow: 'error'`. **Cancelled**, it
 * unsubscribes the source.
 *
 * **Order**: that of the source. **Loss**: `queueFull` (see `overflow`), `tooLarge`, and `unsubscribed` for what was queued when it was cancelled.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const gate = createGate();
 * const names$ = fromAsyncIterable(spansOfAFile(), { gate }).pipe(map((span) => `${span.name}\n`));
 * const body = toReadableStream(names$, { gate }).pipeThrough(new TextEncoderStream());
 * await fetch('https://example.com/names', { method: 'POST', body, duplex: 'half' });
 * ```
 *
 * @see fromReadableStream
 */
export function toReadableStream<T>(source: Observable<T>, options: StreamOutputOptions<T> = {}): ReadableStream<T> {
  const settings = streamOutputSettings(STAGE, source, options);
  const queue = new PullQueue(STAGE, source, settings, (settings.ledger ?? createLedger()).open('sink', STAGE));
  return new ReadableStream<T>(
    {
      pull: (controller) =>
        new Promise((resolve) => {
          queue.pull((pulled) => {
            if (pulled.kind === 'item') controller.enqueue(pulled.item);
            else if (pulled.kind === 'error') controller.error(pulled.error);
            else if (pulled.kind === 'end') controller.close();
            resolve();
          });
        }),
      cancel: () => queue.stop(),
    },
    { highWaterMark: 0 },
  );
}
