import {
  asapScheduler,
  asyncScheduler,
  bufferCount,
  concatMap,
  debounceTime,
  delay,
  filter,
  finalize,
  firstValueFrom,
  map,
  NEVER,
  observeOn,
  of,
  range,
  Subject,
  switchMap,
  take,
  takeUntil,
  throwError,
  timer,
  timestamp,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Batch, CloseReason } from '../../src/model/batch.ts';
import { NO_HOLD } from '../../src/model/batch.ts';
import { marbles } from '../../src/testing/index.ts';

const batch = <T>(items: readonly T[], closedBy: CloseReason): Batch<T> => ({
  items,
  closedBy,
  bytes: items.length,
  hold: () => NO_HOLD,
});

describe('sources', () => {
  it('a hot source emits with or without subscribers', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-c-|');
      const late = '        --^-----';
      const expected = '    ---b-c-|';
      const subs = '        --^----!';
      expectObservable(source, late).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  it('the ^ of a hot source is frame 0', () =>
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-a-^-b-|')).toBe('--b-|');
    }));

  it('a source without subscribers has no subscriptions', () =>
    marbles(({ hot, sink, expectSubscriptions, expectAttempts }) => {
      const source = hot('-a-b-c-|');
      expectSubscriptions(source.subscriptions).toBe([]);
      expectSubscriptions(source.subscriptions).toBe('--------');
      expectAttempts(sink('-(r|)')).toBe([]);
    }));

  it('a cold source begins at each subscription', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const inner = cold('         --x-|      ');
      const source = hot('         -a---b-----|');
      const expected = '           ---x---x---|';
      const subs = ['              -^---!      ', '-----^---!'];
      expectObservable(source.pipe(switchMap(() => inner))).toBe(expected);
      expectSubscriptions(inner.subscriptions).toBe(subs);
    }));

  it('a drawn subscription comes before the events of its frame', () =>
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('--a-b-'), '--^').toBe('--a-b-');
    }));

  it('a drawn unsubscription comes before the events of its frame', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-c-');
      const subs = '        ^----! ';
      expectObservable(source, subs).toBe('-a-b-');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  it('a subscription that lasts beyond the run is drawn open', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-');
      const subs = '        ^-----';
      const expected = '    -a-b-';
      expectObservable(source).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  it('an unsubscribed Observable is over at once', () =>
    marbles(async ({ cold, hot, flush, now, expectObservable }) => {
      expectObservable(cold('-a 1m b|').pipe(take(1))).toBe('-(a|)');
      await flush();
      expect(now()).toBe(1);
      hot('-a');
    }));

  it('events of the cleanup are not part of the drawing', () =>
    marbles(({ hot, expectObservable }) => {
      const told = new Subject<string>();
      expectObservable(hot('-a').pipe(finalize(() => told.next('z')))).toBe('-a');
      expectObservable(told).toBe('-');
    }));

  it('values and errors can be given', () =>
    marbles(({ cold, expectObservable }) => {
      const source = cold('-a-b-#', { a: 1, b: 2 }, new RangeError('too far'));
      expectObservable(source.pipe(map((n) => n * 10))).toBe('-a-b-#', { a: 10, b: 20 }, new RangeError('too far'));
      expectObservable(source).toBe('-a-b-#', { a: 1, b: 2 });
      expectObservable(source).toBe('-a-b-#', { a: 1, b: 2 }, { message: 'too far' });
    }));

  it('batches can be sources', () =>
    marbles(({ hotBatches, coldBatches, expectObservable }) => {
      expectObservable(coldBatches('-[ab]-[c]|')).toBe('-[ab]-[c]|');
      expectObservable(hotBatches('-[ab]-[c]|', { a: 1, b: 2, c: 3 })).toBe('-x 4ms y--|', { x: [1, 2], y: [3] });
    }));
});

describe('expectations', () => {
  it('arrays and batches are drawn alike', () =>
    marbles(({ cold, spans, expectObservable, expectBatches }) => {
      const { a, b, c } = spans();
      expectObservable(cold('-a-b-c-|').pipe(bufferCount(2))).toBe('---[ab]([c]|)');
      expectBatches(of(batch([a, b], 'count'), batch([c], 'complete'))).toBe('([ab][c]|)', {
        closedBy: ['count', 'complete'],
      });
    }));

  it('one-letter strings stand for themselves', () =>
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-b|').pipe(map((span) => span.name))).toBe('-a-b|');
    }));

  it('an observable that never emits is drawn as silence', () =>
    marbles(({ expectObservable }) => {
      expectObservable(NEVER).toBe('-----');
      expectObservable(of()).toBe('|');
      expectObservable(throwError(() => new Error('x'))).toBe('#');
    }));

  it('a drawing begins where it is made', () =>
    marbles(async ({ cold, advanceBy, now, expectObservable, expectSubscriptions }) => {
      await advanceBy(100);
      expect(now()).toBe(100);
      const source = cold('-a|');
      expectObservable(source).toBe('-a|');
      expectSubscriptions(source.subscriptions).toBe('100ms ^-!');
    }));
});

describe('time', () => {
  it('drives the schedulers and time operators of RxJS', () =>
    marbles(({ cold, expectObservable }) => {
      expectObservable(timer(5).pipe(map(() => 'a'))).toBe('-----(a|)');
      expectObservable(cold('-ab--c|').pipe(debounceTime(2))).toBe('----b-(c|)');
      expectObservable(of('a').pipe(delay(60_000))).toBe('1m (a|)');
      expectObservable(range(0, 3, asyncScheduler).pipe(map(String))).toBe('(012|)', { 0: '0', 1: '1', 2: '2' });
      expectObservable(of('a', 'b').pipe(observeOn(asapScheduler))).toBe('(ab|)');
      expectObservable(
        cold('--a|').pipe(
          timestamp(),
          map(({ timestamp: at }) => at),
        ),
      ).toBe('--t|', { t: 2 });
    }));

  it('waits for promises between two instants', () =>
    marbles(({ cold, expectObservable }) => {
      const enriched = async (name: string) => {
        for (let turn = 0; turn < 100; turn++) await null;
        await new Promise((resolve) => process.nextTick(resolve));
        await new Promise((resolve) => setTimeout(resolve, 20));
        return name;
      };
      const source = cold('     -a-b-|');
      const expected = '        21ms a 19ms (b|)';
      expectObservable(source.pipe(concatMap((span) => enriched(span.name)))).toBe(expected);
    }));

  it('passes while the test awaits', () =>
    marbles(async ({ now, time, flush, hot }) => {
      await firstValueFrom(timer(500));
      expect(now()).toBe(500);
      hot('---a|');
      await flush();
      expect(now()).toBe(504);
      expect(time('---|')).toBe(3);
    }));

  it('drives AbortSignal.timeout, which is no leak', () =>
    marbles(({ expectObservable }) => {
      const aborted = (millis: number) =>
        new Promise<string>((resolve) => {
          AbortSignal.timeout(millis).addEventListener('abort', () => resolve('a'));
        });
      expectObservable(of(30).pipe(concatMap(aborted))).toBe('30ms (a|)');
      expectObservable(
        of(1).pipe(
          takeUntil(aborted(50_000)),
          take(1),
          filter(() => false),
        ),
      ).toBe('|');
    }));
});
