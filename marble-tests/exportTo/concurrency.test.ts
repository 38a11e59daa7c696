import { describe, test } from 'vitest';
import { adaptiveConcurrency, exponentialBackoff, exportTo, fixedConcurrency } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

const DELIVERED = { o: { delivered: 1 } };
const RETRY = { backoff: exponentialBackoff({ initialMillis: 1, jitter: 'none' }) };

describe('exportTo: a limiter', () => {
  test('lets one more in flight with each round trip, as long as none takes longer', () =>
    marbles(({ coldBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b][c][d][e][f]|)');
      const subs = '              (^!)';
      const attempts = [
        '                         ^----!', // a
        '                         -----^----!', // b
        '                         -----^----!', // c
        '                         ----------^----!', // d
        '                         ----------^----!', // e
        '                         ----------^----!', // f
      ];
      const expected = '          -----o----(oo)-(ooo|)';
      const backend = sink('-----(r|)');
      const concurrency = adaptiveConcurrency({ initialLimit: 1 });
      expectOutcomes(source.pipe(exportTo(backend, { concurrency }))).toBe(expected, DELIVERED);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'b', 'c', 'd', 'e', 'f']);
    }));

  test('lets 0.7 as many in flight after a refusal, and one more again after a round trip', () =>
    marbles(({ coldBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b][c][d]|)');
      const subs = '              (^!)';
      const attempts = [
        '                         ^----!', // a, refused
        '                         ^----!', // b
        '                         -----^----!', // c
        '                         ----------^----!', // d
        '                         ----------^----!', // a again
      ];
      const expected = '          -----o----o----(oo|)';
      const backend = sink('-----#', '-----(r|)');
      const concurrency = adaptiveConcurrency({ initialLimit: 2 });
      expectOutcomes(source.pipe(exportTo(backend, { concurrency, retry: RETRY }))).toBe(expected, DELIVERED);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'b', 'c', 'd', 'a']);
    }));

  test('given twice, limits both exports together: they take turns', () =>
    marbles(({ coldBatches, sink, expectOutcomes, expectAttempts, expectSubscriptions }) => {
      const one = coldBatches('   ([a][b][c]|)');
      const other = coldBatches(' ([d][e]|)');
      const subs = '              (^!)';
      const attemptsOfOne = [
        '                         ^--!', // a
        '                         ---^--!', // b
        '                         ---------^--!', // c
      ];
      const attemptsOfOther = [
        '                         ------^--!', // d
        '                         ------------^--!', // e
      ];
      const expectedOfOne = '     ---o--o-----(o|)';
      const expectedOfOther = '   ---------o-----(o|)';
      const [near, far] = [sink('---(r|)'), sink('---(r|)')];
      const concurrency = fixedConcurrency(1);
      expectOutcomes(one.pipe(exportTo(near, { concurrency }))).toBe(expectedOfOne, DELIVERED);
      expectOutcomes(other.pipe(exportTo(far, { concurrency }))).toBe(expectedOfOther, DELIVERED);
      expectSubscriptions(one.subscriptions).toBe(subs);
      expectSubscriptions(other.subscriptions).toBe(subs);
      expectAttempts(near).toBe(attemptsOfOne, ['a', 'b', 'c']);
      expectAttempts(far).toBe(attemptsOfOther, ['d', 'e']);
    }));

  test('the maxConcurrency of a sink is that of all exports to it together', () =>
    marbles(({ coldBatches, sink, expectOutcomes, expectAttempts, expectSubscriptions }) => {
      const one = coldBatches('   ([a][b]|)');
      const other = coldBatches(' ([c]|)');
      const subs = '              (^!)';
      const attempts = ['         ^--!', '---^--!', '------^--!'];
      const expectedOfOne = '     ---o--(o|)';
      const expectedOfOther = '   ---------(o|)';
      const backend = sink('---(r|)', { maxConcurrency: 1 });
      expectOutcomes(one.pipe(exportTo(backend, { concurrency: 4 }))).toBe(expectedOfOne, DELIVERED);
      expectOutcomes(other.pipe(exportTo(backend, { concurrency: 4 }))).toBe(expectedOfOther, DELIVERED);
      expectSubscriptions(one.subscriptions).toBe(subs);
      expectSubscriptions(other.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'b', 'c']);
    }));
});
