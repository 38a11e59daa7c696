import { map, mergeMap, type Observable, of, range, tap, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { Loss } from '../../src/index.ts';
import { boundedMergeMap, type Merged } from '../../src/operators/boundedMergeMap/boundedMergeMap.ts';
import { marbles } from '../../src/testing/index.ts';
import { letters } from '../support.ts';

const LETTERS = letters('abcdefx');

/** A result as a letter: that of its item, or `x` where it failed. */
const told = map((result: Merged<string, unknown>) => (result.kind === 'failed' ? 'x' : result.item));

describe('mergeMap, and boundedMergeMap beside it', () => {
  test('one failure ends the stream, and drops the queue', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     (abc|)', LETTERS);
      const [failing, well] = [cold('--#'), cold('--(v|)', letters('v'))];
      const ended = '           --#   ';
      const expected = '        --x-b-(c|)';
      const begun = ['          ^-!   ', '^-!'];
      const others = ['         --^-! ', '----^-!'];
      const project = (item: string): Observable<unknown> => (item === 'a' ? failing : well);
      expectObservable(source.pipe(mergeMap(project, 1))).toBe(ended);
      expectObservable(source.pipe(boundedMergeMap(project, { concurrency: 1 }), told)).toBe(expected, LETTERS);
      expectSubscriptions(failing.subscriptions).toBe(begun);
      expectSubscriptions(well.subscriptions).toBe(others);
    }));

  test('its queue is unbounded', () =>
    marbles(({ cold, expectObservable }) => {
      const lost: string[] = [];
      const onLoss = ({ reason }: Loss, items: readonly string[]) => void lost.push(`${reason} ${items.join('')}`);
      const source = cold('     (abcdef|)    ', LETTERS);
      const all = '             --a-b-c-d-e-(f|)';
      const expected = '        --a-b-(c|)   ';
      const after = (item: string) => timer(2).pipe(map(() => item));
      const options = { concurrency: 1, maxQueueSize: 2, onLoss };
      expectObservable(source.pipe(mergeMap(after, 1))).toBe(all, LETTERS);
      expectObservable(source.pipe(boundedMergeMap(after, options), told)).toBe(expected, LETTERS);
      expectObservable(timer(12).pipe(map(() => lost.join()))).toBe('------------(l|)', {
        l: 'queueFull d,queueFull e,queueFull f',
      });
    }));

  test('synchronous completion makes it recurse, and a long queue never completes', () =>
    marbles(async ({ flush }) => {
      const COUNT = 50_000;
      const seen = { theirs: 0, ours: 0, theirEnd: 'none', ourEnd: 'none' };
      // The first is slow, so that the others queue up behind it.
      const project = (item: number) => (item < 4 ? timer(1) : of(item));
      range(0, COUNT)
        .pipe(
          mergeMap(project, 4),
          tap(() => (seen.theirs += 1)),
        )
        .subscribe({ error: () => (seen.theirEnd = 'error'), complete: () => (seen.theirEnd = 'complete') });
      range(0, COUNT)
        .pipe(
          boundedMergeMap(project, { concurrency: 4, maxQueueSize: COUNT }),
          tap(() => (seen.ours += 1)),
        )
        .subscribe({ error: () => (seen.ourEnd = 'error'), complete: () => (seen.ourEnd = 'complete') });
      await flush();
      expect(seen.theirs).toBeLessThan(COUNT);
      expect(seen.theirEnd).not.toBe('complete');
      expect(seen).toMatchObject({ ours: COUNT, ourEnd: 'complete' });
    }));

  test('a project that throws ends the stream', () =>
    marbles(({ cold, expectObservable }) => {
      const source = cold('     -a-b-c-|', LETTERS);
      const ended = '           -a-#';
      const expected = '        -a-x-c-|';
      const project = (item: string) => {
        if (item === 'b') throw new Error('mine');
        return of(item);
      };
      expectObservable(source.pipe(mergeMap(project))).toBe(ended, LETTERS);
      expectObservable(source.pipe(boundedMergeMap(project), told)).toBe(expected, LETTERS);
    }));
});
