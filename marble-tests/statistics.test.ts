import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, type Observable, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, type Loss } from '../src/index.ts';
import { mergeStatistics, type SpanStatistics, type StatisticsOptions, statistics } from '../src/processors/index.ts';
import { marbles } from '../src/testing/index.ts';
import { spanWith } from '../test/support/spans.ts';
import { throwing } from './support.ts';

/** The keys of what is emitted. */
const keys = (options: StatisticsOptions = {}) => {
  const operator = statistics(options);
  return (source: Observable<ReadableSpan>) => operator(source).pipe(map(({ key }) => key));
};

const lasting = (name: string, millis: number, code: 0 | 2 = 0) =>
  spanWith({ name, duration: [Math.floor(millis / 1e3), (millis % 1e3) * 1e6], status: { code } });

/** What comes of some spans in one window. */
function statisticsOf(spans: readonly ReadableSpan[], options: StatisticsOptions = {}): SpanStatistics[] {
  const source = new Subject<ReadableSpan>();
  const seen: SpanStatistics[] = [];
  source.pipe(statistics({ epochMillis: () => 5_000, ...options })).subscribe((one) => seen.push(one));
  for (const span of spans) source.next(span);
  source.complete();
  return seen;
}

describe('statistics', () => {
  test('emits one value for each key of a window', async () => {
    const ledger = createLedger();
    await marbles(({ cold, spans, expectObservable, expectSubscriptions, expectLedger, diagram }) => {
      diagram('statistics', { title: 'statistics: the names of spans are the keys, c is called a; windowMillis 6' });
      spans({ c: { name: 'a' } });
      const source = cold(' -a-bc------d--|');
      const subs = '        ^-------------!';
      const expected = '    -------(ab)---(d|)';
      expectObservable(source.pipe(keys({ windowMillis: 6, ledger }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      // Four spans, and three values.
      expectLedger(ledger, { accepted: 7, removed: 4, handedOn: 3 });
    });
  });
});

describe('statistics: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^----!';
      const expected = '    ------';
      expectObservable(source.pipe(keys()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(keys())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: is emitted at the end', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-|');
      const subs = '        ^-!';
      const expected = '    --(a|)';
      expectObservable(source.pipe(keys())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: come in the order of the first spans of their keys', () =>
    marbles(({ cold, spans, expectObservable, expectSubscriptions }) => {
      spans({ c: { name: 'a' } });
      const source = cold(' abcd-|');
      const subs = '        ^----!';
      const expected = '    -----(abd|)';
      expectObservable(source.pipe(keys())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: the window comes first', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-#');
      const subs = '        ^-!';
      const expected = '    --(a#)';
      expectObservable(source.pipe(keys())).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: the spans of the window are reported as lost', async () => {
    const lost: Loss[] = [];
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  a-b---');
      const subs = '        ^---!';
      const expected = '    -----';
      expectObservable(source.pipe(keys({ onLoss: (loss) => lost.push(loss) })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual([{ count: 2, reason: 'unsubscribed', stage: 'statistics' }]);
  });

  test('throwing callback: a span whose key throws, or is no text, is lost', async () => {
    const thrown: unknown[] = [];
    const ledger = createLedger();
    const onCallbackError = (error: unknown) => {
      thrown.push(error);
      throwing();
    };
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' abc-|');
      const subs = '        ^---!';
      const expected = '    ----(c|)';
      const key = ({ name }: ReadableSpan) => (name === 'a' ? throwing() : name === 'b' ? (3 as never) : name);
      expectObservable(source.pipe(keys({ key, onCallbackError, ledger }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(thrown).toEqual([new Error('mine'), expect.objectContaining({ given: 3 })]);
    expect(ledger.stats()).toMatchObject({ removed: 1, handedOn: 1, lost: { operatorFailed: 2 } });
  });

  test('synchronous re-entrancy: a span that comes while a window is emitted is in the next one', async () => {
    const seen: string[] = [];
    await marbles(async ({ advanceBy }) => {
      const source = new Subject<ReadableSpan>();
      source.pipe(keys({ windowMillis: 5 })).subscribe((key) => {
        if (key === 'a') source.next(lasting('c', 1));
        seen.push(key);
      });
      for (const name of ['a', 'b']) source.next(lasting(name, 1));
      await advanceBy(5);
      seen.push('-');
      await advanceBy(5);
      source.complete();
    });
    expect(seen).toEqual(['a', 'b', '-', 'c']);
  });
});

describe('statistics: figures', () => {
  test('counts, errors and quantiles', () => {
    const spans = Array.from({ length: 100 }, (_, index) => lasting('a', index + 1, index < 3 ? 2 : 0));
    const [one] = statisticsOf(spans);
    expect(one).toMatchObject({ key: 'a', startMillis: 5_000, endMillis: 5_000, count: 100, errors: 3 });
    const quantiles = [one?.p50Millis, one?.p95Millis, one?.p99Millis].map(
      (found = 0, index) => found / [50, 95, 99][index]!,
    );
    for (const ratio of quantiles) {
      expect(ratio).toBeGreaterThanOrEqual(1 - 1e-9);
      expect(ratio).toBeLessThan(1.05);
    }
  });

  test('merging parts is as counting all of them', () => {
    const spans = Array.from({ length: 300 }, (_, index) =>
      lasting('a', (index * 7919) % 60_000, index % 5 === 0 ? 2 : 0),
    );
    const [whole] = statisticsOf(spans);
    const parts = [0, 1, 2].map(
      (part) => statisticsOf(spans.filter((_, index) => index % 3 === part))[0] as SpanStatistics,
    );
    const [first, ...others] = parts as [SpanStatistics, ...SpanStatistics[]];
    const merged = mergeStatistics({ ...first, startMillis: 1 }, ...others.map((one) => structuredClone(one)));
    expect(merged).toMatchObject({ key: 'a', startMillis: 1, endMillis: 5_000, count: 300, errors: 60 });
    expect([merged.p50Millis, merged.p95Millis, merged.p99Millis]).toEqual([
      whole?.p50Millis,
      whole?.p95Millis,
      whole?.p99Millis,
    ]);
    expect(merged.durations.positive).toEqual(whole?.durations.positive);
  });

  test('keys beyond maxKeys are counted together', () => {
    const spans = ['a', 'b', 'c', 'd', 'a'].map((name) => lasting(name, 1));
    expect(statisticsOf(spans, { maxKeys: 2 }).map(({ key, count }) => `${key} ${count}`)).toEqual([
      ...['a 2', 'b 1', 'otel.metric.overflow 2'],
    ]);
  });

  test('the key may be an attribute; where it is absent, the key is empty', () => {
    const spans = [spanWith({ attributes: { route: '/a' } }), spanWith({ attributes: { route: 7 } }), spanWith()];
    expect(statisticsOf(spans, { key: 'route' }).map(({ key }) => key)).toEqual(['/a', '7', '']);
  });
});
