import { map, mergeMap, Observable, of, take, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  ExportError,
  exponentialBackoff,
  exportTo,
  type Failure,
  monotonicScheduler,
  type Outcome,
  type Response,
  type Sink,
} from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

/** Waits of 3, 6, 12 … milliseconds. */
const RETRY = { backoff: exponentialBackoff({ initialMillis: 3, maxMillis: 100, jitter: 'none' }) } as const;

const throttledFor = (retryAfterMillis: number): Failure => ({ kind: 'throttled', retryAfterMillis });

/** A backend that answers after 10 ms, each attempt as it is told, and remembers when attempts began and how many were in flight. */
function backend(answerTo: (attempt: number) => Failure | undefined) {
  const beganAt: number[] = [];
  const inFlightAt: number[] = [];
  let inFlight = 0;
  const sink: Sink<string> = {
    name: 'backend',
    export: () =>
      new Observable<Response>((subscriber) => {
        const failure = answerTo(beganAt.length);
        inFlight += 1;
        beganAt.push(monotonicScheduler.now());
        inFlightAt.push(inFlight);
        subscriber.add(() => {
          inFlight -= 1;
        });
        subscriber.add(
          timer(10).subscribe(() => {
            if (failure !== undefined) return subscriber.error(new ExportError(failure, 'no'));
            subscriber.next({});
            subscriber.complete();
          }),
        );
      }),
  };
  return { sink, beganAt, inFlightAt };
}

describe('exportTo: a backend that says when to come back', () => {
  test('gets nothing before that time, and then one attempt before all others', () =>
    marbles(({ hotBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches(' [a][b][c]-----------|');
      const subs = '              ^-------------------!';
      const attempts = ['         ^!', '  ----------------^--!', '-------------------^--!', '-------------------^--!'];
      const expected = '          -------------------o--(oo|)';
      const answers = sink('-t', '---(r|)', { failures: { t: throttledFor(15) } });
      expectOutcomes(source.pipe(exportTo(answers, { retry: RETRY }))).toBe(expected, { o: { delivered: 1 } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(answers).toBe(attempts, ['a', 'b', 'c', 'a']);
    }));

  test('gets what waited a few at a time: one more in flight for each attempt that is accepted', () =>
    marbles(async ({ flush }) => {
      const { sink, beganAt, inFlightAt } = backend((attempt) => (attempt < 8 ? throttledFor(5_000) : undefined));
      const outcomes: Outcome<string>[] = [];
      // Eight are in flight when the first says "later", and eight more wait for their slots.
      of(...Array.from({ length: 16 }, () => ['item']))
        .pipe(exportTo(sink, { concurrency: 8, retry: RETRY }))
        .subscribe((outcome) => outcomes.push(outcome));
      await flush();
      expect(outcomes.map(({ delivered }) => delivered)).toEqual(Array.from({ length: 16 }, () => 1));
      expect(beganAt.filter((at) => at > 0 && at < 5_010)).toEqual([]);
      const after = beganAt.flatMap((at, index) =>
        at >= 5_010 ? [{ at: at - 5_010, inFlight: inFlightAt[index] }] : [],
      );
      expect(after).toHaveLength(16);
      expect(after.filter(({ at }) => at < 10)).toEqual([{ at: 0, inFlight: 1 }]);
      expect(after.filter(({ at }) => at >= 10 && at < 20).length).toBe(2);
      expect(after.filter(({ at }) => at >= 20 && at < 30).length).toBe(4);
    }));

  test('gets one attempt at a time again after one that fails', () =>
    marbles(async ({ flush }) => {
      const { sink, inFlightAt } = backend((attempt) =>
        attempt === 0 ? throttledFor(100) : attempt < 4 ? { kind: 'retryable' } : undefined,
      );
      const batches = timer(0, 20).pipe(mergeMap(() => [['item']]));
      const subscription = batches.pipe(exportTo(sink, { retry: RETRY })).subscribe();
      timer(200).subscribe(() => subscription.unsubscribe());
      await flush();
      expect(inFlightAt.slice(1, 5)).toEqual([1, 1, 1, 1]);
    }));

  test.each<[string, Failure]>([
    ['for good', { kind: 'permanent' }],
    ['as too large', { kind: 'tooLarge' }],
  ])(
    'a backend that then refuses everything %s works: it gets as much as the concurrency lets through',
    (_how, refusal) =>
      marbles(async ({ flush }) => {
        const { sink, beganAt } = backend((attempt) => (attempt === 0 ? throttledFor(1_000) : refusal));
        const subscription = timer(0, 1)
          .pipe(
            map((index) => [`item ${index}`]),
            exportTo(sink, { concurrency: 8, retry: RETRY }),
          )
          .subscribe();
        timer(2_010).subscribe(() => subscription.unsubscribe());
        await flush();
        // For a second, eight at a time that take 10 ms each, but for the first three round trips.
        expect(beganAt.filter((at) => at >= 1_010 && at < 1_050).length).toBe(1 + 2 + 4 + 8);
        expect(beganAt.filter((at) => at >= 1_050 && at < 2_010).length).toBe(96 * 8);
      }),
  );

  test('throttles every pipeline on the same sink', () =>
    marbles(async ({ flush }) => {
      const { sink, beganAt } = backend((attempt) => (attempt === 0 ? throttledFor(1_000) : undefined));
      of(['a'])
        .pipe(exportTo(sink, { retry: RETRY }))
        .subscribe();
      timer(20)
        .pipe(
          mergeMap(() => [['b']]),
          exportTo(sink, { retry: RETRY }),
        )
        .subscribe();
      await flush();
      expect(beganAt).toEqual([0, 1_010, 1_020]);
    }));

  test('gets what came meanwhile in few batches: a batch that is due keeps growing while the gate is closed', () =>
    marbles(async ({ flush }) => {
      const { sink, beganAt } = backend((attempt) => (attempt === 0 ? throttledFor(1_000) : undefined));
      const sizes: number[] = [];
      timer(0, 10)
        .pipe(
          take(90),
          map((index) => `item ${index}`),
          adaptiveBatch({ scheduledDelayMillis: 0 }),
          exportTo(sink, { retry: RETRY }),
        )
        .subscribe(({ batch }) => sizes.push('items' in batch ? batch.items.length : 0));
      await flush();
      expect(beganAt.slice(0, 2)).toEqual([0, 1_010]);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(90);
      expect(sizes.length).toBeLessThanOrEqual(5);
    }));

  test('is obeyed up to maxRetryAfterMillis', () =>
    marbles(async ({ flush }) => {
      const { sink, beganAt } = backend((attempt) => (attempt === 0 ? throttledFor(1_000_000) : undefined));
      of(['a'])
        .pipe(exportTo(sink, { retry: { ...RETRY, maxRetryAfterMillis: 2_000 } }))
        .subscribe();
      await flush();
      expect(beganAt).toEqual([0, 2_010]);
    }));

  test.each([0, -5, Number.NaN])(
    'a delay of %s holds nothing back: the batch waits out its backoff, and no other waits',
    (delay) =>
      marbles(async ({ flush }) => {
        const { sink, beganAt } = backend((attempt) => (attempt === 0 ? throttledFor(delay) : undefined));
        of(['a'])
          .pipe(exportTo(sink, { retry: RETRY }))
          .subscribe();
        timer(11)
          .pipe(
            mergeMap(() => [['b']]),
            exportTo(sink, { retry: RETRY }),
          )
          .subscribe();
        await flush();
        expect(beganAt).toEqual([0, 11, 13]);
      }),
  );

  test('a batch that waits at the gate holds no slot, and gives up its place when it is unsubscribed', () =>
    marbles(async ({ flush }) => {
      const { sink, beganAt } = backend((attempt) => (attempt === 0 ? throttledFor(100) : undefined));
      of(['a'])
        .pipe(exportTo(sink, { retry: RETRY }))
        .subscribe();
      const gone = timer(20)
        .pipe(
          mergeMap(() => [['b']]),
          exportTo(sink, { concurrency: 1, retry: RETRY }),
        )
        .subscribe();
      timer(50).subscribe(() => gone.unsubscribe());
      await flush();
      expect(beganAt).toEqual([0, 110]);
    }));

  test('the deadline of a batch ends the wait at the gate, too', () =>
    marbles(async ({ flush }) => {
      const { sink, beganAt } = backend((attempt) => (attempt === 0 ? throttledFor(50_000) : undefined));
      const outcomes: Outcome<string>[] = [];
      timer(0, 20)
        .pipe(
          take(2),
          map((index) => [`item ${index}`]),
          exportTo(sink, { retry: { ...RETRY, maxElapsedMillis: 500 } }),
        )
        .subscribe((outcome) => outcomes.push(outcome));
      await flush();
      expect(beganAt).toEqual([0]);
      expect(outcomes).toMatchObject([{ lost: [{ reason: 'retriesExhausted' }] }, { lost: [{ reason: 'expired' }] }]);
    }));
});
