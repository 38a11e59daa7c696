import { describe, expect, test } from 'vitest';
import { lossesBetween } from '../../src/view/shared/counts.ts';
import { equationsOf } from '../../src/view/shared/equations.ts';
import { fillOf, flowLayout } from '../../src/view/shared/flowLayout.ts';
import { count, duration, shortCount } from '../../src/view/shared/format.ts';
import { quantilesOf } from '../../src/view/shared/quantiles.ts';
import { rateOf, ratesOf } from '../../src/view/shared/rates.ts';
import { verdictOf } from '../../src/view/shared/verdict.ts';
import { isFound, waterfallOf } from '../../src/view/shared/waterfall.ts';
import { booksOf, pointAt, sampleOf, spanAt, stageBooks, traceOf } from './support.ts';

describe('the picture of a flow', () => {
  const place = (stage: string, follows: string[], role: 'input' | 'batch' | 'sink' = 'sink') => ({
    ...{ stage, follows, role },
  });

  test('puts each stage one column behind those that it follows, and routes below each other', () => {
    const places = [
      place('in', [], 'input'),
      place('batch', ['in'], 'batch'),
      place('a', ['batch']),
      place('b', ['batch']),
    ];
    const spots = flowLayout({ places, stages: {} }).map(({ stage, column, row, isLast }) => [
      stage,
      column,
      row,
      isLast,
    ]);
    expect(spots).toEqual([
      ['in', 0, 0, false],
      ['batch', 1, 0, false],
      ['a', 2, 0, true],
      ['b', 2, 1, true],
    ]);
  });

  test('shows in a batcher what waits there, and in the sink what is out', () => {
    const places = [place('batch', [], 'batch'), place('sink', ['batch'])];
    const stages = { batch: stageBooks({ pending: 70 }), sink: stageBooks({ pending: 50 }) };
    expect(flowLayout({ places, stages }).map(({ waiting }) => waiting)).toEqual([20, 50]);
  });

  test('ends where stages follow each other in a circle', () => {
    const places = [place('a', ['b']), place('b', ['a'])];
    expect(flowLayout({ places, stages: {} })).toHaveLength(2);
  });

  test('fills by a logarithmic scale, from empty to full', () => {
    expect([0, 9, 999, 1e9, -1].map((items) => Number(fillOf(items).toFixed(2)))).toEqual([0, 0.2, 0.6, 1, 0]);
  });
});

describe('figures', () => {
  test('quantiles are taken by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantilesOf(values)).toEqual({ count: 100, p50: 50, p90: 90, p99: 99 });
    expect(quantilesOf([7])).toEqual({ count: 1, p50: 7, p90: 7, p99: 7 });
    expect(quantilesOf([])).toBeNull();
  });

  test('a rate looks back two seconds, and is 0 without anything to compare with', () => {
    const points = [0, 500, 1_000, 3_000, 4_000].map((at) => pointAt(at, { offered: at / 10 }));
    expect(ratesOf(points, 'offered')).toEqual([0, 100, 100, 100, 100]);
    expect([rateOf([], 'offered'), rateOf([pointAt(5)], 'offered')]).toEqual([0, 0]);
  });

  test('are written shortly', () => {
    expect([count(12_345), shortCount(99_999), shortCount(1_234_567)]).toEqual(['12,345', '99,999', '1.2M']);
    expect([0, 0.25, 4.52, 9.96, 120.4, 2_400, 180_000].map(duration)).toEqual([
      ...['0 ms', '250 µs', '4.5 ms', '10 ms', '120 ms', '2.4 s', '3 min'],
    ]);
  });
});

describe('the books', () => {
  const stats = booksOf({ offered: 10, accepted: 9, refused: { queueFull: 1 }, delivered: 4, lost: { permanent: 2 } });

  test('are two equations, which hold or not', () => {
    const [offered, accepted] = equationsOf({ ...stats, pending: 3 });
    expect(offered).toEqual({
      total: ['offered', 10],
      terms: [
        ['accepted', 9],
        ['refused', 1],
      ],
      holds: true,
    });
    expect(accepted.terms).toEqual([
      ['delivered', 4],
      ['lost', 2],
      ['pending', 3],
    ]);
    expect(accepted.holds).toBe(true);
    expect(equationsOf(stats)[1].holds).toBe(false);
  });

  test('show what is seldom only where it is there', () => {
    const [, accepted] = equationsOf({ ...stats, between: 3 });
    expect(accepted).toMatchObject({
      terms: [
        ['delivered', 4],
        ['between', 3],
        ['lost', 2],
        ['pending', 0],
      ],
      holds: true,
    });
  });

  test('tell what was lost since the last sample, at the last stage that has booked it', () => {
    const stages = { batch: stageBooks({ lost: { permanent: 2 } }), sink: stageBooks({ lost: { permanent: 2 } }) };
    expect(lossesBetween(booksOf({ refused: { queueFull: 1 } }), { ...stats, stages })).toEqual([
      { reason: 'permanent', count: 2, stage: 'sink' },
    ]);
    expect(lossesBetween(stats, stats)).toEqual([]);
  });
});

describe('the verdict', () => {
  test.each([
    ['paused', 'idle', 'Paused: 5 items wait. Nothing has been lost.'],
    ['degraded', 'trouble', 'The backend fails; what waits is tried again. Nothing has been lost.'],
  ] as const)('of a pipeline that is %s', (state, level, text) => {
    expect(verdictOf({ ...sampleOf({ pending: 5 }), state }, [pointAt(0)])).toEqual({ level, text });
  });

  const moving = (counter: 'delivered' | 'lost' | 'retries') => [pointAt(0), pointAt(1_000, { [counter]: 10 })];

  test.each([
    ['good', sampleOf({ delivered: 9 }), moving('delivered'), 'Items are arriving. Nothing has been lost.'],
    ['loss', sampleOf({ lost: { queueFull: 3 } }), moving('lost'), 'Items are being lost: queueFull.'],
    [
      'trouble',
      sampleOf({ pending: 3 }),
      moving('retries'),
      'The backend fails; what waits is tried again. Nothing has been lost.',
    ],
    ['trouble', sampleOf({ pending: 3 }), [], '3 items wait, and none arrives. Nothing has been lost.'],
    ['idle', sampleOf({ lost: { expired: 3 } }), [], 'Idle: nothing waits. 3 were lost before.'],
    ['good', sampleOf({}, true), [], 'Shut down. Nothing has been lost.'],
    ['loss', sampleOf({ lost: { shutdown: 2 } }, true), [], 'Shut down. 2 items were lost.'],
  ] as const)('is %s', (level, sample, points, text) => {
    expect(verdictOf(sample, points)).toEqual({ level, text });
  });
});

describe('a waterfall', () => {
  test('has each span below its parent, by start, as fractions of the whole', () => {
    const trace = traceOf(
      spanAt('late', 60, 40, 'root'),
      spanAt('root', 0, 100),
      spanAt('deep', 20, 10, 'early'),
      spanAt('early', 10, 40, 'root'),
    );
    expect(waterfallOf(trace).map(({ span, depth, left, width }) => [span.id, depth, left, width])).toEqual([
      ['root', 0, 0, 1],
      ['early', 1, 0.1, 0.4],
      ['deep', 2, 0.2, 0.1],
      ['late', 1, 0.6, 0.4],
    ]);
  });

  test('has each span once: without its parent, of one length with others, with a repeated id, or as its own ancestor', () => {
    const ids = (...spans: Parameters<typeof traceOf>) => waterfallOf(traceOf(...spans)).map(({ span }) => span.id);
    expect(ids(spanAt('orphan', 0, 0, 'elsewhere'))).toEqual(['orphan']);
    expect(ids(spanAt('a', 0, 1), spanAt('a', 1, 1))).toEqual(['a', 'a']);
    expect(ids(spanAt('a', 0, 1, 'b'), spanAt('b', 0, 1, 'a')).sort()).toEqual(['a', 'b']);
    expect(ids(spanAt('self', 0, 1, 'self'))).toEqual(['self']);
    expect(ids()).toEqual([]);
  });

  test('is found by each word of a query, in names, services, attributes, the id, the fate and errors', () => {
    const span = { ...spanAt('GET /cart', 0, 1), isError: true, attributes: [['shop.order', '17']] as const };
    const trace = { ...traceOf(span), fate: 'partly lost' as const };
    for (const query of ['', 'get', 'SHOP cart', 'order=17', 'abc', 'lost', 'error'])
      expect(isFound(trace, query), query).toBe(true);
    for (const query of ['post', 'get post', '18']) expect(isFound(trace, query), query).toBe(false);
  });
});

describe('losses of best-effort routes', () => {
  const route = { ...booksOf(), lost: { permanent: 7 } };
  const stats = booksOf({ delivered: 10, offered: 10, accepted: 10, routes: { audit: route } });

  test('are in the verdict, although the whole has lost nothing', () => {
    const sample = sampleOf(stats);
    expect(verdictOf(sample, [pointAt(0)]).text).toContain('7 were lost before');
  });

  test('are an event when they rise', () => {
    expect(lossesBetween(booksOf(), stats)).toEqual([{ reason: 'permanent', count: 7, stage: '' }]);
  });
});
