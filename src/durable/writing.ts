import { Observable, type Subscriber } from 'rxjs';
import { bodyMemory } from '../flow/memory.ts';
import { outsideAnyContext } from '../internal/timers.ts';
import { untraced } from '../internal/tracingSuppression.ts';
import { messageOf } from '../model/errors.ts';
import { type Attempt, ExportError, type Failure, type Response } from '../model/sink.ts';
import { RequestLender } from '../otlp/encode/requestLender.ts';
import { requestFor } from '../otlp/encode/sharedRequests.ts';
import { signalOf } from '../otlp/signals.ts';
import { type DurableBooks, STAGE } from './books.ts';
import type { DurableSettings } from './options.ts';
import type { ToStore, WriteEnd } from './protocol.ts';

/** A batch on its way to the disk. */
interface Pending {
  readonly items: number;
  readonly bytes: number;
  readonly unencodable: number;
  /** Nobody waits for it any more, if it is closed. */
  readonly subscriber: Subscriber<Response>;
}

interface WritingParts<T> {
  readonly settings: DurableSettings<T>;
  readonly books: DurableBooks<T>;
  /** Whether there is a thread. */
  readonly hasStore: () => boolean;
  readonly post: (message: ToStore, transfer?: ArrayBuffer[]) => void;
  /** Somebody waits for the disk, or nobody any more. */
  readonly onBusy: (isBusy: boolean) => void;
}

const MEANINGS: Readonly<Record<Exclude<WriteEnd['kind'], 'written'>, Failure['kind']>> = {
  full: 'retryable',
  tooLarge: 'tooLarge',
  failed: 'retryable',
  cancelled: 'retryable',
};

/** The way of batches to the disk: encoded here, in slices; written over there; answered when they are. */
export class Writing<T> {
  readonly #parts: WritingParts<T>;
  readonly #lender: RequestLender<T>;
  readonly #pending = new Map<number, Pending>(); // by the number of the write
  readonly #idle = new Set<() => void>(); // who waits until nothing is pending
  #bytes = 0; // of all of them
  #count = 0;
  #closed = false;

  constructor(parts: WritingParts<T>) {
    this.#parts = parts;
    // No piece is copied there, since all are copied here: what is written has to be in memory of its own.
    this.#lender = new RequestLender<T>(signalOf(parts.settings.signal).fields as never, 0);
  }

  write(items: readonly T[], attempt: Attempt | undefined): Observable<Response> {
    return new Observable((subscriber) => {
      outsideAnyContext(() => untraced(() => this.#begin(items, attempt, subscriber))).catch((error: unknown) =>
        subscriber.error(error),
      );
    });
  }

  /** Resolves when no write waits for its answer. */
  idle(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.add(resolve));
  }

  close(): void {
    this.#closed = true;
  }

  /** The answer of the store. */
  ended(id: number, end: WriteEnd): void {
    const pending = this.#take(id);
    if (pending === undefined) return;
    const { items, unencodable, subscriber } = pending;
    if (end.kind === 'written') {
      this.#parts.books.accepted(items);
      subscriber.next({ stored: items, ...(unencodable > 0 && { unencodable }) });
      subscriber.complete();
      return;
    }
    if (end.kind === 'full') this.#parts.books.refused(items);
    subscriber.error(new ExportError({ kind: MEANINGS[end.kind] } as Failure, `${STAGE}: ${end.message}`));
  }

  /** No answer comes any more: what was on its way may have been written. */
  lost(why: string): void {
    for (const id of [...this.#pending.keys()])
      this.#take(id)?.subscriber.error(new ExportError({ kind: 'unknownOutcome' }, `${STAGE}: ${why}`));
  }

  async #begin(items: readonly T[], attempt: Attempt | undefined, subscriber: Subscriber<Response>): Promise<void> {
    const { directory } = this.#parts.settings;
    if (this.#closed) throw new ExportError({ kind: 'permanent' }, `${STAGE} was shut down`);
    attempt?.enter('preparing', directory);
    const { body, unencodable } = await this.#encoded(items);
    if (subscriber.closed) return;
    if (unencodable === items.length) {
      subscriber.next({ unencodable });
      subscriber.complete();
      return;
    }
    this.#checkRoom(body.length);
    if (!this.#parts.hasStore())
      throw new ExportError({ kind: 'retryable' }, `${STAGE}: its thread is being started again`);
    attempt?.enter('sending', directory);
    this.#send({ items: items.length - unencodable, bytes: body.length, unencodable, subscriber }, body);
  }

  async #encoded(items: readonly T[]): Promise<{ body: Uint8Array<ArrayBuffer>; unencodable: number }> {
    try {
      const { pieces, length, unencodable, end, giveBack } = await requestFor(items, 'protobuf', this.#lender, hold);
      const body = new Uint8Array(length);
      let at = 0;
      for (const piece of pieces) {
        body.set(piece, at);
        at += piece.length;
      }
      giveBack();
      end();
      return { body, unencodable };
    } catch (thrown) {
      throw new ExportError({ kind: 'permanent' }, `no body can be made: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  #checkRoom(bytes: number): void {
    const { maxWritingBytes, directory } = this.#parts.settings;
    if (this.#bytes === 0 || this.#bytes + bytes <= maxWritingBytes) return;
    const message = `${STAGE}: ${this.#bytes} bytes wait for the disk of ${directory} (maxWritingBytes ${maxWritingBytes}): it is slower than what comes; find out what else writes there, or give a faster one`;
    throw new ExportError({ kind: 'retryable' }, message);
  }

  #send(pending: Pending, body: Uint8Array<ArrayBuffer>): void {
    this.#count += 1;
    const id = this.#count;
    if (this.#pending.size === 0) this.#parts.onBusy(true);
    this.#pending.set(id, pending);
    this.#bytes += pending.bytes;
    hold(pending.bytes);
    this.#parts.post({ kind: 'write', id, items: pending.items, body }, [body.buffer]);
    pending.subscriber.add(() => {
      // Its bytes are in the memory of the store until that has answered.
      if (this.#pending.has(id)) this.#parts.post({ kind: 'cancel', id });
    });
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    this.#bytes -= pending.bytes;
    hold(-pending.bytes);
    if (this.#pending.size > 0) return pending;
    this.#parts.onBusy(false);
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
    return pending;
  }
}

/** Bodies lie outside of the heap, and count towards the budget of memory of the process. */
function hold(bytes: number): void {
  if (bytes > 0) bodyMemory().hold(bytes);
  else bodyMemory().give(-bytes);
}
