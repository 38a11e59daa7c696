import { defer, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type RaceTimeoutOptions, raceTimeout } from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { throwing } from './support.ts';

const TIMEOUT = { code: 'TIMEOUT', message: 'the source took longer than 5 ms and was aborted' };

describe('raceTimeout', () => {
  test('bounds the time to the first value, or the whole time', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, diagram }) => {
      diagram('raceTimeout', { title: 'raceTimeout: millis 5', results: ["bounds 'first'", "bounds 'whole'"] });
      const source = cold(' ----a----b-|');
      const subs = ['       ^----------!', '^----!'];
      const first = '       ----a----b-|';
      const whole = '       ----a#';
      expectObservable(source.pipe(raceTimeout({ millis: 5, bounds: 'first' }))).toBe(first);
      expectObservable(source.pipe(raceTimeout({ millis: 5, bounds: 'whole' }))).toBe(whole, undefined, TIMEOUT);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('Infinity sets no timer', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' 9s a|');
      const subs = '        ^ 9s !';
      const expected = '    9s a|';
      expectObservable(source.pipe(raceTimeout({ millis: Number.POSITIVE_INFINITY }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('the source is unsubscribed before the error comes', () =>
    marbles(async ({ flush }) => {
      const order: string[] = [];
      const source = new Subject();
      source
        .pipe(raceTimeout({ millis: 5 }))
        .subscribe({ error: () => order.push(`error, observed: ${source.observed}`) });
      await flush();
      expect(order).toEqual(['error, observed: false']);
    }));

  test.each([
    [
      {},
      'raceTimeout.millis must be a duration in milliseconds, from 0 to 2147483647, or Infinity, but was given undefined',
    ],
    [{ millis: -1 }, 'raceTimeout.millis must be a duration in milliseconds, from 0'],
    [{ millis: 5, bounds: 'last' }, "raceTimeout.bounds must be one of 'first', 'whole', but was given \"last\""],
    [
      { millis: 5, processHold: true },
      "raceTimeout.processHold must be one of 'whileWaiting', 'never', but was given true",
    ],
    [{ millis: 5, scheduler: {} }, 'raceTimeout.scheduler must be an RxJS scheduler'],
    [{ millis: 5, mills: 5 }, 'raceTimeout.mills must be one of the known options'],
  ])('refuses %o', (options, message) => {
    expect(() => raceTimeout(options as RaceTimeoutOptions)).toThrow(message);
  });
});

describe('raceTimeout: the compulsory cases', () => {
  test('never: is aborted when the time is up', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^----!';
      const expected = '    -----#';
      expectObservable(source.pipe(raceTimeout({ millis: 5, bounds: 'first' }))).toBe(expected, undefined, TIMEOUT);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completing in time is in time', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' ---|');
      const subs = '        ^--!';
      const expected = '    ---|';
      expectObservable(source.pipe(raceTimeout({ millis: 5, bounds: 'first' }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: the whole is over in time', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --(a|)');
      const subs = '        ^-!';
      const expected = '    --(a|)';
      expectObservable(source.pipe(raceTimeout({ millis: 5 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: the time to the first value says nothing about the others', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b------c-d|');
      const subs = '        ^------------!';
      const expected = '    -a-b------c-d|';
      expectObservable(source.pipe(raceTimeout({ millis: 5, bounds: 'first' }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: that of the source comes through, and the timer is cleared', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --#');
      const subs = '        ^-!';
      const expected = '    --#';
      expectObservable(source.pipe(raceTimeout({ millis: 5 }))).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: ends source and timer', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' ------a');
      const subs = '        ^--!';
      const expected = '    ----';
      expectObservable(source.pipe(raceTimeout({ millis: 5 })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: there is no callback; a source that throws at its subscription errors, and leaves no timer', () =>
    marbles(({ expectObservable }) => {
      const source = defer(throwing);
      const expected = '    #';
      expectObservable(source.pipe(raceTimeout({ millis: 5 }))).toBe(expected, undefined, new Error('mine'));
    }));

  test('synchronous re-entrancy: a value that unsubscribes leaves no timer', () =>
    marbles(async ({ cold, flush, expectSubscriptions }) => {
      const source = cold(' -a-b');
      const subs = '        ^!';
      const subscription = source.pipe(raceTimeout({ millis: 5 })).subscribe(() => subscription.unsubscribe());
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
    }));
});
