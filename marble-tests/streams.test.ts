import { PassThrough } from 'node:stream';
import { type Observable, Subject } from 'rxjs';
import { describe, test } from 'vitest';
import {
  channel,
  fromReadable,
  fromReadableStream,
  toAsyncIterable,
  toReadable,
  toReadableStream,
  toWritable,
  toWritableStream,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { drawnGate, letters } from './support.ts';

const GATE = letters('xo');
const LETTERS = letters('abc');

/** A queue for one, and the first who comes stays in it. */
const ONE = { maxQueueSize: 1, overflow: 'dropNewest' } as const;

/** What a reader that reads at each `x` gets, as an Observable of the same drawing. */
function readAt<T>(reads: Observable<string>, read: () => Promise<{ done?: boolean | undefined; value?: T }>) {
  const seen = new Subject<T>();
  reads.subscribe(async () => {
    const { done, value } = await read();
    if (done) seen.complete();
    else seen.next(value as T);
  });
  return seen;
}

describe('what is read from', () => {
  test('a Node stream is read while the gate is open', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'fromReadable: a gate that is closed at x and opened at o';
      diagram('fromReadable', { title, sources: ['stream', 'gate'] });
      const source = hot('  -a-b-c----|', LETTERS);
      const gate = hot('    --x---(o|)', GATE);
      const subs = '        ^---------!';
      const expected = '    -a----(bc)|';
      const stream = new PassThrough({ objectMode: true });
      source.subscribe({ next: (letter) => stream.write(letter), complete: () => stream.end() });
      expectObservable(fromReadable(stream, { gate: drawnGate(gate) })).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a Web stream is read while the gate is open', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'fromReadableStream: a gate that is closed at x and opened at o';
      diagram('fromReadableStream', { title, sources: ['stream', 'gate'] });
      const source = hot('  -a-b-c----|', LETTERS);
      const gate = hot('    --x---(o|)', GATE);
      const subs = '        ^---------!';
      const expected = '    -a----(bc)|';
      const stream = new ReadableStream<string>({
        start: (controller) =>
          void source.subscribe({
            next: (letter) => controller.enqueue(letter),
            complete: () => controller.close(),
          }),
      });
      expectObservable(fromReadableStream(stream, { gate: drawnGate(gate) })).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});

describe('what is read', () => {
  test('an iterator gets what waits, or waits for it; what meets a full queue is lost', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'toAsyncIterable: read at x, maxQueueSize 1, dropNewest';
      diagram('toAsyncIterable', { title, sources: ['reads', 'source'] });
      const reads = hot('   x----x-x--|', GATE);
      const source = hot('  -abc------|', LETTERS);
      const subs = '        ^---------!';
      const expected = '    -a---b----|';
      const iterator = toAsyncIterable(source, ONE)[Symbol.asyncIterator]();
      expectObservable(readAt(reads, () => iterator.next())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('the reader of a Web stream gets what waits, or waits for it; what meets a full queue is lost', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'toReadableStream: read at x, maxQueueSize 1, dropNewest';
      diagram('toReadableStream', { title, sources: ['reads', 'source'] });
      const reads = hot('   x----x-x--|', GATE);
      const source = hot('  -abc------|', LETTERS);
      const subs = '        ^---------!';
      const expected = '    -a---b----|';
      const reader = toReadableStream(source, ONE).getReader();
      expectObservable(readAt(reads, () => reader.read())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('the reader of a Node stream gets what waits; the stream holds one beside the queue', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'toReadable: read at x, maxQueueSize 1, dropNewest';
      diagram('toReadable', { title, sources: ['reads', 'source'] });
      const reads = hot('   x----x-xx-|', GATE);
      const source = hot('  -abcd-----|', letters('abcd'));
      const subs = '        ^---------!';
      const expected = '    -a---b-c--|';
      const iterator = toReadable(source, ONE)[Symbol.asyncIterator]();
      expectObservable(readAt(reads, () => iterator.next())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});

describe('what is written into', () => {
  test('a Node stream waits while its channel has no room', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'toWritable: a channel with maxQueueSize 1, whose gate is closed at x and opened at o';
      diagram('toWritable', { title, sources: ['writes', 'gate'], results: ['items$'] });
      const source = hot('  -a-b-c------|', LETTERS);
      const gate = hot('    --x----o----|', GATE);
      const subs = '        ^-----------!';
      const expected = '    -a-----(bc)-|';
      const sent = channel<string>({ maxQueueSize: 1, gate: drawnGate(gate) });
      const writable = toWritable(sent);
      source.subscribe({ next: (item) => writable.write(item), complete: () => writable.end() });
      expectObservable(sent.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a Web stream waits while its channel has no room', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'toWritableStream: a channel with maxQueueSize 1, whose gate is closed at x and opened at o';
      diagram('toWritableStream', { title, sources: ['writes', 'gate'], results: ['items$'] });
      const source = hot('  -a-b-c------|', LETTERS);
      const gate = hot('    --x----o----|', GATE);
      const subs = '        ^-----------!';
      const expected = '    -a-----(bc)-|';
      const sent = channel<string>({ maxQueueSize: 1, gate: drawnGate(gate) });
      const writer = toWritableStream(sent).getWriter();
      source.subscribe({ next: (item) => void writer.write(item), complete: () => void writer.close() });
      expectObservable(sent.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});
