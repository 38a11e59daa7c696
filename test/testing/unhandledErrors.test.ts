import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { finalize, firstValueFrom, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { MarbleFailure, marbles, virtualTime } from '../../src/testing/index.ts';
import { failureOf, text } from './failureOf.ts';

const PROGRAM = join(import.meta.dirname, 'programs', 'unhandledErrors.ts');

const fail = () => {
  throw new Error('lost on the way');
};
const reject = () => void Promise.reject(new Error('lost on the way'));

/** The TAP output of node:test, if the first of four tests has an unhandled error of this kind. The process is killed if it does not end. */
function tap(way: string, ...options: readonly string[]): Promise<string> {
  const args = [...options, '--test-reporter=tap', PROGRAM, way];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: {}, timeout: 150_000, killSignal: 'SIGKILL' }, (_error, stdout) =>
      resolve(stdout),
    );
  });
}

/** `not ok 1 - first`, one line for each test. */
const results = (said: string) => [...said.matchAll(/^(?:not )?ok .*$/gm)].map(([line]) => line);

const ONLY_THE_FIRST = ['not ok 1 - first', 'ok 2 - second', 'ok 3 - third', 'ok 4 - fourth, in the time of the host'];

const REJECTION = /an unhandled rejection ended the run at \d+m?s?\n\s+(Error: |')lost on the way/;
const EXCEPTION = /an uncaught exception ended the run at \d+m?s?\n\s+Error: lost on the way/;

describe('under node:test, only the test fails that causes', () => {
  it.each([
    ['a rejection', REJECTION],
    ['a rejection of no error', REJECTION],
    ['two rejections', REJECTION],
    ['a callback of a promise', REJECTION],
    ['a timer', EXCEPTION],
    ['a timer of the host', EXCEPTION],
    ['an immediate of the host', EXCEPTION],
    ['a tick', EXCEPTION],
    ['a microtask', EXCEPTION],
    ['an observer', EXCEPTION],
    ['the last turn', REJECTION],
    ['the clearing up', REJECTION],
    ['the clearing up of a run that fails', REJECTION],
    ['a run without drawings', REJECTION],
  ])('%s', async (way, words) => {
    const said = await tap(way);
    expect(results(said)).toEqual(ONLY_THE_FIRST);
    expect(said).toMatch(words);
    expect(said).toContain('it was thrown outside of the observed streams, so no drawing shows it');
  });

  it('a rejection with --unhandled-rejections=strict', async () => {
    const said = await tap('a rejection', '--unhandled-rejections=strict');
    expect(results(said)).toEqual(ONLY_THE_FIRST);
    expect(said.match(new RegExp(REJECTION, 'g'))).toHaveLength(1);
  });

  it('a rejection and an error of the test', async () => {
    const said = await tap('a run that fails by itself');
    expect(results(said)).toEqual(ONLY_THE_FIRST);
    expect(said).toMatch(/the test failed\n\s+AssertionError: the test has its own error/);
    expect(said).toMatch(REJECTION);
  });

  it('a rejection before its run, which the runner receives', async () => {
    const said = await tap('before the run');
    expect(results(said)).toEqual(ONLY_THE_FIRST);
    expect(said).toContain("failureType: 'unhandledRejection'");
  });
});

it('an error that an earlier test left behind ends the current run, and the runner receives it', async () => {
  const said = await tap('after the test');
  expect(results(said)).toEqual(['ok 1 - first', 'not ok 2 - second', ...ONLY_THE_FIRST.slice(2)]);
  expect(said).toMatch(/# Error: .*generated asynchronous activity after the test ended/);
  expect(said).toContain(
    "it was started before this run or beside it, so the process' own listeners received it as well",
  );
});

describe('the message of a failure', () => {
  it('an unhandled rejection', async () => {
    const failure = failureOf(async ({ advanceBy, cold, expectObservable }) => {
      expectObservable(cold('-a-|')).toBe('-a-|');
      await advanceBy(2);
      reject();
    });
    expect(await failure).toBe(text`
      an unhandled rejection ended the run at 2ms

        Error: lost on the way

      it was thrown outside of the observed streams, so no drawing shows it
    `);
  });

  it('a timer that throws: the error, the time and the line', async () => {
    const run = marbles(() => void setTimeout(fail, 1_500));
    const failure = await run.catch((error: unknown) => error);
    assert(failure instanceof MarbleFailure);
    expect(failure.message).toBe(text`
      an uncaught exception ended the run at 1500ms

        Error: lost on the way

      it was thrown outside of the observed streams, so no drawing shows it
    `);
    expect(failure.cause).toEqual(new Error('lost on the way'));
    expect(failure.stack).toMatch(/^MarbleFailure: an uncaught exception/);
    expect(failure.stack).toMatch(/\n {4}at .*unhandledErrors\.test\.ts:\d+:\d+/);
  });

  it('a microtask that throws while the test waits forever', async () => {
    const failure = failureOf(
      async () => {
        queueMicrotask(fail);
        await firstValueFrom(new Subject());
      },
      { maxRealWaitMillis: 60_000 },
    );
    expect(await failure).toContain('an uncaught exception ended the run at 0ms');
  });

  it('a rejection in the last turn, in addition to a difference', async () => {
    const failure = failureOf(({ cold, expectObservable }) => {
      expectObservable(cold('-a|').pipe(finalize(reject))).toBe('-b|');
    });
    expect(await failure).toContain('an unhandled rejection ended the run at 2ms');
  });

  it('an error of the test and a rejection', async () => {
    const run = virtualTime(() => {
      reject();
      throw new RangeError('too far');
    });
    await expect(run).rejects.toThrow(text`
      the test failed

        RangeError: too far

      an unhandled rejection ended the run at 0ms
    `);
  });
});

describe('the listeners of the process', () => {
  const events = ['unhandledRejection', 'uncaughtException'] as const;
  const listeners = () => events.map((event) => process.rawListeners(event));

  it('are the same after a run as before it, however it ends', async () => {
    const once = () => {};
    for (const event of events) process.once(event, once);
    const before = listeners();
    const { emit } = process;
    try {
      await marbles(({ cold, expectObservable }) => expectObservable(cold('-a|')).toBe('-a|'));
      expect(listeners()).toEqual(before);
      await failureOf(reject);
      expect(listeners()).toEqual(before);
      await failureOf(() => Promise.reject(new Error('by itself')));
      expect(listeners()).toEqual(before);
      expect(process.emit).toBe(emit);
    } finally {
      for (const event of events) process.off(event, once);
    }
  });

  it('all stay registered, in their order, while a run lasts and while it ends by an unhandled error', async () => {
    const before = listeners();
    const seen: unknown[] = [];
    const look = () => void seen.push(listeners());
    await marbles(look);
    await failureOf(({ cold, expectObservable }) => {
      look();
      setTimeout(() => process.nextTick(fail), 1);
      expectObservable(cold('-a-|').pipe(finalize(look))).toBe('-a-|');
    });
    expect(seen).toEqual([before, before, before]);
  });

  it('stay registered behind the others if a run adds them', async () => {
    const added = () => {};
    const before = listeners();
    await marbles(() => void process.on('unhandledRejection', added));
    expect(listeners()).toEqual([[...(before[0] ?? []), added], before[1]]);
    process.off('unhandledRejection', added);
  });

  it('receive events through a wrapper of process.emit that a run installs, and the wrapper stays', async () => {
    const { emit } = process;
    const received: unknown[] = [];
    const listener = (value: unknown) => void received.push(value);
    let wrapper: unknown;
    process.on('marble', listener);
    try {
      await marbles(() => {
        const inner = process.emit;
        wrapper = (...args: unknown[]) => Reflect.apply(inner, process, args);
        Reflect.set(process, 'emit', wrapper);
      });
      expect(process.emit).toBe(wrapper);
      Reflect.apply(process.emit, process, ['marble', 1]);
      expect(received).toEqual([1]);
    } finally {
      Reflect.set(process, 'emit', emit);
      process.off('marble', listener);
    }
  });

  it('do not receive a rejection that is handled', () =>
    marbles(async ({ advanceBy }) => {
      const rejected = Promise.reject(new Error('handled'));
      await assert.rejects(rejected);
      await advanceBy(10);
    }));
});

it('an unhandled error restores the timers of the host at once', async () => {
  const { setTimeout: before } = globalThis;
  let after: typeof setTimeout | undefined;
  const failure = failureOf(() => {
    process.nextTick(() => {
      process.nextTick(() => {
        after = globalThis.setTimeout;
      });
      fail();
    });
  });
  expect(await failure).toContain('an uncaught exception');
  expect(after).toBe(before);
});
