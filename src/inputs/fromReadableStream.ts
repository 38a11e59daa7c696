import { Observable, type Subscriber } from 'rxjs';
import type { Gate } from '../flow/gate.ts';
import { shape } from '../internal/validation.ts';
import type { Account } from '../ledger/account.ts';
import { openInput, Stage } from '../ledger/stage.ts';
import { SpanflowError } from '../model/errors.ts';
import { ITEMS_PER_TURN, nextTurn, untilOpen } from './shared/gateWait.ts';
import { type StreamInputOptions, streamInputSettings } from './streamOptions.ts';

const STAGE = 'fromReadableStream';

const aReadableStream = shape('a ReadableStream', 'getReader', 'cancel');

/**
 * Reads a Web stream, one chunk after another, only while the gate is open.
 *
 * ```text
 * stream      -a-b-c----|
 * gate        --x---(o|)
 * subscribed  ^---------!
 *             fromReadableStream: a gate that is closed at x and opened at o
 * result      -a----(bc)|
 * ```
 *
 * A chunk that was asked for before the gate was closed waits for it as well. While nothing is read the stream fills its own queue up to its high-water mark, and asks its source for no more. (`from(stream)` of RxJS reads as fast as it can.)
 *
 * **Emits** each chunk; the next one is asked for when `next` has returned and the gate is open. **Completes** and **errors** like the stream, which it locks: a second subscription errors.
 * **Unsubscribed**, it cancels the stream, also in the middle of a read.
 *
 * **Order**: that of the stream. **Loss**: `unsubscribed`, for a chunk that was being read at that moment, or waited for the gate.
 *
 * @throws InvalidOptionError when `stream` is not a ReadableStream, or an option is unknown
 *
 * @example
 * ```ts
 * const gate = createGate();
 * const { body } = await fetch('https://example.com/lines');
 * if (body !== null) fromReadableStream(body, { gate }).pipe(adaptiveBatch({ gate }), exportTo(toConsole())).subscribe();
 * ```
 *
 * @see toReadableStream
 */
export function fromReadableStream<T>(stream: ReadableStream<T>, options: StreamInputOptions = {}): Observable<T> {
  const { gate, ledger, name } = streamInputSettings(STAGE, options, { stream: [stream, aReadableStream] });
  const stage = new Stage(ledger, 'input', name ?? STAGE);
  return new Observable((subscriber) => {
    const account = openInput(stage);
    const reader = stream.getReader();
    let ended = false; // by the stream itself
    const end = (how: () => void) => {
      ended = true;
      reader.releaseLock();
      how();
    };
    subscriber.add(() => {
      // The subscriber is gone: a failure of this has no listener.
      if (!ended) reader.cancel(new SpanflowError('CLOSED', `${STAGE}: unsubscribed`)).catch(() => {});
    });
    readAll(reader, gate, subscriber, account).then(
      () => end(() => subscriber.complete()),
      (error: unknown) => end(() => subscriber.error(error)),
    );
  });
}

async function readAll<T>(
  reader: ReadableStreamDefaultReader<T>,
  gate: Gate,
  subscriber: Subscriber<T>,
  account: Account,
): Promise<void> {
  let held = 0; // 1 while a chunk waits for the gate, which was closed while it was being read
  subscriber.add(() => {
    if (held > 0) account.lose(held, 'unsubscribed');
  });
  for (let read = 1; !subscriber.closed; read += 1) {
    if (read % ITEMS_PER_TURN === 0) await nextTurn();
    while (!gate.open && !subscriber.closed) await untilOpen(gate, subscriber);
    if (subscriber.closed) return;
    const { done, value } = await reader.read();
    if (done) return;
    account.accept(1);
    if (subscriber.closed) return account.lose(1, 'unsubscribed');
    held = 1;
    while (!gate.open && !subscriber.closed) await untilOpen(gate, subscriber);
    if (subscriber.closed) return;
    held = 0;
    account.handOn(1);
    account.passOn((item) => subscriber.next(item), value);
  }
}
