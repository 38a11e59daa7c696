import type { Readable } from 'node:stream';
import { Observable, type Subscriber } from 'rxjs';
import type { Gate } from '../flow/gate.ts';
import { shape } from '../internal/validation.ts';
import type { Account } from '../ledger/account.ts';
import { openInput, Stage } from '../ledger/stage.ts';
import { SpanflowError } from '../model/errors.ts';
import { ITEMS_PER_TURN, nextTurn, untilOpen } from './shared/gateWait.ts';
import { type StreamInputOptions, streamInputSettings } from './streamOptions.ts';

const STAGE = 'fromReadable';

const aReadable = shape('a Readable of node:stream', 'read', 'on', 'destroy');

/**
 * Reads a Node stream, only while the gate is open.
 *
 * ```text
 * stream      -a-b-c----|
 * gate        --x---(o|)
 * subscribed  ^---------!
 *             fromReadable: a gate that is closed at x and opened at o
 * result      -a----(bc)|
 * ```
 *
 * While nothing is read the stream fills its own buffer up to its high-water mark, and asks its source for no more. What a chunk is depends on the stream: an object in object mode, a
 * string after `setEncoding`, else a `Buffer`; name that type.
 *
 * **Emits** each chunk. **Completes** at the stream's end. **Errors** like the stream, and when it is destroyed before its end. It can be subscribed to once: a second subscription errors.
 * **Unsubscribed**, it destroys the stream.
 *
 * **Order**: that of the stream. **Loss**: none on its side; what the stream itself had buffered when it was unsubscribed goes with it.
 *
 * @throws InvalidOptionError when `readable` is not a Readable, or an option is unknown
 *
 * @example
 * ```ts
 * const { createReadStream } = await import('node:fs');
 * const gate = createGate();
 * const chunks$ = fromReadable<Buffer>(createReadStream('spans.jsonl'), { gate });
 * chunks$.pipe(adaptiveBatch({ gate }), exportTo(toConsole())).subscribe();
 * ```
 *
 * @see toReadable
 */
export function fromReadable<T = unknown>(readable: Readable, options: StreamInputOptions = {}): Observable<T> {
  const { gate, ledger, name } = streamInputSettings(STAGE, options, { readable: [readable, aReadable] });
  const stage = new Stage(ledger, 'input', name ?? STAGE);
  let taken = false;
  return new Observable((subscriber) => {
    if (taken) throw new SpanflowError('CLOSED', `${STAGE}: a stream can be subscribed to once; share() it`);
    taken = true;
    readInto(subscriber, readable, gate, openInput(stage));
  });
}

function readInto<T>(subscriber: Subscriber<T>, readable: Readable, gate: Gate, account: Account): void {
  let reading = false;
  let ended = false; // by the stream itself

  const read = async () => {
    reading = true;
    for (let count = 1; !subscriber.closed; count += 1) {
      if (count % ITEMS_PER_TURN === 0) await nextTurn();
      while (!gate.open && !subscriber.closed) await untilOpen(gate, subscriber);
      if (subscriber.closed) return;
      const chunk = readable.read() as T | null;
      if (chunk === null) break;
      account.accept(1);
      account.handOn(1);
      account.passOn((item) => subscriber.next(item), chunk);
    }
    reading = false;
  };

  const onReadable = () => {
    if (!reading) read().catch((error: unknown) => subscriber.error(error));
  };

  const { finished } = process.getBuiltinModule('node:stream'); // already loaded: somebody made the stream with it
  const forget = finished(readable, { writable: false }, (error) => {
    ended = true;
    if (error) subscriber.error(error);
    else subscriber.complete();
  });
  subscriber.add(() => {
    readable.off('readable', onReadable);
    forget();
    // The subscriber is gone: a later error has no listener, and must not end the process.
    readable.on('error', () => {});
    if (!ended) readable.destroy();
  });
  readable.on('readable', onReadable);
}
