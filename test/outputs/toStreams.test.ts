import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from, type Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { createGate } from '../../src/flow/gate.ts';
import { fromAsyncIterable } from '../../src/inputs/fromAsyncIterable.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import type { Loss } from '../../src/model/tally.ts';
import type { StreamOutputOptions } from '../../src/outputs/options.ts';
import { toAsyncIterable } from '../../src/outputs/toAsyncIterable.ts';
import { toReadable } from '../../src/outputs/toReadable.ts';
import { toReadableStream } from '../../src/outputs/toReadableStream.ts';
import { turns } from '../support/turns.ts';

type Reader<T> = (source: Observable<T>, options?: StreamOutputOptions<T>) => AsyncIterable<T>;

/** All three are read alike; a Node stream takes one item ahead of its reader. */
const bridges: [string, Reader<number>][] = [
  ['toAsyncIterable', toAsyncIterable],
  ['toReadableStream', toReadableStream],
  ['toReadable', toReadable],
];

async function readAll<T>(items: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const item of items) read.push(item);
  return read;
}

describe.each(bridges)('%s', (stage, bridge) => {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

  test('gives everything in its order, and the end', async () => {
    expect(await readAll(bridge(from(numbers(1_000))))).toEqual(numbers(1_000));
    expect(await readAll(bridge(of()))).toEqual([]);
  });

  test('fails with the source, after what came before', async () => {
    const source = new Subject<number>();
    const read: number[] = [];
    const reading = (async () => {
      for await (const item of bridge(source)) read.push(item);
    })();
    await turns();
    for (const item of [1, 2, 3]) source.next(item);
    source.error(new Error('the source broke'));
    await expect(reading).rejects.toThrow('the source broke');
    // A Node stream that is destroyed drops what nobody has taken from it.
    if (stage !== 'toReadable') expect(read).toEqual([1, 2, 3]);
    await expect(readAll(bridge(throwError(() => new Error('at once'))))).rejects.toThrow('at once');
  });

  test('overflow error: what is queued can be read, then it fails, and the source is unsubscribed', async () => {
    const ledger = createLedger();
    const source = new Subject<number>();
    const iterator = bridge(source, { maxQueueSize: 2, ledger })[Symbol.asyncIterator]();
    const first = iterator.next();
    await turns();
    for (const item of [1, 2, 3, 4, 5, 6]) source.next(item);
    expect(source.observed).toBe(false);
    expect(await first).toEqual({ done: false, value: 1 });
    await expect(readAll({ [Symbol.asyncIterator]: () => iterator })).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      stage,
    });
    expect(ledger.stats()).toMatchObject({ refused: { queueFull: 1 }, pending: 0 });
  });

  test.each([
    ['dropNewest', [1, 2, 3, 4], { refused: { queueFull: 2 } }],
    ['dropOldest', [1, 2, 5, 6], { lost: { queueFull: 2 } }],
  ] as const)('overflow %s', async (overflow, expected, books) => {
    const losses: [Loss, readonly number[]][] = [];
    const ledger = createLedger();
    const source = new Subject<number>();
    const onLoss = (loss: Loss, items: readonly number[]) => {
      losses.push([loss, items]);
      throw new Error('mine');
    };
    const iterator = bridge(source, { maxQueueSize: 2, overflow, ledger, onLoss })[Symbol.asyncIterator]();
    const first = iterator.next();
    await turns();
    source.next(1);
    const second = stage === 'toReadable' ? undefined : iterator.next();
    await turns();
    for (const item of [2, 3, 4, 5, 6]) source.next(item);
    source.complete();
    const read = [(await first).value, ...(second ? [(await second).value] : [])];
    read.push(...(await readAll({ [Symbol.asyncIterator]: () => iterator })));
    expect(read).toEqual(expected);
    expect(ledger.stats()).toMatchObject({ ...books, handedOn: 4, callbackErrors: 2 });
    expect(losses.map(([loss]) => loss)).toEqual([
      { count: 1, reason: 'queueFull', stage },
      { count: 1, reason: 'queueFull', stage },
    ]);
    expect(losses.flatMap(([, items]) => items)).toEqual(overflow === 'dropNewest' ? [5, 6] : [3, 4]);
  });

  test('an item that is larger than the queue is lost as tooLarge', async () => {
    const ledger = createLedger();
    const sizeOf = (item: number) => item;
    expect(await readAll(bridge(of(1, 2, 99, 3), { maxQueueBytes: 50, sizeOf, ledger }))).toEqual([1, 2, 3]);
    expect(ledger.stats().refused).toEqual({ tooLarge: 1 });
  });

  test('leaving the loop unsubscribes, and what was queued is counted as lost', async () => {
    const ledger = createLedger();
    const source = new Subject<number>();
    const feeding = turns().then(() => [1, 2, 3, 4, 5].forEach((item) => void source.next(item)));
    for await (const item of bridge(source, { ledger })) {
      await feeding;
      if (item === 1) break;
    }
    await turns();
    expect(source.observed).toBe(false);
    const { handedOn, lost, pending } = ledger.stats();
    expect(pending).toBe(0);
    expect(handedOn + (lost.unsubscribed ?? 0)).toBe(5);
    expect(handedOn).toBeLessThanOrEqual(3);
  });

  test('its gate holds an input back that can wait, and nothing is lost', async () => {
    const [gate, ledger] = [createGate(), createLedger()];
    let made = 0;
    let read = 0;
    let ahead = 0;
    function* items() {
      while (made < 500) {
        ahead = Math.max(ahead, made - read);
        yield made++;
      }
    }
    for await (const item of bridge(fromAsyncIterable(items(), { gate, ledger }), { maxQueueSize: 8, gate, ledger })) {
      expect(item).toBe(read);
      read += 1;
      if (read % 10 === 0) await turns(1);
    }
    expect(read).toBe(500);
    expect(ahead).toBeLessThanOrEqual(8);
    expect(ledger.stats()).toMatchObject({ accepted: 500, handedOn: 500, lost: {}, between: 0 });
    expect(gate.open).toBe(true);
  });

  test('a gate that it closed is opened when the reader leaves', async () => {
    const gate = createGate();
    const source = new Subject<number>();
    const iterator = bridge(source, { maxQueueSize: 2, gate })[Symbol.asyncIterator]();
    const first = iterator.next();
    await turns();
    for (const item of [1, 2, 3]) source.next(item);
    await first;
    expect(gate.open).toBe(false);
    await iterator.return?.();
    await turns();
    expect(gate.open).toBe(true);
  });

  test('a gate that it closed is opened when the source has ended, though the queue is full', async () => {
    const gate = createGate();
    const source = new Subject<number>();
    const iterator = bridge(source, { maxQueueSize: 3, gate })[Symbol.asyncIterator]();
    const first = iterator.next();
    await turns();
    for (const item of [1, 2, 3, 4]) source.next(item);
    await first;
    expect(gate.open).toBe(false);
    source.complete();
    expect(gate.open).toBe(true);
    expect(await readAll({ [Symbol.asyncIterator]: () => iterator })).toEqual([2, 3, 4]);
  });

  test('a callback that throws is counted and reported to onCallbackError, and the stream goes on', async () => {
    const thrown: unknown[] = [];
    const ledger = createLedger();
    const broken = (what: string) => () => {
      throw new Error(what);
    };
    const source = new Subject<number>();
    const options = {
      maxQueueSize: 1,
      overflow: 'dropNewest',
      sizeOf: broken('sizeOf'),
      onLoss: broken('onLoss'),
    } as const;
    const onCallbackError = (error: unknown) => void thrown.push((error as Error).message);
    const iterator = bridge(source, { ...options, ledger, onCallbackError })[Symbol.asyncIterator]();
    const first = iterator.next();
    await turns();
    for (const item of [1, 2, 3, 4]) source.next(item);
    source.complete();
    expect(await first).toMatchObject({ value: 1 });
    expect(thrown).toContain('sizeOf');
    expect(thrown).toContain('onLoss');
    expect(ledger.stats().callbackErrors).toBe(thrown.length);
    await readAll({ [Symbol.asyncIterator]: () => iterator });
  });

  test.each([
    [{ maxQueueSize: 0 }, 'maxQueueSize must be a whole number from 1, but was given 0'],
    [{ maxQueueBytes: 0 }, 'maxQueueBytes must be a whole number from 1, but was given 0'],
    [{ overflow: 'wait' }, "overflow must be one of 'dropNewest', 'dropOldest', 'error'"],
    [{ gate: {} }, 'gate must be a gate of createGate()'],
    [{ sizeOf: 1 }, 'sizeOf must be a function'],
    [{ onLoss: 1 }, 'onLoss must be a function'],
    [{ ledger: {} }, 'ledger must be a ledger of createLedger()'],
    [{ highWaterMark: 1 }, 'highWaterMark must be one of the known options'],
  ])('refuses %o', (options, message) => {
    expect(() => bridge(of(1), options as StreamOutputOptions<number>)).toThrow(`${stage}.${message}`);
    expect(() => bridge([1] as never)).toThrow(`${stage}.source must be an Observable`);
  });
});

describe('toAsyncIterable', () => {
  test('subscribes when the iterator is made, for each iterator anew', async () => {
    const source = new Subject<number>();
    const items = toAsyncIterable(source);
    expect(source.observed).toBe(false);
    const [one, other] = [items[Symbol.asyncIterator](), items[Symbol.asyncIterator]()];
    source.next(1);
    source.complete();
    expect([await one.next(), await other.next()]).toEqual([
      { done: false, value: 1 },
      { done: false, value: 1 },
    ]);
    expect(await one.next()).toEqual({ done: true, value: undefined });
  });

  test('reads that wait are served in their order, are bounded, and end with the loop', async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source, { maxQueueSize: 2 })[Symbol.asyncIterator]();
    const [one, two] = [iterator.next(), iterator.next()];
    await expect(iterator.next()).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    source.next(1);
    expect(await one).toEqual({ done: false, value: 1 });
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await two).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('an error is thrown once; what is thrown into the iterator comes back and unsubscribes', async () => {
    const failing = new Subject<number>();
    const iterator = toAsyncIterable(failing)[Symbol.asyncIterator]();
    const [one, two] = [iterator.next(), iterator.next()];
    failing.error(new Error('broken'));
    await expect(one).rejects.toThrow('broken');
    expect(await two).toEqual({ done: true, value: undefined });
    const source = new Subject<number>();
    const other = toAsyncIterable(source)[Symbol.asyncIterator]();
    const late = new Subject<number>();
    const third = toAsyncIterable(late)[Symbol.asyncIterator]();
    late.next(1);
    late.error(new Error('after one'));
    expect(await third.next()).toEqual({ done: false, value: 1 });
    await expect(third.next()).rejects.toThrow('after one');
    expect(await third.next()).toEqual({ done: true, value: undefined });
    await expect(other.throw?.(new Error('mine'))).rejects.toThrow('mine');
    expect(source.observed).toBe(false);
  });

  test('the outputs have exact types, and refuse wrong options', () => {
    expectTypeOf(toAsyncIterable(of(1))).toEqualTypeOf<AsyncIterable<number>>();
    expectTypeOf(toReadableStream(of('a'))).toEqualTypeOf<ReadableStream<string>>();
    // @ts-expect-error: a strategy that does not exist
    expect(() => toAsyncIterable(of(1), { overflow: 'buffer' })).toThrow('toAsyncIterable.overflow');
    // @ts-expect-error: an item of another kind
    toReadable(of(1), { sizeOf: (item: string) => item.length });
  });
});

describe('toReadableStream', () => {
  test('is cancelled by a pipe whose destination fails, and subscribes at the first read only', async () => {
    const source = new Subject<number>();
    const stream = toReadableStream(source);
    await turns();
    expect(source.observed).toBe(false);
    const failing = new WritableStream<number>({
      write: () => {
        throw new Error('no room');
      },
    });
    const piped = stream.pipeTo(failing);
    await turns();
    source.next(1);
    await expect(piped).rejects.toThrow('no room');
    expect(source.observed).toBe(false);
  });

  test('never holds more than its reader has asked for, and its queue', async () => {
    const ledger = createLedger();
    const source = new Subject<number>();
    const reader = toReadableStream(source, { maxQueueSize: 3, ledger }).getReader();
    const first = reader.read();
    await turns();
    for (const item of [1, 2, 3]) source.next(item);
    await first;
    await turns();
    expect(ledger.stats()).toMatchObject({ handedOn: 1, queueSize: 2 });
    await reader.cancel();
    expect(ledger.stats()).toMatchObject({ lost: { unsubscribed: 2 }, pending: 0 });
  });
});

describe('toReadable', () => {
  test('pipes into a slow writer, which holds the input back', async () => {
    const gate = createGate();
    let [made, written, ahead] = [0, 0, 0];
    function* items() {
      while (made < 200) yield made++;
    }
    const slow = new Writable({
      objectMode: true,
      highWaterMark: 2,
      write(_item, _encoding, done) {
        ahead = Math.max(ahead, made - written);
        written += 1;
        setImmediate(done);
      },
    });
    await pipeline(toReadable(fromAsyncIterable(items(), { gate }), { maxQueueSize: 4, gate }), slow);
    expect(written).toBe(200);
    expect(ahead).toBeLessThanOrEqual(4 + 4);
  });

  test('a pipeline whose writer fails destroys it, and so unsubscribes the source', async () => {
    const source = new Subject<number>();
    const failing = new Writable({
      objectMode: true,
      write: (_item, _encoding, done) => done(new Error('the disk is full')),
    });
    const piped = pipeline(toReadable(source), failing);
    await turns();
    source.next(1);
    await expect(piped).rejects.toThrow('the disk is full');
    expect(source.observed).toBe(false);
  });

  test('null and undefined are counted as unencodable, and the stream goes on', async () => {
    const ledger = createLedger();
    const many = Array.from({ length: 100_000 }, () => null);
    expect(await readAll(toReadable<unknown>(from([1, ...many, undefined, 2]), { ledger }))).toEqual([1, 2]);
    expect(ledger.stats().refused).toEqual({ unencodable: 100_001 });
  });

  test('a thrown value that is no Error becomes the cause of an Error', async () => {
    const failure = await readAll(toReadable(throwError(() => 'a word'))).catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: 'a word', cause: 'a word' });
  });
});
