import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { firstValueFrom, lastValueFrom, type Observable, take, toArray } from 'rxjs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { createGate } from '../../src/flow/gate.ts';
import { fromReadable } from '../../src/inputs/fromReadable.ts';
import { fromReadableStream } from '../../src/inputs/fromReadableStream.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { adaptiveBatch } from '../../src/operators/adaptiveBatch/adaptiveBatch.ts';
import { turns } from '../support/turns.ts';

/** A Web stream that counts from 0, and what it was asked for. */
function webCounter(upTo: number, strategy?: QueuingStrategy<number>) {
  const asked = { pulls: 0, cancelled: undefined as unknown };
  const stream = new ReadableStream<number>(
    {
      pull(controller) {
        if (asked.pulls === upTo) controller.close();
        else controller.enqueue(asked.pulls++);
      },
      cancel(reason) {
        asked.cancelled = reason;
      },
    },
    strategy,
  );
  return { stream, asked };
}

/** The same as a Node stream. */
function nodeCounter(upTo: number) {
  const asked = { pulls: 0 };
  const stream = new Readable({
    objectMode: true,
    highWaterMark: 4,
    read() {
      this.push(asked.pulls === upTo ? null : { number: asked.pulls++ });
    },
  });
  return { stream, asked };
}

describe('fromReadableStream', () => {
  test('reads a long stream to its end, and lets others have a turn meanwhile', async () => {
    let others = 0;
    const tick = () => {
      others += 1;
      immediate = setImmediate(tick);
    };
    let immediate = setImmediate(tick);
    const items = await lastValueFrom(fromReadableStream(webCounter(10_000).stream).pipe(toArray()));
    clearImmediate(immediate);
    expect(items).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
    expect(others).toBeGreaterThanOrEqual(9);
  });

  test('asks for no more than its queue holds while the gate is closed', async () => {
    const { stream, asked } = webCounter(100, { highWaterMark: 3 });
    const gate = createGate();
    const reopen = gate.close();
    const items = firstValueFrom(fromReadableStream(stream, { gate }).pipe(toArray()));
    await turns();
    expect(asked.pulls).toBe(3);
    reopen();
    expect(await items).toHaveLength(100);
  });

  test('a gate that a batcher closes holds the stream back, and nothing is lost', async () => {
    const { stream, asked } = webCounter(100);
    const [gate, ledger] = [createGate(), createLedger()];
    const batches: (() => void)[] = [];
    let completed = false;
    fromReadableStream(stream, { gate, ledger })
      .pipe(adaptiveBatch({ gate, ledger, maxQueueSize: 20, maxExportBatchSize: 5, scheduledDelayMillis: 0 }))
      .subscribe({
        next: (batch) => {
          const hold = batch.hold();
          const tally = {
            delivered: batch.items.length,
            rejected: 0,
            lost: [],
            attempts: 1,
            attemptMillis: 1,
            elapsedMillis: 1,
          };
          batches.push(() => hold.settle(tally));
        },
        complete: () => {
          completed = true;
        },
      });
    await turns();
    expect(asked.pulls).toBeLessThanOrEqual(17);
    while (!completed) {
      batches.shift()?.();
      await turns(1);
    }
    expect(ledger.stats()).toMatchObject({ accepted: 100, delivered: 100, refused: {}, lost: {}, between: 0 });
  });

  test('fails when the stream fails', async () => {
    const stream = new ReadableStream<number>({
      start: (controller) => {
        controller.enqueue(1);
      },
      pull: () => Promise.reject(new Error('the wire broke')),
    });
    const seen: number[] = [];
    const failed = new Promise((resolve) =>
      fromReadableStream(stream).subscribe({ next: (item) => seen.push(item), error: resolve }),
    );
    expect(await failed).toMatchObject({ message: 'the wire broke' });
    expect(seen).toEqual([1]);
    expect(stream.locked).toBe(false);
  });

  test('unsubscribed in the middle of a read that never ends, it cancels the stream', async () => {
    let reason: unknown;
    const stream = new ReadableStream<number>({
      cancel: (given) => {
        reason = given;
      },
    });
    const subscription = fromReadableStream(stream).subscribe();
    await turns();
    subscription.unsubscribe();
    await turns();
    expect(reason).toMatchObject({ code: 'CLOSED', message: 'fromReadableStream: unsubscribed' });
    expect(stream.locked).toBe(false);
  });

  test('unsubscribed by a value, or while the gate is closed, it reads no more', async () => {
    const one = webCounter(100, { highWaterMark: 0 });
    expect(await lastValueFrom(fromReadableStream(one.stream).pipe(take(2), toArray()))).toEqual([0, 1]);
    const gate = createGate();
    const reopen = gate.close();
    const other = webCounter(100, { highWaterMark: 0 });
    fromReadableStream(other.stream, { gate }).subscribe().unsubscribe();
    reopen();
    await turns();
    expect([one.asked.pulls, other.asked.pulls]).toEqual([2, 0]);
    expect(one.asked.cancelled).toMatchObject({ code: 'CLOSED' });
  });

  test('a chunk that was being read when it was unsubscribed is counted as lost', async () => {
    const ledger = createLedger();
    const { stream } = webCounter(5);
    await turns();
    const subscription = fromReadableStream(stream, { ledger }).subscribe();
    subscription.unsubscribe();
    await turns();
    expect(ledger.stats()).toMatchObject({ accepted: 1, lost: { unsubscribed: 1 }, pending: 0 });
  });

  test('a chunk that waits for the gate when it is unsubscribed is counted as lost', async () => {
    const [gate, ledger] = [createGate(), createLedger()];
    let enqueue = (_item: number) => {};
    const stream = new ReadableStream<number>({
      start: (controller) => {
        enqueue = (item) => controller.enqueue(item);
      },
    });
    const subscription = fromReadableStream(stream, { gate, ledger }).subscribe();
    await turns();
    gate.close();
    enqueue(1);
    await turns();
    expect(ledger.stats()).toMatchObject({ accepted: 1, pending: 1 });
    subscription.unsubscribe();
    expect(ledger.stats()).toMatchObject({ lost: { unsubscribed: 1 }, pending: 0 });
  });

  test('a cancellation that fails is no unhandled rejection; a second subscription errors', async () => {
    const stream = new ReadableStream<number>({ cancel: () => Promise.reject(new Error('no')) });
    const items = fromReadableStream(stream);
    const subscription = items.subscribe();
    await expect(lastValueFrom(items)).rejects.toThrow('locked');
    subscription.unsubscribe();
    await turns();
  });
});

describe('fromReadable', () => {
  test('reads a file, in the chunks that the stream gives', async () => {
    const file = fromReadable<Buffer>(createReadStream('package.json', { highWaterMark: 100 }));
    const chunks = await lastValueFrom(file.pipe(toArray()));
    expect(chunks.length).toBeGreaterThan(5);
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ name: 'spanflow' });
  });

  test('reads a long stream to its end, and lets others have a turn meanwhile', async () => {
    let others = 0;
    const tick = () => {
      others += 1;
      immediate = setImmediate(tick);
    };
    let immediate = setImmediate(tick);
    const items = await lastValueFrom(fromReadable<{ number: number }>(nodeCounter(10_000).stream).pipe(toArray()));
    clearImmediate(immediate);
    expect(items.map((item) => item.number)).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
    expect(others).toBeGreaterThanOrEqual(9);
  });

  test('asks for no more than its buffer holds while the gate is closed', async () => {
    const { stream, asked } = nodeCounter(100);
    const gate = createGate();
    const reopen = gate.close();
    const items = firstValueFrom(fromReadable(stream, { gate }).pipe(toArray()));
    await turns();
    expect(asked.pulls).toBeLessThanOrEqual(4);
    reopen();
    expect(await items).toHaveLength(100);
  });

  test('fails when the stream fails, and when it is destroyed before its end', async () => {
    const failing = new Readable({ read() {} });
    const failed = lastValueFrom(fromReadable(failing));
    failing.destroy(new Error('the disk broke'));
    await expect(failed).rejects.toThrow('the disk broke');
    const cut = new Readable({ read() {} });
    const cutOff = lastValueFrom(fromReadable(cut));
    cut.destroy();
    await expect(cutOff).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    await expect(lastValueFrom(fromReadable(failing))).rejects.toThrow('the disk broke');
  });

  test('unsubscribed, it destroys the stream, and ignores a later error of it', async () => {
    const { stream } = nodeCounter(100);
    expect(await lastValueFrom(fromReadable(stream).pipe(take(2), toArray()))).toEqual([{ number: 0 }, { number: 1 }]);
    expect(stream.destroyed).toBe(true);
    stream.emit('error', new Error('too late'));
    await turns();
    expect(stream.listenerCount('readable')).toBe(0);
  });

  test('unsubscribed while the gate is closed, it reads no more', async () => {
    const { stream } = nodeCounter(100);
    const gate = createGate();
    const reopen = gate.close();
    const seen: unknown[] = [];
    const subscription = fromReadable(stream, { gate }).subscribe((item) => seen.push(item));
    await turns();
    subscription.unsubscribe();
    reopen();
    await turns();
    expect(seen).toEqual([]);
  });

  test('an empty stream completes; a second subscription errors', async () => {
    const items = fromReadable(Readable.from([]));
    expect(await lastValueFrom(items.pipe(toArray()))).toEqual([]);
    await expect(lastValueFrom(items)).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('what is read from', () => {
  test('is in the books, and wrong options are refused', async () => {
    const ledger = createLedger();
    await lastValueFrom(fromReadable(nodeCounter(3).stream, { ledger }));
    await lastValueFrom(fromReadableStream(webCounter(4).stream, { ledger }));
    expect(ledger.stats().stages).toMatchObject({ fromReadable: { handedOn: 3 }, fromReadableStream: { handedOn: 4 } });
    expect(() => fromReadable({} as Readable)).toThrow('fromReadable.readable must be a Readable of node:stream');
    expect(() => fromReadableStream({} as ReadableStream)).toThrow(
      'fromReadableStream.stream must be a ReadableStream',
    );
    const { stream } = nodeCounter(1);
    expect(() => fromReadable(stream, { gate: {} as never })).toThrow(
      'fromReadable.gate must be a gate of createGate()',
    );
    expect(() => fromReadable(stream, { ledger: {} as never })).toThrow('fromReadable.ledger must be a ledger of');
    // @ts-expect-error: an option that does not exist
    expect(() => fromReadable(stream, { highWaterMark: 1 })).toThrow(
      'fromReadable.highWaterMark must be one of the known',
    );
    expectTypeOf(fromReadableStream(webCounter(1).stream)).toEqualTypeOf<Observable<number>>();
    expectTypeOf(fromReadable(stream)).toEqualTypeOf<Observable<unknown>>();
  });
});
