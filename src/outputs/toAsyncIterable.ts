import type { Observable } from 'rxjs';
import { createLedger } from '../ledger/ledger.ts';
import { type StreamOutputOptions, streamOutputSettings } from './options.ts';
import { PullQueue } from './pullQueue.ts';

const STAGE = 'toAsyncIterable';

/**
 * Lets a `for await` loop read an Observable, through a bounded queue.
 *
 * ```text
 * reads       x----x-x--|
 * source      -abc------|
 * subscribed  ^---------!
 *             toAsyncIterable: read at x, maxQueueSize 1, dropNewest
 * result      -a---b----|
 * ```
 *
 * Each iterator subscribes for itself, as soon as it is made: nothing that comes before the first read is missed. Leaving the loop (`break`, `return`, an exception) unsubscribes;
 * an iterator that is forgotten without that stays subscribed, and keeps at most its queue.
 *
 * **Yields** items in the order in which they came. **Ends** when the source has completed and the queue is empty; **throws** then if the source has failed, or the queue has overflown
 * with `overflow: 'error'`. Up to `maxQueueSize` calls of `next()` may wait, and are served in their order; further ones fail.
 *
 * **Order**: that of the source. **Loss**: `queueFull` (see `overflow`), `tooLarge`, and `unsubscribed` for what was queued when the loop was left.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const outcomes$ = spans$.pipe(adaptiveBatch(), exportTo(otlpHttp()));
 * for await (const { delivered } of toAsyncIterable(outcomes$, { overflow: 'dropOldest', maxQueueSize: 100 })) {
 *   console.log(delivered);
 * }
 * ```
 *
 * @see toReadableStream
 */
export function toAsyncIterable<T>(source: Observable<T>, options: StreamOutputOptions<T> = {}): AsyncIterable<T> {
  const settings = streamOutputSettings(STAGE, source, options);
  const account = (settings.ledger ?? createLedger()).open('sink', STAGE);
  return {
    [Symbol.asyncIterator]() {
      const queue = new PullQueue(STAGE, source, settings, account);
      queue.start();
      return iteratorOf(queue);
    },
  };
}

function iteratorOf<T>(queue: PullQueue<T>): AsyncIterator<T, undefined> {
  const end = { done: true, value: undefined } as const;
  return {
    next: () =>
      new Promise((resolve, reject) => {
        queue.pull((pulled) => {
          if (pulled.kind === 'item') resolve({ done: false, value: pulled.item });
          else if (pulled.kind === 'error') reject(pulled.error);
          else resolve(end);
        });
      }),
    return: async () => {
      queue.stop();
      return end;
    },
    throw: async (thrown: unknown) => {
      queue.stop();
      throw thrown;
    },
  };
}
