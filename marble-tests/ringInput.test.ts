import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Observable, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, type FromSpanProcessorOptions, fromSpanProcessor } from '../src/index.ts';
import { fromLogRecordProcessor, type ReadableLogRecord } from '../src/logs.ts';
import { type MarbleKit, marbles } from '../src/testing/index.ts';
import { throwing } from './support.ts';

/** An input that an SDK pushes into, in the words of its ring. */
interface Input {
  readonly items$: Observable<unknown>;
  offer(item: unknown): void;
  shutdown(): Promise<void>;
}

/** A front of the ring. What is its own is in the file of its name. */
interface Front {
  readonly name: string;
  /** Its items by letter. */
  items(kit: MarbleKit): Readonly<Record<'a', unknown>>;
  input(options?: FromSpanProcessorOptions): Input;
}

const FRONTS: readonly Front[] = [
  {
    name: 'fromSpanProcessor',
    items: ({ spans }) => spans(),
    input: (options) => {
      const input = fromSpanProcessor(options);
      const offer = (span: unknown) => input.onEnd(span as ReadableSpan);
      return { items$: input.spans$, offer, shutdown: () => input.shutdown() };
    },
  },
  {
    name: 'fromLogRecordProcessor',
    items: ({ logs }) => logs(),
    input: (options) => {
      const input = fromLogRecordProcessor(options);
      const offer = (record: unknown) => input.onEmit(record as ReadableLogRecord);
      return { items$: input.records$, offer, shutdown: () => input.shutdown() };
    },
  },
];

/** The SDK, drawn: each letter is an item that it pushes, the end is `shutdown()`. */
function push(input: Input, source: Observable<unknown>): void {
  source.subscribe({ next: (item) => input.offer(item), complete: () => void input.shutdown() });
}

describe.each(FRONTS)('ringInput: the compulsory cases of $name', (front) => {
  test('never: nothing comes, and no timer runs', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' -');
      const subs = '       ^----!';
      const expected = '   ------';
      const input = front.input();
      expectObservable(source.pipe(tap((item) => input.offer(item))), subs).toBe(expected);
      expectObservable(input.items$, subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: a shutdown before any item completes it', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' ---|');
      const subs = '       ^--!';
      const expected = '   ---|';
      const input = front.input();
      push(input, source);
      expectObservable(input.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: what comes in the moment of the shutdown still leaves', () =>
    marbles(async (kit) => {
      const { hot, flush, expectObservable, expectSubscriptions } = kit;
      const source = hot(' --(a|)', front.items(kit));
      const subs = '       ^-!';
      const expected = '   --(a|)';
      const input = front.input();
      push(input, source);
      expectObservable(input.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
    }));

  test('many: in the order in which they came, to each subscriber', () =>
    marbles((kit) => {
      const { hot, expectObservable, expectSubscriptions } = kit;
      const source = hot(' -a-(bcd)--e|', front.items(kit));
      const subs = '       ^----------!';
      const expected = '   -a-(bcd)--e|';
      const late = '       ---------^';
      const rest = '       ----------e|';
      const input = front.input();
      push(input, source);
      expectObservable(input.items$).toBe(expected);
      expectObservable(input.items$, late).toBe(rest);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: it has none; what comes after the shutdown is counted, and nothing throws', async () => {
    const ledger = createLedger();
    await marbles((kit) => {
      const { hot, expectObservable, expectSubscriptions } = kit;
      const source = hot(' -a---b-', front.items(kit));
      const ending = hot(' ---|');
      const subs = '       ^------!';
      const offered = '    -a---b-';
      const expected = '   -a-|';
      const input = front.input({ ledger });
      push(input, ending);
      expectObservable(source.pipe(tap((item) => input.offer(item))), subs).toBe(offered);
      expectObservable(input.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats()).toMatchObject({ handedOn: 1, refused: { alreadyShutdown: 1 }, pending: 0 });
  });

  test('early unsubscribe: items wait in the ring for the next who subscribes', () =>
    marbles((kit) => {
      const { hot, expectObservable, expectSubscriptions } = kit;
      const source = hot(' -a-b-c-----d-|', front.items(kit));
      const subs = '       ^------------!';
      const first = '      ^-!';
      const expected = '   -a-';
      const second = '     -------^';
      const rest = '       -------(bc)d-|';
      const input = front.input();
      push(input, source);
      expectObservable(input.items$, first).toBe(expected);
      expectObservable(input.items$, second).toBe(rest);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: one of onLoss is counted, and the stream goes on', async () => {
    const ledger = createLedger();
    await marbles((kit) => {
      const { hot, expectObservable, expectSubscriptions } = kit;
      const source = hot(' -(abc)--d-|', front.items(kit));
      const subs = '       ^---------!';
      const expected = '   -a------d-|';
      const input = front.input({ maxQueueSize: 1, onLoss: throwing, ledger });
      push(input, source);
      expectObservable(input.items$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats()).toMatchObject({ handedOn: 2, refused: { queueFull: 2 }, callbackErrors: 1, pending: 0 });
  });

  test('synchronous re-entrancy: an item that a listener pushes comes behind, and no stack grows', () =>
    marbles(async (kit) => {
      const { a } = front.items(kit);
      const input = front.input();
      const depths = new Set<number>();
      let seen = 0;
      input.items$.subscribe(() => {
        seen += 1;
        if (seen % 5_000 === 0) depths.add((new Error().stack ?? '').split('\n').length);
        if (seen < 20_000) input.offer(a);
      });
      input.offer(a);
      await kit.flush();
      await input.shutdown();
      expect(seen).toBe(20_000);
      expect(depths.size).toBe(1);
    }));
});
