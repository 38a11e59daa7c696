import { type Observable, Subject, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createGate } from '../src/flow/gate.ts';
import { channel } from '../src/inputs/channel/channel.ts';
import type { Channel } from '../src/inputs/channel/options.ts';
import { createLedger } from '../src/ledger/ledger.ts';
import { adaptiveBatch } from '../src/operators/adaptiveBatch/adaptiveBatch.ts';
import { exportTo } from '../src/operators/exportTo/exportTo.ts';
import { marbles } from '../src/testing/index.ts';
import { drawnGate, letters } from './support.ts';

/** The producers, drawn: each letter is a `trySend`, the end is `close()`, the error is one that it is closed with. */
function produce<T>(sent: Channel<T>, source: Observable<T>): string[] {
  const answers: string[] = [];
  source.subscribe({
    next: (item) => answers.push(sent.trySend(item)),
    error: (error) => sent.close({ error }),
    complete: () => sent.close(),
  });
  return answers;
}

describe('channel', () => {
  test('drops what finds no room, waits for the gate, and lets what is queued drain', () =>
    marbles(async ({ hot, flush, expectObservable, expectSubscriptions, diagram }) => {
      diagram('channel', {
        title: 'channel: maxQueueSize 2, a gate that is closed at x and opened at o',
        sources: ['trySend', 'gate'],
        results: ['items$'],
      });
      const source = hot('   -a-b-c-d-----|');
      const closing = hot('  --x-----o----|', letters('xo'));
      const subs = '         ^------------!';
      const expected = '     -a------(bc)-|';
      const sent = channel({ maxQueueSize: 2, gate: drawnGate(closing) });
      const answers = produce(sent, source);
      expectObservable(sent.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
      expect(answers).toEqual(['accepted', 'accepted', 'accepted', 'dropped']);
    }));

  test('a late subscriber gets what waited in the queue', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' -a-b-|');
      const subs = '       ^----!';
      const late = '       ---------^';
      const expected = '   ---------(ab|)';
      const sent = channel();
      produce(sent, source);
      expectObservable(sent.items$, late).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('saturated$ tells of a full queue, until it is half empty', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-c-|');
      const subs = '        ^------!';
      const closing = hot(' x--------(o|)', letters('xo'));
      const expected = '    ---------(abc|)';
      const saturated = '   n----y---(n|)';
      const sent = channel({ maxQueueSize: 3, gate: drawnGate(closing) });
      produce(sent, source);
      expectObservable(sent.saturated$).toBe(saturated, { n: false, y: true });
      expectObservable(sent.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('saturated$ stays true between full and half empty', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('    (abcd)--------|');
      const subs = '          ^-------------!';
      const opening = hot('   x------o-o-o-o|', letters('xo'));
      const expected = '      -------a-b-c-d|';
      const saturated = '     (ny)-----n----|';
      const gate = createGate();
      let open = gate.close();
      opening.subscribe((letter) => letter === 'o' && open());
      const sent = channel({ maxQueueSize: 4, gate });
      sent.items$.subscribe(() => {
        open = gate.close();
      });
      produce(sent, source);
      expectObservable(sent.saturated$).toBe(saturated, { n: false, y: true });
      expectObservable(sent.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a producer that waits gets its turn when the gate opens', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-c------|', letters('abc'));
      const subs = '        ^-----------!';
      const closing = hot(' x--------(o|)', letters('xo'));
      const expected = '    ---------(abc)';
      const admitted = '    -a-------(bc)';
      const sent = channel<string>({ maxQueueSize: 1, gate: drawnGate(closing) });
      const admissions = new Subject<string>();
      source.subscribe((item) => void sent.send(item).then(() => admissions.next(item)));
      expectObservable(admissions).toBe(admitted);
      expectObservable(sent.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('producers are refused when nothing has left for stallTimeoutMillis, each who has waited for so long', () =>
    marbles(async ({ hot, flush, expectObservable, expectSubscriptions }) => {
      const source = hot('  ab--c---d-------|', letters('abcd'));
      const subs = '        ^---------------!';
      const closing = hot(' x-----------(o|)', letters('xo'));
      const expected = '    ------------(ad)|';
      const refused = '     ------b--c-------';
      const ledger = createLedger();
      const sent = channel<string>({ maxQueueSize: 1, stallTimeoutMillis: 5, gate: drawnGate(closing), ledger });
      const refusals = new Subject<string>();
      const messages = new Set<string>();
      const complete = () => sent.close();
      const send = (item: string) =>
        sent.send(item).catch(({ code, message }) => {
          messages.add(`${code}: ${message}`);
          refusals.next(item);
        });
      source.subscribe({ next: (item) => void send(item), complete });
      expectObservable(sent.items$).toBe(expected);
      expectObservable(refusals, '^----------------!').toBe(refused);
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
      expect([...messages]).toEqual([
        'TIMEOUT: channel: the queue is full (maxQueueSize 1, maxQueueBytes 67108864), and nothing has left it for stallTimeoutMillis 5: a consumer that awaits its own send cannot go on',
      ]);
      expect(ledger.stats().stages.channel).toMatchObject({ accepted: 2, refused: { queueFull: 2 } });
    }));

  test('producers wait for longer than stallTimeoutMillis while items leave', () =>
    marbles(async ({ hot, flush, expectObservable, expectSubscriptions }) => {
      const source = hot('  (abcd)----------|', letters('abcd'));
      const subs = '        ^---------------!';
      const opening = hot(' ---o---o---o---o|', letters('o'));
      const expected = '    ---a---b---c---d|';
      const gate = createGate();
      let open = gate.close();
      opening.subscribe(() => open());
      const sent = channel<string>({ maxQueueSize: 1, stallTimeoutMillis: 5, gate });
      source.subscribe({ next: (item) => void sent.send(item), complete: () => sent.close() });
      const items = new Subject<string>();
      sent.items$.subscribe({
        next: (item) => {
          open = gate.close();
          items.next(item);
        },
        complete: () => items.complete(),
      });
      expectObservable(items).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
    }));

  test('its flush$ makes a batcher send what it has, and is answered by the outcome', () =>
    marbles(async ({ hot, sink, advanceBy, now, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b-----------|');
      const subs = '        ^--------------!';
      const expected = '    -----[ab]------|';
      const sent = channel();
      produce(sent, source);
      const backend = sink(' --(r|)');
      const batches = new Subject<never>();
      const flow = sent.items$.pipe(adaptiveBatch({ scheduledDelayMillis: 1_000, flushWhen: sent.flush$ }));
      flow.subscribe({
        next: (batch) => batches.next(batch as never),
        complete: () => batches.complete(),
      });
      batches.pipe(exportTo(backend)).subscribe();
      expectBatches(batches).toBe(expected, { closedBy: ['flush'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
      await advanceBy(5);
      await sent.forceFlush();
      expect(now()).toBe(7);
    }));

  test('a flush waits for the items before it, and not for those behind', () =>
    marbles(async ({ hot, advanceBy, now }) => {
      const gate = drawnGate(hot('x---o|', letters('xo')));
      const sent = channel<string>({ gate });
      const seen: string[] = [];
      sent.items$.subscribe((item) => seen.push(item));
      sent.flush$.subscribe(() => seen.push('flush'));
      await advanceBy(1);
      sent.trySend('a');
      const flushed = sent.forceFlush();
      sent.trySend('b');
      await flushed;
      expect(now()).toBe(4);
      expect(seen).toEqual(['a', 'flush', 'b']);
    }));

  test('a flush without an answer rejects at its timeout, and a flush after the end is answered', () =>
    marbles(async ({ flush, now }) => {
      const sent = channel<string>({ flushTimeoutMillis: 20 });
      sent.trySend('a');
      await expect(sent.forceFlush()).rejects.toMatchObject({ code: 'FLUSH_TIMEOUT' });
      expect(now()).toBe(20);
      sent.items$.subscribe();
      sent.close();
      await flush();
      await sent.forceFlush();
      expect(now()).toBe(20);
    }));
});

describe('channel: the compulsory cases', () => {
  test('never: nothing comes, and no timer runs', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' -');
      const subs = '       ^---!';
      const expected = '   -';
      const sent = channel();
      const sending = source.pipe(tap((item) => sent.trySend(item)));
      expectObservable(sending, subs).toBe(expected);
      expectObservable(sent.items$, subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: a channel that is closed before anything is sent completes', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' ---|');
      const subs = '       ^--!';
      const expected = '   ---|';
      const sent = channel();
      produce(sent, source);
      expectObservable(sent.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: what is sent in the moment of the closing still comes', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' --(a|)');
      const subs = '       ^-!';
      const expected = '   --(a|)';
      const sent = channel();
      produce(sent, source);
      expectObservable(sent.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: in the order in which they were sent, by several producers', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const one = hot('   -a-b-c-');
      const other = hot(' --x-y-z|');
      const subs = '      ^------!';
      const expected = '  -axbycz|';
      const sent = channel();
      const producer = one.subscribe((item) => sent.trySend(item));
      other.subscribe({
        next: (item) => sent.trySend(item),
        complete: () => {
          producer.unsubscribe();
          sent.close();
        },
      });
      expectObservable(sent.items$).toBe(expected);
      expectSubscriptions(one.subscriptions).toBe(subs);
      expectSubscriptions(other.subscriptions).toBe(subs);
    }));

  test('error: what is queued drains first, then the stream fails', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-#');
      const subs = '        ^----!';
      const closing = hot(' --x-----(o|)', letters('xo'));
      const expected = '    -a------(b#)';
      const sent = channel({ gate: drawnGate(closing) });
      produce(sent, source);
      expectObservable(sent.items$).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: items stay in the queue for the next who subscribes', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' -a-b-c-|');
      const subs = '       ^------!';
      const first = '      ^-!';
      const expected = '   -a-';
      const second = '     ---------^';
      const rest = '       ---------(bc|)';
      const sent = channel();
      produce(sent, source);
      expectObservable(sent.items$, first).toBe(expected);
      expectObservable(sent.items$, second).toBe(rest);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: each is counted, and the stream goes on', () =>
    marbles(async ({ flush }) => {
      const ledger = createLedger();
      const fail = () => {
        throw new Error('mine');
      };
      const sent = channel<string>({ maxQueueSize: 1, sizeOf: fail, onLoss: fail, ledger });
      expect([sent.trySend('a'), sent.trySend('b')]).toEqual(['accepted', 'dropped']);
      const seen: string[] = [];
      sent.items$.subscribe((item) => seen.push(item));
      await flush();
      expect(seen).toEqual(['a']);
      expect(ledger.stats()).toMatchObject({ callbackErrors: 3, handedOn: 1, refused: { queueFull: 1 }, pending: 0 });
    }));

  test('synchronous re-entrancy: what a listener sends comes behind, and no stack grows', () =>
    marbles(async ({ flush }) => {
      const sent = channel<number>();
      const depths = new Set<number>();
      const seen: number[] = [];
      sent.items$.subscribe((item) => {
        if (item % 5_000 === 0) depths.add((new Error().stack ?? '').split('\n').length);
        seen.push(item);
        if (item < 20_000) sent.trySend(item + 1);
        else sent.close();
      });
      sent.trySend(1);
      await flush();
      expect(seen).toHaveLength(20_000);
      expect(depths.size).toBe(1);
    }));
});
