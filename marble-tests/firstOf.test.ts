import { map, of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { exponentialBackoff, exportTo, firstOf, type Outcome, type Sink } from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { throwing } from './support.ts';

const RETRY = {
  backoff: exponentialBackoff({ initialMillis: 1, maxMillis: 1, jitter: 'none' }),
  maxAttempts: 2,
} as const;

const LETTERS = { o: 'delivered', p: 'permanent', x: 'retriesExhausted', u: 'unconfirmed' };

const told = map(({ lost }: Outcome<unknown>) => lost[0]?.reason ?? 'delivered');

describe('firstOf', () => {
  test('the first success wins, and the others are aborted', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts, diagram }) => {
      diagram('firstOf', { title: 'firstOf: near and far, of which near fails the second time' });
      const source = hotBatches('[a]----[b]------|');
      const subs = '             ^---------------!';
      const onNear = ['          ^-!', '      -------^-!'];
      const onFar = ['           ^-!', '      -------^----!'];
      const expected = '         --o---------o---|';
      const near = sink('        --(r|)', '--#', { name: 'near' });
      const far = sink('         -----(r|)', { name: 'far' });
      expectObservable(source.pipe(exportTo(firstOf([near, far])), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(near).toBe(onNear, ['a', 'b']);
      expectAttempts(far).toBe(onFar, ['a', 'b']);
    }));

  test('fails when all have failed, with what may help: one may be tried again', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]-----|');
      const subs = '             ^-------!';
      const onNear = ['          ^!', '    ---^!'];
      const onFar = ['           ^-!', '   ---^-!'];
      const expected = '         -----o--|';
      const near = sink('        -p', { name: 'near' });
      const far = sink('         --#', '--(r|)', { name: 'far' });
      expectObservable(source.pipe(exportTo(firstOf([near, far]), { retry: RETRY }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(near).toBe(onNear, ['a', 'a']);
      expectAttempts(far).toBe(onFar, ['a', 'a']);
    }));

  test('all refuse for good: so does the whole', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = hotBatches('[a]---|');
      const subs = '             ^-----!';
      const expected = '         --p---|';
      const refusing = firstOf([sink('-p'), sink('--p')]);
      expectObservable(source.pipe(exportTo(refusing, { retry: RETRY }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('an unknown outcome is not forgotten: what is lost later is unconfirmed', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = hotBatches('[a]-----|');
      const subs = '             ^-------!';
      const expected = '         -----u--|';
      const doubtful = firstOf([sink('-u', '-#'), sink('--#')]);
      expectObservable(source.pipe(exportTo(doubtful, { retry: RETRY }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('unsubscribing aborts all of them', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]------');
      const subs = '             ^---!    ';
      const aborted = ['         ^---!    '];
      const expected = '         ---------';
      const [near, far] = [sink('-'), sink('-')];
      expectObservable(source.pipe(exportTo(firstOf([near, far]))), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(near).toBe(aborted, ['a']);
      expectAttempts(far).toBe(aborted, ['a']);
    }));

  test('one that answers synchronously is the only one that is called', () => {
    const called: string[] = [];
    const answering = (name: string): Sink<string> => ({
      name,
      export: () => {
        called.push(name);
        return of({});
      },
    });
    of(['a'])
      .pipe(exportTo(firstOf([answering('near'), answering('far')])))
      .subscribe(({ delivered }) => called.push(`delivered ${delivered}`));
    expect(called).toEqual(['near', 'delivered 1']);
  });

  test('one that answers at once leaves the others alone, and one that throws is one that failed', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]---|');
      const subs = '             ^-----!';
      const expected = '         o-----|';
      const far = sink('         -');
      const atOnce = { name: 'at once', export: async () => ({}) };
      const failing = { name: 'failing', export: throwing };
      expectObservable(source.pipe(exportTo(firstOf([failing, atOnce, far])), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(far).toBe(['(^!)'], ['a']);
    }));
});

describe('firstOf: a backend that says when to come back', () => {
  const PATIENT = { backoff: RETRY.backoff };
  const t = { kind: 'throttled', retryAfterMillis: 10 } as const;

  test('is left alone until then, and the others go on', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]-----------|');
      const subs = '             ^-------------!';
      const onNear = ['          ^!', ' ------------^!'];
      const onFar = [0, 2, 4, 6, 8, 10, 12].map((at) => `${'-'.repeat(at)}^!`);
      const expected = '         -------------o|';
      const near = sink('        -t', '-(r|)', { name: 'near', failures: { t } });
      const far = sink('         -#', { name: 'far' });
      expectObservable(source.pipe(exportTo(firstOf([near, far]), { retry: PATIENT }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(near).toBe(onNear, ['a', 'a']);
      expectAttempts(far).toBe(
        onFar,
        onFar.map(() => 'a'),
      );
    }));

  test('is then asked by one attempt, before all others', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]----------([b][c])[d]|');
      const subs = '             ^-----------------------!';
      const onNear = ['          ^!', '-------------^-!', '---------------------^!'];
      const onFar = ['^-!', '-------------^-!', '-------------^-!', '---------------------^!'];
      const expected = '         --o------------(oo)---o-|';
      const near = sink('        -t', '--(r|)', '-(r|)', { name: 'near', failures: { t } });
      const far = sink('         --(r|)', { name: 'far' });
      expectObservable(source.pipe(exportTo(firstOf([near, far]), { retry: PATIENT }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(near).toBe(onNear, ['a', 'b', 'd']);
      expectAttempts(far).toBe(onFar, ['a', 'b', 'c', 'd']);
    }));

  test('is left alone by what begins with the end of that very attempt, too', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const onNear = ['           ^!'];
      const onFar = ['            ^!', '-^!', '--^!'];
      const expected = '          --o(o|)';
      const near = sink('         -t', { name: 'near', failures: { t } });
      const far = sink('          -#', '-(r|)', { name: 'far' });
      const options = { concurrency: 1, retry: PATIENT };
      expectObservable(source.pipe(exportTo(firstOf([near, far]), options), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(near).toBe(onNear, ['a']);
      expectAttempts(far).toBe(onFar, ['a', 'b', 'a']);
    }));

  test('is left alone by everything that exports to it', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]----------|');
      const other = hotBatches(' ---[b]-------|');
      const subs = '             ^------------!';
      const onNear = ['          ^!', '-----------^!'];
      const expected = '         --o----------|';
      const expectedOfOther = '  ------------o|';
      const near = sink('        -t', '-(r|)', { failures: { t } });
      const both = firstOf([near, sink('--(r|)')]);
      expectObservable(source.pipe(exportTo(both, { retry: PATIENT }), told)).toBe(expected, LETTERS);
      expectObservable(other.pipe(exportTo(near, { retry: PATIENT }), told)).toBe(expectedOfOther, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(other.subscriptions).toBe(subs);
      expectAttempts(near).toBe(onNear, ['a', 'b']);
    }));

  test('all of them: the next attempt is made when the first of them is ready, and only there', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]-[b]-------|');
      const subs = '             ^-------------!';
      const onNear = ['          ^!', '-----------^!', '------------^!'];
      const onFar = ['           ^!'];
      const expected = '         ------------oo|';
      const near = sink('        -t', '-(r|)', { name: 'near', failures: { t } });
      const far = sink('         -t', { name: 'far', failures: { t: { ...t, retryAfterMillis: 50 } } });
      expectObservable(source.pipe(exportTo(firstOf([near, far]), { retry: PATIENT }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(near).toBe(onNear, ['a', 'b', 'a']);
      expectAttempts(far).toBe(onFar, ['a']);
    }));

  test('is left alone for maxRetryAfterMillis at most', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]--[b]--|');
      const subs = '             ^---------!';
      const onNear = ['          ^!', '-----^!'];
      const expected = '         --o---o---|';
      const near = sink('        -t', '-(r|)', { failures: { t } });
      const both = firstOf([near, sink('--(r|)')], { maxRetryAfterMillis: 4 });
      expectObservable(source.pipe(exportTo(both, { retry: PATIENT }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(near).toBe(onNear, ['a', 'b']);
    }));
});
