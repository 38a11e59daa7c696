import { SpanflowError } from '../model/errors.ts';
import type { Channel } from './channel/options.ts';
import { type StreamWriterOptions, streamWriterSettings } from './streamOptions.ts';

const STAGE = 'toWritableStream';

/**
 * Makes a Web stream that writes into a channel, and waits while that has no room: for `pipeTo`.
 *
 * ```text
 * writes      -a-b-c------|
 * gate        --x----o----|
 * subscribed  ^-----------!
 *             toWritableStream: a channel with maxQueueSize 1, whose gate is closed at x and opened at o
 * items$      -a-----(bc)-|
 * ```
 *
 * Its high-water mark is one chunk: `ready` and `desiredSize` say whether the channel has taken the last one.
 *
 * **Closes** when everything has found room. **Errors** when the channel has been closed by other code, at the next write; for a write that waits, at once. **Aborted**, it takes back
 * the item that waits, and closes the channel with the reason, so that `items$` fails after what was queued.
 *
 * **Order**: that of the writes. **Loss**: none on its side.
 *
 * @throws InvalidOptionError when `channel` is not a channel, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const lines = channel<string>({ maxQueueSize: 1_000 });
 * lines.items$.pipe(adaptiveBatch({ flushWhen: lines.flush$ }), exportTo(toConsole())).subscribe();
 * const { body } = await fetch('https://example.com/lines');
 * await body?.pipeThrough(new TextDecoderStream()).pipeTo(toWritableStream(lines));
 * ```
 *
 * @see fromReadableStream
 */
export function toWritableStream<T>(
  channel: Pick<Channel<T>, 'send' | 'close'>,
  options: StreamWriterOptions = {},
): WritableStream<T> {
  const { atEnd } = streamWriterSettings(STAGE, channel, options);
  const close = (error?: unknown) => {
    if (atEnd === 'close') channel.close({ error });
  };
  return new WritableStream<T>({
    write: async (item, controller) => {
      try {
        await channel.send(item, { signal: controller.signal });
      } catch (error) {
        // A stream whose write fails calls neither `close` nor `abort`.
        close(error);
        throw error;
      }
    },
    close: () => close(),
    abort: (reason: unknown) => close(reason ?? new SpanflowError('CLOSED', `${STAGE}: the stream was aborted`)),
  });
}
