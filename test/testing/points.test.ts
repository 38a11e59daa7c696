import { bufferCount, map, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { adaptiveBatch, createLedger, exportTo, fixedSize } from '../../src/index.ts';
import type { MetricDataPoint } from '../../src/model/metricDataPoint.ts';
import { decodeMetrics, encodeMetrics } from '../../src/otlp/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { failureOf, text } from './failureOf.ts';

describe('data points by letter', () => {
  it('are drawn by their table, and expected without one', () =>
    marbles(({ hot, cold, hotBatches, points, expectObservable, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b---c-|', points());
      const subs = '        ^--------!';
      const expected = '    ---[ab]--([c]|)';
      expectBatches(source.pipe(bufferCount(2))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectObservable(cold('-a-|', points())).toBe('-a-|', points());
      expectBatches(hotBatches('-[ab]|', points())).toBe('-[ab]|');
      expectObservable(cold('-a|', points()).pipe(map((point) => ({ ...point })))).toBe('-a|');
      expectObservable(cold('-a|', points()).pipe(map(({ metric }) => metric.descriptor.name))).toBe('-a|');
    }));

  it('are the same in each run, and real enough to be encoded', async () => {
    const bytes: Uint8Array[] = [];
    for (const _ of [1, 2])
      await marbles(({ points }) => {
        const { a, B, 7: seven } = points();
        bytes.push(encodeMetrics([a, B, seven]));
      });
    expect(Buffer.compare(bytes[0] as Uint8Array, bytes[1] as Uint8Array)).toBe(0);
    const read = decodeMetrics(bytes[0] as Uint8Array);
    expect(read.map(({ metric }) => metric.descriptor.name)).toEqual(['a', 'B', '7']);
    expect(read[0]).toMatchObject({
      metric: { dataPointType: 3, isMonotonic: true, aggregationTemporality: 1 },
      point: { value: 1, attributes: {} },
    });
  });

  it('take the shape that is given: those of one metric are sent in one', () =>
    marbles(({ points }) => {
      const { x, y, h, e, g, s } = points({
        x: { metric: 'requests', value: 3, attributes: { route: '/' } },
        y: { metric: 'requests' },
        h: { type: 'histogram' },
        e: { type: 'exponentialHistogram' },
        g: { type: 'gauge', value: 0.5, resource: { 'service.name': 'shop' } },
        s: { type: 'summary' },
      });
      expect(x.metric).toBe(y.metric);
      expect(x.point).toMatchObject({ value: 3, attributes: { route: '/' } });
      expect(g.resource.attributes).toEqual({ 'service.name': 'shop' });
      const read = decodeMetrics(encodeMetrics([x, h, y, e, s, g]));
      expect(read.map(({ metric }) => metric.dataPointType)).toEqual([3, 3, 0, 1, 4, 2]);
      expect(read[0]?.metric).toBe(read[1]?.metric);
      expect(read.map(({ point }) => point.value)).toEqual([3, 1, h.point.value, e.point.value, s.point.value, 0.5]);
    }));

  it('are compared in outcomes, attempts and ledgers', () =>
    marbles(({ hot, points, sink, onLoss, expectOutcomes, expectAttempts, expectLedger }) => {
      const ledger = createLedger();
      const sizes = { maxExportBatchSize: 2, minExportBatchSize: 1, scheduledDelayMillis: 4, strategy: fixedSize() };
      const source = hot('  ab--c|    ', points());
      const expected = '    --o---(x|)';
      const scripted = sink<MetricDataPoint>('-(r|)', '-p');
      const sizeOf = () => 100;
      const batches = adaptiveBatch<MetricDataPoint>({ ...sizes, sizeOf, ledger, onLoss });
      expectOutcomes(source.pipe(batches, exportTo(scripted, { ledger, onLoss }))).toBe(expected, {
        o: { delivered: 'ab' },
        x: { lost: { permanent: 'c' }, attempts: 1 },
      });
      expectAttempts(scripted).toBe(['-^!', '-----^!'], ['ab', 'c']);
      expectLedger(ledger, { accepted: 3, delivered: 'ab', lost: { permanent: 'c' } });
    }));
});

describe('a failure with data points', () => {
  it('says in words what each is', async () => {
    const failure = failureOf(({ cold, points, expectObservable }) => {
      const shapes = points({ b: { metric: 'load', type: 'gauge', value: 0.5, attributes: { n: 1 } } });
      expectObservable(cold('---b|', shapes)).toBe('-a-b|', points());
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -a-b|
        observed  ---b|
                   ^

      at 1ms: a was expected, but nothing came; next came b at 3ms
        a  the data point of a, sum, 1
        b  the data point of load, gauge, 0.5, { n: 1 }
    `);
  });

  it('shows a changed one as none of the letters', async () => {
    const failure = failureOf(({ points, expectObservable }) => {
      const { a } = points();
      expectObservable(of({ ...a, point: { ...a.point, value: 2 } })).toBe('(a|)');
    });
    expect(await failure).toContain('?  the data point of a, sum, 2');
  });

  it('tells of two types in one metric, and of a shape that comes too late', async () => {
    const types = failureOf(({ points }) => {
      const { a, b } = points({ a: { metric: 'm' }, b: { metric: 'm', type: 'gauge' } });
      void [a, b];
    });
    expect(await types).toBe(
      'the data point b is a gauge of the metric m, which is a sum: give it another metric, or the same type',
    );
    const late = failureOf(({ points, cold }) => {
      cold('-a', points());
      points({ a: { value: 2 } });
    });
    expect(await late).toBe('the data point a is drawn already: shape it with points({ a: … }) before that');
  });
});
