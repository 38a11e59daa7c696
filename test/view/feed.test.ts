import { VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { Feed, type Page } from '../../src/view/feed/feed.ts';
import { RoundTrips } from '../../src/view/feed/roundTrips.ts';
import { MAX_POINTS, Series } from '../../src/view/feed/series.ts';
import { spanRecord } from '../../src/view/feed/spanRecord.ts';
import { TRACE_BOUNDS, TraceStore } from '../../src/view/feed/traceStore.ts';
import type { Hello, Sample } from '../../src/view/shared/messages.ts';
import { booksOf, FakePipeline, outcomeOf, pointAt, spanItem, stageBooks } from './support.ts';

class FakePage implements Page {
  isReady = true;
  isGivenUp = false;
  readonly hellos: Hello[] = [];
  readonly samples: Sample[] = [];

  send(event: 'hello' | 'sample', data: string): void {
    if (event === 'hello') this.hellos.push(JSON.parse(data));
    else this.samples.push(JSON.parse(data));
  }

  giveUp(): void {
    this.isGivenUp = true;
  }
}

function world() {
  const scheduler = new VirtualTimeScheduler();
  const pipeline = new FakePipeline();
  const feed = new Feed([['shop', pipeline]], scheduler);
  const pass = (millis: number) => {
    scheduler.maxFrames = scheduler.frame + millis;
    scheduler.flush();
    scheduler.frame = scheduler.maxFrames;
  };
  return { scheduler, pipeline, feed, pass };
}

describe('the feed', () => {
  test('without a page reads no books, follows no outcomes and has no timer', () => {
    const { scheduler, pipeline } = world();
    pipeline.stats$.next(booksOf());
    expect({ reads: pipeline.reads, observed: pipeline.outcomes$.observed, timers: scheduler.actions.length }).toEqual({
      ...{ reads: 0, observed: false, timers: 0 },
    });
  });

  test('greets a page with the last minutes and the books now, then sends two samples a second', () => {
    const { pipeline, feed, pass } = world();
    pipeline.stats$.next(booksOf({ offered: 1 }));
    pass(5_000);
    pipeline.books = booksOf({ offered: 7 });
    const page = new FakePage();
    feed.open(page);
    expect(page.hellos[0]?.points.shop?.map(({ at, offered }) => [at, offered])).toEqual([
      [0, 1],
      [4_000, 1],
      [5_000, 7],
    ]);
    expect(page.hellos[0]?.sample.pipelines[0]).toMatchObject({ name: 'shop', stats: { offered: 7 }, hasEnded: false });
    pass(1_000);
    expect(page.samples.map(({ at }) => at)).toEqual([5_500, 6_000]);
  });

  test('stops when the last page has gone, and forgets its traces', () => {
    const { scheduler, pipeline, feed, pass } = world();
    const leave = [feed.open(new FakePage()), feed.open(new FakePage())];
    pipeline.outcomes$.next(outcomeOf([spanItem('t')]));
    leave[0]?.();
    expect(pipeline.outcomes$.observed).toBe(true);
    leave[1]?.();
    expect([pipeline.outcomes$.observed, scheduler.actions.length, feed.pages]).toEqual([false, 0, 0]);
    const page = new FakePage();
    feed.open(page);
    pass(500);
    expect([page.hellos[0]?.sample.traces, page.samples[0]?.traces]).toEqual([[], []]);
  });

  test('drops samples for a page that reads slowly, sends the traces of that time later, and at last gives it up', () => {
    const { pipeline, feed, pass } = world();
    const page = new FakePage();
    feed.open(page);
    page.isReady = false;
    pipeline.outcomes$.next(outcomeOf([spanItem('t')]));
    pass(2_000);
    expect(page.samples).toEqual([]);
    page.isReady = true;
    pass(500);
    expect(page.samples.map(({ traces }) => traces.map(({ traceId }) => traceId))).toEqual([['t']]);
    pass(500);
    expect(page.samples[1]?.traces).toEqual([]);
    page.isReady = false;
    pass(30_000);
    expect(page.isGivenUp).toBe(false);
    pass(500);
    expect(page.isGivenUp).toBe(true);
  });

  test('tells the state of a pipeline, and how its breakers are', () => {
    const { pipeline, feed, pass } = world();
    const page = new FakePage();
    feed.open(page);
    expect(page.hellos[0]?.sample.pipelines[0]?.state).toBe('running');
    pipeline.state$.next('degraded');
    const health = { isFailing: true, breaker: 'open' } as const;
    pipeline.books = booksOf({ stages: { 'exportTo(otlpHttp)': stageBooks({ health }) } });
    pass(500);
    const now = page.samples.at(-1)?.pipelines[0];
    expect([now?.state, now?.stats.stages['exportTo(otlpHttp)']?.health]).toEqual(['degraded', health]);
  });

  test('tells round trips of the last ten seconds, and that a pipeline has ended', () => {
    const { pipeline, feed, pass } = world();
    const page = new FakePage();
    feed.open(page);
    pipeline.outcomes$.next(outcomeOf(['anything'], { attemptMillis: 8 }));
    pipeline.outcomes$.next(outcomeOf(['anything'], { attempts: 0, attemptMillis: 0 }));
    pass(500);
    expect(page.samples.at(-1)?.pipelines[0]?.roundTrips).toEqual({ count: 1, p50: 8, p90: 8, p99: 8 });
    pipeline.stats$.complete();
    pass(10_000);
    expect(page.samples.at(-1)?.pipelines[0]).toMatchObject({ roundTrips: null, hasEnded: true });
  });

  test('survives a pipeline whose streams fail and whose books cannot be read', () => {
    const { pipeline, feed, pass } = world();
    const page = new FakePage();
    feed.open(page);
    pipeline.stats = () => {
      throw new Error('no books');
    };
    pipeline.stats$.error(new Error('broken'));
    pipeline.outcomes$.error(new Error('broken'));
    pass(500);
    expect(page.samples).toHaveLength(1);
  });

  test('ends at once, also while a page is open', () => {
    const { scheduler, pipeline, feed } = world();
    const leave = feed.open(new FakePage());
    feed.close();
    leave();
    expect([pipeline.stats$.observed, pipeline.outcomes$.observed, scheduler.actions.length]).toEqual([
      false,
      false,
      0,
    ]);
  });
});

describe('a series', () => {
  test('is bounded, and keeps the newest', () => {
    const series = new Series();
    for (let second = 0; second < 2 * MAX_POINTS; second += 1) series.add(pointAt(second * 1_000));
    expect(series.points).toHaveLength(MAX_POINTS);
    expect(series.points.at(-1)?.at).toBe((2 * MAX_POINTS - 1) * 1_000);
  });

  test('replaces points that come too fast, and never loses the newest', () => {
    const series = new Series();
    for (const at of [0, 100, 200, 300, 500, 900]) series.add(pointAt(at));
    expect(series.points.map(({ at }) => at)).toEqual([0, 500, 900]);
  });

  test('holds the last books through a silence', () => {
    const series = new Series();
    series.add(pointAt(0, { offered: 3 }));
    series.add(pointAt(9_000, { offered: 8 }));
    expect(series.points.map(({ at, offered }) => [at, offered])).toEqual([
      [0, 3],
      [8_000, 3],
      [9_000, 8],
    ]);
  });
});

test('round trips are bounded', () => {
  const trips = new RoundTrips();
  for (let index = 0; index < 10_000; index += 1) trips.add(0, index);
  expect(trips.quantiles(0)).toMatchObject({ count: 1_024 });
});

describe('the newest traces', () => {
  const { maxTraces, maxSpans, maxLookedAt, maxNewTraces, maxTracesInMessage } = TRACE_BOUNDS;

  test('are gathered over batches, with their fate', () => {
    const store = new TraceStore();
    store.look('p', outcomeOf([spanItem('a', '1'), spanItem('b', '2')]));
    const lost = [{ count: 1, reason: 'permanent', stage: 's' }] as const;
    store.look('p', outcomeOf([spanItem('a', '3')], { delivered: 0, lost }));
    store.look('p', outcomeOf([spanItem('c', '4')], { delivered: 0, lost }));
    expect(store.newerThan(0).map(({ traceId, spans, fate }) => [traceId, spans.length, fate])).toEqual([
      ['b', 1, 'delivered'],
      ['a', 2, 'partly lost'],
      ['c', 1, 'lost'],
    ]);
  });

  test('are few: some that begin in an interval, some in all, some in a message', () => {
    const store = new TraceStore();
    const look = (interval: number) =>
      store.look('p', outcomeOf(Array.from({ length: 20 }, (_, index) => spanItem(`${interval}-${index}`))));
    look(0);
    expect(store.newerThan(0)).toHaveLength(maxNewTraces);
    for (let interval = 1; interval < 30; interval += 1) {
      store.nextInterval();
      look(interval);
    }
    const all = [];
    for (let sequence = 0; ; sequence = all.at(-1)?.sequence ?? 0) {
      const more = store.newerThan(sequence);
      if (more.length === 0) break;
      expect(more.length).toBeLessThanOrEqual(maxTracesInMessage);
      all.push(...more);
    }
    expect(all).toHaveLength(maxTraces);
    expect(all.at(-1)?.traceId).toBe('29-4');
  });

  test('have few spans each, and say how many are left out', () => {
    const store = new TraceStore();
    store.look('p', outcomeOf(Array.from({ length: maxSpans + 7 }, (_, index) => spanItem('a', `${index}`))));
    expect(store.newerThan(0)[0]).toMatchObject({ leftOut: 7, spans: { length: maxSpans } });
  });

  test('are looked for among some spans of an interval, and the others are counted', () => {
    const store = new TraceStore();
    store.look('p', outcomeOf(Array.from({ length: maxLookedAt + 5 }, () => spanItem('a'))));
    store.look('p', outcomeOf([spanItem('b')]));
    expect([store.newerThan(0).length, store.nextInterval(), store.nextInterval()]).toEqual([1, 6, 0]);
  });

  test('pass over items that are no spans, or cannot be read', () => {
    const store = new TraceStore();
    const broken = () => {
      throw new Error('no context');
    };
    store.look('p', outcomeOf([1, 2]));
    store.look('p', outcomeOf([]));
    store.look(
      'p',
      outcomeOf([spanItem('a', '1', { spanContext: broken }), spanItem('a', '2', { duration: undefined })]),
    );
    expect(store.newerThan(0)).toMatchObject([{ spans: [], leftOut: 1 }]);
  });
});

test('a span is copied with short texts on one line, as text', () => {
  const attributes = { long: 'x'.repeat(500), bytes: new Uint8Array(9), list: ['a', 'b'], turn: '\u202eevil\n' };
  const record = spanRecord(
    spanItem('t', '7', { name: '<img src=x onerror=alert(1)>', parentSpanId: '6', attributes }),
  );
  expect(record).toMatchObject({
    ...{ id: '7', parentId: '6', name: '<img src=x onerror=alert(1)>', service: 'shop' },
    ...{ startMillis: 1_700_000_000_500, durationMillis: 2, isError: false },
    attributes: [
      ['long', `${'x'.repeat(80)}…`],
      ['bytes', '9 bytes'],
      ['list', 'a, b'],
      ['turn', '\\u202eevil\\n'],
    ],
  });
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`key${index}`, index]));
  expect(spanRecord(spanItem('t', '7', { attributes: many }))?.attributes).toHaveLength(8);
});
