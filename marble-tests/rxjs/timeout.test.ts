import { EMPTY, firstValueFrom, from, mergeMap, race, throwError, timeout, timer } from 'rxjs';
import { describe, test } from 'vitest';
import { raceTimeout } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { asBatch } from './support.ts';

/** What people write for "five milliseconds at most". */
const afterFive = () => timer(5).pipe(mergeMap(() => throwError(() => new Error('too late'))));

describe('timeout and race, and raceTimeout beside them', () => {
  test('timeout limits the time between two values, so a slow source never times out', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('    --a--b--c--d--e--|');
      const trickling = '      --a--b--c--d--e--|';
      const expected = '       --a--#';
      const subs = ['          ^----------------!', '^----!'];
      expectObservable(source.pipe(timeout(5))).toBe(trickling);
      expectObservable(source.pipe(raceTimeout({ millis: 5 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('race is decided by the first value, and does not limit the time after it', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('    ---a-------b-|');
      const unbounded = '      ---a-------b-|';
      const expected = '       ---a-#';
      const subs = ['          ^------------!', '^----!'];
      expectObservable(race(source, afterFive())).toBe(unbounded);
      expectObservable(source.pipe(raceTimeout({ millis: 5, bounds: 'whole' }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('race completes when any racer completes, even without a value', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const primary = cold('   ---a|');
      const secondary = cold(' -|   ');
      const expected = '       -|   ';
      const subs = '           ^!   ';
      expectObservable(race(primary, secondary)).toBe(expected);
      expectSubscriptions(primary.subscriptions).toBe(subs);
    }));

  test('a promise that lost the race continues', () =>
    marbles(({ sink, spans, expectObservable, expectAttempts }) => {
      const { a } = spans();
      const backend = sink('   --------(r|)');
      const going = '          ^-------!';
      const result = '         -----#   ';
      const promised = from(firstValueFrom(backend.export(asBatch([a]))));
      expectObservable(race(promised, afterFive())).toBe(result);
      // The drawing goes on until the promise is settled.
      expectObservable(timer(9).pipe(mergeMap(() => EMPTY))).toBe('---------|');
      expectAttempts(backend).toBe(going);
    }));

  test('raceTimeout aborts the loser', () =>
    marbles(({ sink, spans, expectObservable, expectAttempts }) => {
      const { a } = spans();
      const backend = sink('   --------(r|)');
      const aborted = '        ^----!   ';
      const result = '         -----#   ';
      expectObservable(backend.export(asBatch([a])).pipe(raceTimeout({ millis: 5 }))).toBe(result, undefined, {
        code: 'TIMEOUT',
      });
      expectAttempts(backend).toBe(aborted);
    }));
});
