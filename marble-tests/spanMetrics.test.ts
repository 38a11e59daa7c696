import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, type Observable, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, type Loss } from '../src/index.ts';
import { type MetricDataPoint, type SpanMetricsOptions, spanMetrics } from '../src/processors/index.ts';
import { marbles } from '../src/testing/index.ts';
import { spanWith } from '../test/support/spans.ts';
import { throwing } from './support.ts';

const EVERY_SIX: SpanMetricsOptions = { exportIntervalMillis: 6 };

/** The metrics of the points, by letter: `c` calls, `d` duration. */
const letters = (options: SpanMetricsOptions = {}) => {
  const operator = spanMetrics(options);
  return (source: Observable<ReadableSpan>) => operator(source).pipe(map(letterOf));
};

function letterOf({ metric }: MetricDataPoint): string {
  return metric.descriptor.name === 'traces.span.metrics.calls' ? 'c' : 'd';
}

describe('spanMetrics', () => {
  test('emits calls and durations of each series, a while after the first span', async () => {
    const ledger = createLedger();
    await marbles(({ cold, spans, expectObservable, expectSubscriptions, expectLedger, diagram }) => {
      diagram('spanMetrics', {
        title: 'spanMetrics: calls c and durations d of one series, then of two; every 6 ms in which spans came',
      });
      spans({ b: { name: 'a' } });
      const source = cold(' -a-b---------x---|');
      const subs = '        ^----------------!';
      const expected = '    -------(cd)------(cdcd|)';
      expectObservable(source.pipe(letters({ ...EVERY_SIX, ledger }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      // Three spans, and six points.
      expectLedger(ledger, { accepted: 9, removed: 3, handedOn: 6 });
    });
  });
});

describe('spanMetrics: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^----!';
      const expected = '    ------';
      expectObservable(source.pipe(letters()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes with the source, without a point', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(letters())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: is in the points at the end', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-|');
      const subs = '        ^-!';
      const expected = '    --(cd|)';
      expectObservable(source.pipe(letters())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: of one series are one pair of points', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' abcde-|');
      const subs = '        ^-----!';
      const expected = '    ------(cd|)';
      expectObservable(source.pipe(letters({ dimensions: ['span.kind'] }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: the points come first', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-#');
      const subs = '        ^-!';
      const expected = '    --(cd#)';
      expectObservable(source.pipe(letters())).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: spans whose points were not emitted are reported as lost', async () => {
    const lost: Loss[] = [];
    const ledger = createLedger();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  a-b---');
      const subs = '        ^---!';
      const expected = '    -----';
      expectObservable(source.pipe(letters({ onLoss: (loss) => lost.push(loss), ledger })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual([{ count: 2, reason: 'unsubscribed', stage: 'spanMetrics' }]);
    expect(ledger.stats()).toMatchObject({ accepted: 2, pending: 0, lost: { unsubscribed: 2 } });
  });

  test("throwing callback: the host's clock stands in for one that throws", async () => {
    const thrown: unknown[] = [];
    const onCallbackError = (error: unknown) => {
      thrown.push(error);
      throwing();
    };
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-|');
      const subs = '        ^-!';
      const expected = '    --(cd|)';
      expectObservable(source.pipe(letters({ epochMillis: throwing, onCallbackError }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(thrown).toEqual([new Error('mine'), new Error('mine')]);
  });

  test('synchronous re-entrancy: a span that comes while points are emitted is in the next ones', async () => {
    const calls: unknown[] = [];
    await marbles(async ({ advanceBy }) => {
      const source = new Subject<ReadableSpan>();
      source.pipe(spanMetrics(EVERY_SIX)).subscribe(({ point: { value } }) => {
        if (typeof value !== 'number') return;
        calls.push(value);
        if (value === 1) source.next(spanWith());
      });
      source.next(spanWith());
      await advanceBy(6);
      calls.push('-');
      await advanceBy(6);
      source.complete();
    });
    expect(calls).toEqual([1, '-', 2]);
  });
});

describe('spanMetrics: points', () => {
  const lasting = (name: string, millis: number, parts: Partial<ReadableSpan> = {}) =>
    spanWith({ name, duration: [Math.floor(millis / 1e3), (millis % 1e3) * 1e6], ...parts });

  /** The points at the end of each group of spans, and the time of day in seconds. */
  async function pointsOf(options: SpanMetricsOptions, groups: readonly (readonly ReadableSpan[])[]) {
    const harvests: MetricDataPoint[][] = [];
    let seconds = 1_000;
    await marbles(async ({ advanceBy }) => {
      const source = new Subject<ReadableSpan>();
      let points: MetricDataPoint[] = [];
      const epochMillis = () => seconds * 1e3;
      source.pipe(spanMetrics({ ...EVERY_SIX, epochMillis, ...options })).subscribe((point) => points.push(point));
      for (const spans of groups) {
        for (const span of spans) source.next(span);
        seconds += 10;
        await advanceBy(6);
        harvests.push(points);
        points = [];
      }
      source.complete();
    });
    return harvests;
  }

  test('have the names, units and attributes of the Collector', async () => {
    const { resource } = spanWith();
    const shop = { resource: { ...resource, attributes: { 'service.name': 'shop' } }, kind: 1, status: { code: 2 } };
    const [points = []] = await pointsOf({}, [[lasting('GET /', 12, shop), lasting('GET /', 48, shop)]]);
    const attributes = {
      ...{ 'service.name': 'shop', 'span.name': 'GET /' },
      ...{ 'span.kind': 'SPAN_KIND_SERVER', 'status.code': 'STATUS_CODE_ERROR' },
    };
    const times = { startTime: [1_000, 0], endTime: [1_010, 0] };
    expect(points).toMatchObject([
      {
        resource: { attributes: {} },
        scope: { name: 'spanflow.spanMetrics' },
        metric: {
          ...{ descriptor: { name: 'traces.span.metrics.calls', unit: '{call}', valueType: 0 } },
          ...{ dataPointType: 3, aggregationTemporality: 1, isMonotonic: true },
        },
        point: { ...times, attributes, value: 2 },
      },
      {
        metric: {
          ...{ descriptor: { name: 'traces.span.metrics.duration', unit: 'ms', valueType: 1 } },
          ...{ dataPointType: 1, aggregationTemporality: 1 },
        },
        point: { ...times, attributes, value: { count: 2, sum: 60, min: 12, max: 48 } },
      },
    ]);
  });

  test('cumulative points count everything, delta points what came since the ones before', async () => {
    const groups = [[lasting('a', 1), lasting('b', 1)], [lasting('a', 1)], [lasting('b', 1), lasting('b', 1)]];
    const calls = async (temporality: 'cumulative' | 'delta') => {
      const harvests = await pointsOf({ temporality }, groups);
      return harvests.map((points) =>
        points
          .filter((point) => letterOf(point) === 'c')
          .map(
            ({ point }) => `${point.attributes['span.name']} ${point.startTime[0]}-${point.endTime[0]} ${point.value}`,
          ),
      );
    };
    expect(await calls('cumulative')).toEqual([
      ['a 1000-1010 1', 'b 1000-1010 1'],
      ['a 1000-1020 2', 'b 1000-1020 1'],
      ['a 1000-1030 2', 'b 1000-1030 3'],
    ]);
    expect(await calls('delta')).toEqual([['a 1000-1010 1', 'b 1000-1010 1'], ['a 1010-1020 1'], ['b 1020-1030 2']]);
  });

  test('beyond the limit of cardinality, spans are counted in the overflow', async () => {
    const spans = ['a', 'b', 'c', 'd', 'a'].map((name) => lasting(name, 5));
    const [points = []] = await pointsOf({ cardinalityLimit: 3, dimensions: ['span.name'] }, [spans]);
    const calls = points.filter((point) => letterOf(point) === 'c');
    expect(calls.map(({ point }) => [point.attributes, point.value])).toEqual([
      [{ 'span.name': 'a' }, 2],
      [{ 'span.name': 'b' }, 1],
      [{ 'otel.metric.overflow': true }, 2],
    ]);
  });

  test('an attribute of the span goes before that of the resource, and one that is absent is left out', async () => {
    const { resource } = spanWith();
    const withRegion = { resource: { ...resource, attributes: { region: 'eu', zone: 1 } } };
    const spans = [
      lasting('a', 1, { ...withRegion, attributes: { region: 'us' } }),
      lasting('a', 1, withRegion),
      lasting('a', 1),
    ];
    const [points = []] = await pointsOf({ dimensions: ['region', 'zone'] }, [spans]);
    const seen = points.filter((point) => letterOf(point) === 'c').map(({ point }) => point.attributes);
    expect(seen).toEqual([{ region: 'us', zone: 1 }, { region: 'eu', zone: 1 }, {}]);
  });

  test('whole numbers beyond 2^53, which are received as bigints, are dimensions as others are', async () => {
    const spans = [2n ** 53n + 1n, 2n ** 53n + 2n, 2n ** 53n + 1n].map((id) =>
      lasting('a', 1, { attributes: { id: id as never } }),
    );
    const [points = []] = await pointsOf({ dimensions: ['id'] }, [spans]);
    const calls = points.filter((point) => letterOf(point) === 'c');
    expect(calls.map(({ point }) => [point.attributes, point.value])).toEqual([
      [{ id: 2n ** 53n + 1n }, 2],
      [{ id: 2n ** 53n + 2n }, 1],
    ]);
  });

  test('a span that throws when it is read is lost, and counts in no point', async () => {
    const ledger = createLedger();
    const broken = Object.defineProperty(lasting('a', 1), 'status', { get: throwing });
    const [points = []] = await pointsOf({ ledger }, [[lasting('a', 1), broken]]);
    expect(points[0]?.point.value).toBe(1);
    expect(ledger.stats()).toMatchObject({ removed: 1, handedOn: 2, lost: { operatorFailed: 1 }, callbackErrors: 1 });
  });
});
