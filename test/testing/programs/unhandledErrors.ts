/** Four tests under node:test. The first has the unhandled error that the argument names; the others are correct. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { finalize } from 'rxjs';
import { type MarbleKit, marbles, virtualTime } from '../../../src/testing/index.ts';

// Taken by CommonJS, so that they stay the host's own in virtual time.
const { setImmediate: hostImmediate, setTimeout: hostTimeout } = createRequire(import.meta.url)('node:timers') as {
  setImmediate(run: () => void): void;
  setTimeout(run: () => void, delayMillis: number): void;
};

const fail = (): never => {
  throw new Error('lost on the way');
};
const reject = () => void Promise.reject(new Error('lost on the way'));

const drawn = ({ cold, expectObservable, expectSubscriptions }: MarbleKit) => {
  const source = cold('   -a-|');
  const subs = '          ^--!';
  expectObservable(source).toBe('-a-|');
  expectSubscriptions(source.subscriptions).toBe(subs);
};

/** A marble test that passes, plus an unhandled error. */
const withError = (raise: (kit: MarbleKit) => unknown) => () =>
  marbles((kit) => {
    drawn(kit);
    return raise(kit);
  });

const ways: Record<string, () => Promise<void>> = {
  'a rejection': withError(reject),
  'a rejection of no error': withError(() => void Promise.reject('lost on the way')),
  'two rejections': withError(() => void [1, 2].map(reject)),
  'a callback of a promise': withError(() => void Promise.resolve().then(fail)),
  'a timer': withError(() => void setTimeout(fail, 2)),
  'a timer of the host': withError(() => {
    hostTimeout(fail, 1);
    return new Promise(() => {});
  }),
  'an immediate of the host': withError(() => hostImmediate(fail)),
  'a tick': withError(() => process.nextTick(fail)),
  'a microtask': withError(() => queueMicrotask(fail)),
  'an observer': withError(({ cold }) => void cold('-a|').subscribe(fail)),
  'the last turn': () =>
    marbles(({ cold, expectObservable }) => expectObservable(cold('-a|').pipe(finalize(reject))).toBe('-a|')),
  'the clearing up': () =>
    marbles(({ cold, expectObservable }) => expectObservable(cold('-a-').pipe(finalize(reject))).toBe('-a-')),
  'the clearing up of a run that fails': () =>
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a-').pipe(finalize(reject))).toBe('a-');
      setInterval(() => {}, 600_000);
    }),
  'a run without drawings': () => virtualTime(reject),
  'a run that fails by itself': () =>
    virtualTime(() => {
      reject();
      assert.fail('the test has its own error');
    }),
  'after the test': async () => hostImmediate(fail),
  'before the run': () => {
    reject();
    return marbles(drawn);
  },
};

test('first', () => ways[process.argv[2] as string]?.());

test('second', () => marbles(drawn));

test('third', () => marbles(drawn));

test('fourth, in the time of the host', async () => {
  const begun = process.hrtime.bigint();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(process.hrtime.bigint() - begun > 2_000_000n);
  assert.equal(process.listenerCount('unhandledRejection'), 1);
  assert.equal(process.listenerCount('uncaughtException'), 1);
});
