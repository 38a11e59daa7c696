import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { firstValueFrom, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { createGate } from '../../src/flow/gate.ts';
import { channel } from '../../src/inputs/channel/channel.ts';
import { toWritable } from '../../src/inputs/toWritable.ts';
import { toWritableStream } from '../../src/inputs/toWritableStream.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { turns } from '../support/turns.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A channel that nobody empties before it is told to, and what a writer has been asked for. */
function stuck() {
  const gate = createGate();
  return { sent: channel<number>({ maxQueueSize: 2, gate }), reopen: gate.close() };
}

describe('toWritable', () => {
  test('a pipeline into it delivers everything in order, and completes the channel', async () => {
    const sent = channel<number>({ maxQueueSize: 3 });
    const items = lastValueFrom(sent.items$.pipe(toArray()));
    await pipeline(Readable.from(numbers(2_000)), toWritable(sent));
    expect(await items).toEqual(numbers(2_000));
  });

  test('a full channel holds the source back', async () => {
    const { sent, reopen } = stuck();
    let read = 0;
    function* items() {
      while (read < 200) yield read++;
    }
    const items$ = firstValueFrom(sent.items$.pipe(toArray()));
    const piped = pipeline(Readable.from(items()), toWritable(sent));
    await turns(20);
    // Two in the channel, 16 in the writer's buffer, 16 in the reader's, and those on the way.
    expect(read).toBeLessThanOrEqual(40);
    reopen();
    await piped;
    expect(await items$).toHaveLength(200);
  });

  test('a source that fails makes items$ fail, after what came before', async () => {
    const sent = channel<number>();
    async function* items() {
      yield 1;
      throw new Error('the source broke');
    }
    const seen: number[] = [];
    const failed = new Promise((resolve) => sent.items$.subscribe({ next: (item) => seen.push(item), error: resolve }));
    await expect(pipeline(Readable.from(items()), toWritable(sent))).rejects.toThrow('the source broke');
    expect(await failed).toMatchObject({ message: 'the source broke' });
    expect(seen).toEqual([1]);
  });

  test('a channel that is closed by others makes it fail, and with it the source', async () => {
    const { sent } = stuck();
    const source = Readable.from(numbers(100));
    const piped = pipeline(source, toWritable(sent));
    await turns();
    sent.close();
    await expect(piped).rejects.toMatchObject({ code: 'CLOSED' });
    expect(source.destroyed).toBe(true);
  });

  test('destroyed, it takes back what waits; a stream that was cut off does not pass for a whole one', async () => {
    const { sent, reopen } = stuck();
    const writable = toWritable(sent);
    for (const item of [1, 2, 3]) writable.write(item);
    await turns();
    writable.destroy();
    reopen();
    const seen: number[] = [];
    const failed = new Promise((resolve) => sent.items$.subscribe({ next: (item) => seen.push(item), error: resolve }));
    expect(await failed).toMatchObject({
      code: 'CLOSED',
      message: 'toWritable: the stream was destroyed before its end',
    });
    expect(seen).toEqual([1, 2]);
  });

  test('destroyed with keepOpen, it takes back what waits all the same', async () => {
    const { sent, reopen } = stuck();
    const items = firstValueFrom(sent.items$.pipe(toArray()));
    const writable = toWritable(sent, { atEnd: 'keepOpen' });
    for (const item of [1, 2, 3]) writable.write(item);
    await turns();
    writable.destroy();
    reopen();
    await turns();
    sent.close();
    expect(await items).toEqual([1, 2]);
  });

  test('with keepOpen several streams write into one channel, and the end of one is not that of the channel', async () => {
    const ledger = createLedger();
    const sent = channel<number>({ maxQueueSize: 2, ledger });
    const items = firstValueFrom(sent.items$.pipe(toArray()));
    const failing = toWritable(sent, { atEnd: 'keepOpen' });
    failing.on('error', () => {});
    failing.destroy(new Error('only this one'));
    await Promise.all(
      [1, 2, 3].map(() => pipeline(Readable.from(numbers(50)), toWritable(sent, { atEnd: 'keepOpen' }))),
    );
    sent.close();
    expect(await items).toHaveLength(150);
    expect(ledger.stats()).toMatchObject({ offered: 150, accepted: 150 });
  });
});

describe('toWritableStream', () => {
  test('a pipe into it delivers everything in order, and completes the channel', async () => {
    const sent = channel<number>({ maxQueueSize: 3 });
    const items = lastValueFrom(sent.items$.pipe(toArray()));
    await new ReadableStream<number>({
      start: (controller) => {
        for (const item of numbers(2_000)) controller.enqueue(item);
        controller.close();
      },
    }).pipeTo(toWritableStream(sent));
    expect(await items).toEqual(numbers(2_000));
  });

  test('a full channel holds the source back', async () => {
    const { sent, reopen } = stuck();
    const items = firstValueFrom(sent.items$.pipe(toArray()));
    let pulls = 0;
    const source = new ReadableStream<number>({
      pull: (controller) => (pulls === 100 ? controller.close() : controller.enqueue(pulls++)),
    });
    const piped = source.pipeTo(toWritableStream(sent));
    await turns(20);
    expect(pulls).toBeLessThanOrEqual(5);
    reopen();
    await piped;
    expect(await items).toHaveLength(100);
  });

  test('aborted, it takes back what waits, and items$ fails with the reason', async () => {
    const { sent, reopen } = stuck();
    const writer = toWritableStream(sent).getWriter();
    const writes = [1, 2, 3].map((item) => writer.write(item));
    const settled = Promise.allSettled([...writes, writer.closed]);
    await turns();
    await writer.abort(new Error('enough'));
    await settled;
    reopen();
    const seen: number[] = [];
    const failed = new Promise((resolve) => sent.items$.subscribe({ next: (item) => seen.push(item), error: resolve }));
    expect(await failed).toMatchObject({ message: 'enough' });
    expect(seen).toEqual([1, 2]);
  });

  test('aborted without a reason, items$ fails with CLOSED', async () => {
    const sent = channel<number>();
    await toWritableStream(sent).abort();
    await expect(lastValueFrom(sent.items$)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('a channel that is closed by others makes it fail, and cancels the source', async () => {
    const { sent } = stuck();
    let cancelled: unknown;
    const source = new ReadableStream<number>({
      pull: (controller) => controller.enqueue(1),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
    const piped = source.pipeTo(toWritableStream(sent));
    await turns();
    sent.close();
    await expect(piped).rejects.toMatchObject({ code: 'CLOSED' });
    expect(cancelled).toMatchObject({ code: 'CLOSED' });
  });

  test('with keepOpen neither its end nor its abort is that of the channel', async () => {
    const sent = channel<number>();
    await toWritableStream(sent, { atEnd: 'keepOpen' }).close();
    await toWritableStream(sent, { atEnd: 'keepOpen' }).abort();
    expect(sent.trySend(1)).toBe('accepted');
  });
});

describe('what is written to', () => {
  test('refuses what is no channel, and wrong options', () => {
    const sent = channel<string>();
    expect(() => toWritable(new Subject() as never)).toThrow('toWritable.channel must be a channel of channel()');
    expect(() => toWritableStream({} as never)).toThrow('toWritableStream.channel must be a channel of channel()');
    // @ts-expect-error: a choice that does not exist
    expect(() => toWritable(sent, { atEnd: 'never' })).toThrow("toWritable.atEnd must be one of 'close', 'keepOpen'");
    // @ts-expect-error: an option that does not exist
    expect(() => toWritableStream(sent, { preventClose: true })).toThrow(
      'toWritableStream.preventClose must be one of',
    );
    expectTypeOf(toWritableStream(sent)).toEqualTypeOf<WritableStream<string>>();
  });
});
