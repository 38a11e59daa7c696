import { AsyncLocalStorage } from 'node:async_hooks';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { createGate } from '../../src/flow/gate.ts';
import { channel } from '../../src/inputs/channel/channel.ts';
import { CHANNEL_DEFAULTS, type Channel, type ChannelOptions, type Offered } from '../../src/inputs/channel/options.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import type { Loss } from '../../src/model/tally.ts';

/** The next turn of the event loop but one: what was due in the next has run. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('channel', () => {
  test('send resolves when there is room, first come, first served', async () => {
    const sent = channel<string>({ maxQueueSize: 1 });
    const order: string[] = [];
    const waits = ['a', 'b', 'c'].map((item) => sent.send(item).then(() => order.push(`in ${item}`)));
    await turns();
    expect(order).toEqual(['in a']);
    const seen: string[] = [];
    sent.items$.subscribe((item) => seen.push(item));
    await Promise.all(waits);
    await turns();
    expect(order).toEqual(['in a', 'in b', 'in c']);
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  test('trySend overtakes no waiting send, even with an item that would fit', () => {
    const sent = channel<string>({ maxQueueBytes: 10 });
    expect(sent.trySend('123456')).toBe('accepted');
    sent.send('789012');
    expect(sent.trySend('1')).toBe('dropped');
  });

  test('an item that is larger than the queue is dropped, or rejected, as tooLarge', async () => {
    const ledger = createLedger();
    const sent = channel<string>({ maxQueueBytes: 3, ledger });
    expect(sent.trySend('1234')).toBe('dropped');
    await expect(sent.send('1234')).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      message: 'channel: an item is larger than maxQueueBytes 3',
    });
    expect(ledger.stats().refused).toEqual({ tooLarge: 2 });
  });

  test('one more than maxWaitingSends is refused', async () => {
    const ledger = createLedger();
    const sent = channel<string>({ maxQueueSize: 1, maxWaitingSends: 1, ledger });
    await sent.send('a');
    const waiting = sent.send('b');
    await expect(sent.send('c')).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      message:
        'channel: the queue is full (maxQueueSize 1, maxQueueBytes 67108864), and maxWaitingSends 1 wait already',
    });
    sent.items$.subscribe();
    await waiting;
    expect(ledger.stats()).toMatchObject({ offered: 3, accepted: 2, refused: { queueFull: 1 } });
  });

  test('close refuses those who wait, lets the queue drain, and answers closed from then on', async () => {
    const losses: Loss[] = [];
    const ledger = createLedger();
    const sent = channel<string>({ maxQueueSize: 1, ledger, onLoss: (loss) => losses.push(loss) });
    await sent.send('a');
    const waiting = sent.send('b');
    sent.close();
    sent.close({ error: new Error('too late') });
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED', message: 'channel: it is closed' });
    await expect(sent.send('c')).rejects.toMatchObject({ code: 'CLOSED' });
    expect(sent.trySend('d')).toBe('closed');
    expect(await lastValueFrom(sent.items$.pipe(toArray()))).toEqual(['a']);
    expect(ledger.stats()).toMatchObject({ accepted: 1, handedOn: 1, refused: { alreadyShutdown: 3 } });
    expect(losses).toEqual([{ count: 3, reason: 'alreadyShutdown', stage: 'channel' }]);
  });

  test('closed with an error, it fails when the queue is empty, also for those who subscribe later', async () => {
    const sent = channel<string>();
    sent.trySend('a');
    sent.close({ error: new Error('the source broke') });
    const seen: string[] = [];
    const failed = new Promise((resolve) => sent.items$.subscribe({ next: (item) => seen.push(item), error: resolve }));
    expect(await failed).toMatchObject({ message: 'the source broke' });
    expect(seen).toEqual(['a']);
    await expect(lastValueFrom(sent.items$)).rejects.toThrow('the source broke');
  });

  test('a signal takes a waiting item back, and its place goes to the next that fits', async () => {
    const ledger = createLedger();
    const sent = channel<string>({ maxQueueBytes: 10, ledger });
    await sent.send('123456');
    const controller = new AbortController();
    const large = sent.send('large', { signal: controller.signal });
    const small = sent.send('tiny');
    controller.abort(new Error('changed my mind'));
    await expect(large).rejects.toThrow('changed my mind');
    await small;
    await expect(sent.send('x', { signal: controller.signal })).rejects.toThrow('changed my mind');
    expect(ledger.stats()).toMatchObject({ offered: 2, accepted: 2, queueSize: 2, queueBytes: 10 });
  });

  test('a signal that outlives many sends keeps no listener of them', async () => {
    const signal = new AbortController().signal;
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1;
      removeEventListener.apply(signal, args);
    };
    const sent = channel<number>({ maxQueueSize: 1 });
    sent.items$.subscribe();
    await Promise.all(Array.from({ length: 20 }, (_, item) => sent.send(item, { signal })));
    expect(listeners).toBe(0);
  });

  test('a rejection of send that is ignored is no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    const sent = channel<string>({ maxQueueSize: 1 });
    sent.send('a');
    sent.send('b');
    sent.close();
    sent.send('c');
    await turns();
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });

  test('items leave outside the sender’s call, and outside its asynchronous context', async () => {
    const context = new AsyncLocalStorage<string>();
    const gate = createGate();
    const reopen = gate.close();
    const sent = channel<string>({ maxQueueSize: 1, gate });
    const seen: unknown[] = [];
    sent.items$.subscribe((item) => seen.push([item, context.getStore()]));
    sent.saturated$.subscribe((saturated) => seen.push([saturated, context.getStore()]));
    context.run('a request', () => {
      sent.trySend('a');
      sent.send('b');
      reopen();
      sent.forceFlush().catch(() => {});
    });
    expect(seen).toEqual([
      [false, undefined],
      [true, undefined],
    ]);
    await turns();
    expect(seen.slice(2)).toEqual([
      ['a', undefined],
      [false, undefined],
      ['b', undefined],
    ]);
  });

  test('a long queue leaves in slices, and others have a turn in between', async () => {
    const sent = channel<number>();
    for (let item = 0; item < 20_000; item += 1) sent.trySend(item);
    let [seen, others] = [0, 0];
    const tick = () => {
      others += 1;
      if (seen < 20_000) setImmediate(tick);
    };
    setImmediate(tick);
    const done = new Promise<void>((resolve) => sent.items$.subscribe({ next: () => ++seen, complete: resolve }));
    sent.close();
    await done;
    expect(seen).toBe(20_000);
    expect(others).toBeGreaterThanOrEqual(4);
  });

  test('a gate that closes during an emission stops the next one', async () => {
    const gate = createGate();
    const sent = channel<number>({ gate });
    const seen: number[] = [];
    let reopen = () => {};
    sent.items$.subscribe((item) => {
      seen.push(item);
      reopen = gate.close();
    });
    for (let item = 1; item <= 3; item += 1) sent.trySend(item);
    await turns();
    expect(seen).toEqual([1]);
    reopen();
    await turns();
    expect(seen).toEqual([1, 2]);
  });

  test.each([
    [{ maxQueueSize: 0 }, 'channel.maxQueueSize must be a whole number from 1, but was given 0'],
    [{ maxQueueBytes: 1.5 }, 'channel.maxQueueBytes must be a whole number from 1, but was given 1.5'],
    [{ maxWaitingSends: -1 }, 'channel.maxWaitingSends must be a whole number from 0, but was given -1'],
    [{ gate: {} }, 'channel.gate must be a gate of createGate(), but was given an empty object'],
    [{ flushTimeoutMillis: 0 }, 'channel.flushTimeoutMillis must be a duration in milliseconds, from 1 to 2147483647'],
    [{ sizeOf: 1 }, 'channel.sizeOf must be a function, but was given 1'],
    [{ onLoss: 1 }, 'channel.onLoss must be a function, but was given 1'],
    [{ ledger: {} }, 'channel.ledger must be a ledger of createLedger()'],
    [{ scheduler: {} }, 'channel.scheduler must be an RxJS scheduler'],
    [{ maxQueSize: 1 }, 'channel.maxQueSize must be one of the known options'],
  ])('refuses %o', (options, message) => {
    expect(() => channel(options as ChannelOptions<unknown>)).toThrow(message);
  });

  test('refuses options of send, close and forceFlush that mean nothing', () => {
    const sent = channel<string>();
    expect(() => sent.send('a', { signal: {} as AbortSignal })).toThrow('channel.send.signal must be an AbortSignal');
    expect(() => sent.send('a', { sginal: 1 } as never)).toThrow('channel.send.sginal must be one of the known');
    expect(() => sent.close({ eror: 1 } as never)).toThrow('channel.close.eror must be one of the known options');
    expect(() => sent.forceFlush({ timeoutMillis: -1 })).toThrow('channel.forceFlush.timeoutMillis must be');
    expect(Object.isFrozen(CHANNEL_DEFAULTS)).toBe(true);
  });

  test('types: the item is inferred where it can be, and wrong options do not compile', () => {
    expectTypeOf(channel<number>()).toEqualTypeOf<Channel<number>>();
    expectTypeOf(channel({ sizeOf: (item: string) => item.length })).toEqualTypeOf<Channel<string>>();
    expectTypeOf(channel<string>().trySend).returns.toEqualTypeOf<Offered>();
    expectTypeOf(channel<string>().send).returns.toEqualTypeOf<Promise<void>>();
    // @ts-expect-error: an option that does not exist
    expect(() => channel({ maxQueue: 1 })).toThrow('channel.maxQueue');
    // @ts-expect-error: an item of another kind
    channel<string>().trySend(1);
  });
});
