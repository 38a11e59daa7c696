import type { Writable } from 'node:stream';
import { SpanflowError } from '../model/errors.ts';
import type { Channel } from './channel/options.ts';
import { type StreamWriterOptions, streamWriterSettings } from './streamOptions.ts';

const STAGE = 'toWritable';

/**
 * Makes a Node stream (in object mode) that writes into a channel, and waits while that has no room.
 *
 * ```text
 * writes      -a-b-c------|
 * gate        --x----o----|
 * subscribed  ^-----------!
 *             toWritable: a channel with maxQueueSize 1, whose gate is closed at x and opened at o
 * items$      -a-----(bc)-|
 * ```
 *
 * A `pipe` or `pipeline` into it waits while the channel is full, and through the channel's `gate` while the batcher is. The stream itself buffers up to Node's high-water mark of 16 items, unless
 * its writer ignores that `write` returns `false`.
 *
 * **Finishes** when everything has found room. **Errors** when the channel has been closed by other code, at the next write; for a write that waits, at once. **Destroyed**, it takes back
 * the item that waits, and closes the channel with the error, so that `items$` fails after what was queued; without an error, with `CLOSED`: a stream that was cut off does not pass for a whole one.
 *
 * **Order**: that of the writes. **Loss**: none on its side.
 *
 * @throws InvalidOptionError when `channel` is not a channel, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const { createReadStream } = await import('node:fs');
 * const { pipeline } = await import('node:stream/promises');
 * const chunks = channel<Buffer>({ maxQueueSize: 100 });
 * chunks.items$.pipe(adaptiveBatch({ flushWhen: chunks.flush$ }), exportTo(toConsole())).subscribe();
 * await pipeline(createReadStream('spans.jsonl'), toWritable(chunks));
 * ```
 *
 * @see fromReadable
 */
export function toWritable<T>(
  channel: Pick<Channel<T>, 'send' | 'close'>,
  options: StreamWriterOptions = {},
): Writable {
  const { atEnd } = streamWriterSettings(STAGE, channel, options);
  const abortion = new AbortController();
  const close = (error?: unknown) => {
    if (atEnd === 'close') channel.close({ error });
  };
  const stream = process.getBuiltinModule('node:stream'); // not at the import: few programs need it
  return new stream.Writable({
    objectMode: true,
    write(item: T, _encoding, done) {
      channel.send(item, { signal: abortion.signal }).then(() => done(), done);
    },
    final(done) {
      close();
      done();
    },
    destroy(error, done) {
      abortion.abort();
      // After the end this is too late to mean anything: the channel is closed.
      close(error ?? new SpanflowError('CLOSED', `${STAGE}: the stream was destroyed before its end`));
      done(error);
    },
  });
}
