import { map, NEVER, Observable, of, throwError, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type Attempt,
  type AttemptPhase,
  type Batch,
  ExportError,
  exportHandle,
  exportTo,
  failover,
  firstOf,
  memoryBudget,
  type Response,
  type Sink,
  spanPipeline,
} from '../../src/index.ts';
import { virtualTime } from '../../src/testing/index.ts';

function batchOf(items: readonly string[], bytes = 10): Batch<string> {
  return { items, bytes, closedBy: 'count', hold: () => ({ ready() {}, settle() {} }) };
}

/** A sink that remembers what was done to it. */
function noting(name: string, options: Partial<Sink<string>> = {}) {
  const calls: string[] = [];
  const sink: Sink<string> = {
    name,
    export: () => of({}),
    forceFlush: async () => void calls.push('flush'),
    shutdown: async () => void calls.push('shutdown'),
    ...options,
  };
  return { sink, calls };
}

const COMPOSITES = [
  ['failover', (a: Sink<string>, b: Sink<string>) => failover(a, b)],
  ['firstOf', (a: Sink<string>, b: Sink<string>) => firstOf([a, b])],
] as const;

describe.each(COMPOSITES)('%s as a sink', (name, make) => {
  test('has a name, the least concurrency and the longest timeout of its sinks', () => {
    const a = noting('a', { maxConcurrency: 4, attemptTimeoutMillis: 2_000 }).sink;
    expect(make(a, noting('b').sink)).toMatchObject({
      name: `${name}(a, b)`,
      maxConcurrency: 4,
      attemptTimeoutMillis: 10_000,
    });
    const b = noting('b', { maxConcurrency: 1, attemptTimeoutMillis: 30_000 }).sink;
    expect(make(a, b)).toMatchObject({ maxConcurrency: 1, attemptTimeoutMillis: 30_000 });
    const plain = make(noting('a').sink, noting('b').sink);
    expect([plain.maxConcurrency, plain.attemptTimeoutMillis]).toEqual([undefined, undefined]);
  });

  test('flushes and shuts down each of them once, even one that is there twice', async () => {
    const [a, b] = [noting('a'), noting('b')];
    const both = make(a.sink, b.sink);
    await both.forceFlush?.();
    await both.shutdown?.();
    expect([a.calls, b.calls]).toEqual([
      ['flush', 'shutdown'],
      ['flush', 'shutdown'],
    ]);
    const once = noting('once');
    await make(once.sink, once.sink).shutdown?.();
    expect(once.calls).toEqual(['shutdown']);
  });

  test('a shutdown that fails keeps the other from nothing', async () => {
    const b = noting('b');
    const failing: Sink<string> = { name: 'a', export: () => of({}), shutdown: () => Promise.reject(new Error('no')) };
    await expect(make(failing, b.sink).shutdown?.()).rejects.toThrow('no');
    expect(b.calls).toEqual(['shutdown']);
  });

  test('has no flush and no shutdown where its sinks have none', () => {
    const sink: Sink<string> = { name: 'a', export: () => of({}) };
    expect(make(sink, sink)).not.toHaveProperty('forceFlush');
    expect(make(sink, sink)).not.toHaveProperty('shutdown');
  });

  test('refuses what is no sink, by its own name', () => {
    expect(() => make(noting('a').sink, {} as never)).toThrow(new RegExp(`^${name}\\..*must be a sink`));
  });

  test('a defect of a sink is not tried again', () => {
    const defect: Sink<string> = { name: 'a', export: () => 5 as never };
    const outcomes: unknown[] = [];
    of(['x'])
      .pipe(exportTo(make(defect, defect)))
      .subscribe((outcome) => outcomes.push(outcome));
    expect(outcomes).toMatchObject([{ attempts: 1, lost: [{ reason: 'permanent' }] }]);
  });

  test('a sink that ends without an answer leaves the outcome unknown', () => {
    const errors: unknown[] = [];
    const mute: Sink<string> = { name: 'mute', export: () => [] };
    make(mute, mute)
      .export(batchOf(['x']))
      .subscribe({ error: (error) => errors.push(error) });
    expect(errors).toMatchObject([{ failure: { kind: 'unknownOutcome' }, message: 'mute ended without an answer' }]);
  });
});

describe('firstOf', () => {
  test('refuses an empty list', () => {
    expect(() => firstOf([])).toThrow(
      'firstOf.sinks must be an array of at least one sink, but was given an array of 0',
    );
  });

  test('fails with all messages and causes', () => {
    const failing = (name: string): Sink<string> => ({
      name,
      export: () => throwError(() => new ExportError({ kind: 'permanent' }, `${name} says no`)),
    });
    const errors: ExportError[] = [];
    firstOf([failing('a'), failing('b')])
      .export(batchOf(['x']))
      .subscribe({ error: (error) => errors.push(error) });
    expect(errors[0]?.message).toBe('a says no; b says no');
    expect(errors[0]?.cause).toMatchObject({ errors: [{ message: 'a says no' }, { message: 'b says no' }] });
  });

  /** A sink that hands out its attempt, and never answers by itself. */
  function reporting(name: string) {
    let attempt: Attempt | undefined;
    const sink: Sink<string> = {
      name,
      export: (_batch, given) => {
        attempt = given;
        return NEVER;
      },
    };
    return { sink, attempt: () => attempt as Attempt };
  }

  test('is as far as the attempt that has come furthest, once each has reported', () => {
    const [a, b] = [reporting('a'), reporting('b')];
    const told: (AttemptPhase | Response | ExportError)[] = [];
    const attempt: Attempt = { enter: (phase) => told.push(phase), answered: (answer) => told.push(answer) };
    firstOf([a.sink, b.sink])
      .export(batchOf(['x']), attempt)
      .subscribe();
    a.attempt().enter('connecting');
    expect(told).toEqual([]);
    b.attempt().enter('preparing');
    b.attempt().enter('sending');
    b.attempt().answered(new ExportError({ kind: 'retryable' }, 'no'));
    a.attempt().answered({});
    expect(told).toEqual(['connecting', 'sending', 'connecting', {}]);
  });

  test('does not take back that one may have arrived', () => {
    const [a, b] = [reporting('a'), reporting('b')];
    const told: string[] = [];
    const attempt: Attempt = { enter: (phase) => told.push(phase), answered() {} };
    firstOf([a.sink, b.sink])
      .export(batchOf(['x']), attempt)
      .subscribe();
    a.attempt().enter('connecting');
    b.attempt().answered(new ExportError({ kind: 'unknownOutcome' }, 'no answer'));
    expect(told).toEqual(['waiting']);
  });
});

describe('failover: the copies for the backup', () => {
  const primary: Sink<string> = { name: 'primary', export: () => of({}) };

  /** A backup that answers when it is told to. */
  function slow(maxConcurrency = Number.POSITIVE_INFINITY) {
    const got: string[] = [];
    const sink: Sink<string> = {
      name: 'backup',
      maxConcurrency,
      export: ({ items }) => {
        got.push(items.join(''));
        return timer(100).pipe(map(() => ({})));
      },
    };
    return { sink, got };
  }

  test('nobody waits for them, and each batch is copied once, whatever becomes of its attempts', () =>
    virtualTime(async ({ advanceBy }) => {
      const backup = slow();
      let attempts = 0;
      const flaky: Sink<string> = {
        name: 'flaky',
        export: ({ items }) => {
          attempts += 1;
          if (items.length > 2) return throwError(() => new ExportError({ kind: 'tooLarge' }, 'too large'));
          return attempts === 2 ? throwError(() => new Error('busy')) : of({});
        },
      };
      const both = failover(flaky, primary, { backup: backup.sink });
      const outcomes: unknown[] = [];
      of(['a', 'b', 'c', 'd'])
        .pipe(exportTo(both, { random: () => 0.01 }))
        .subscribe((outcome) => outcomes.push(outcome));
      await advanceBy(50);
      expect(attempts).toBe(4);
      expect(outcomes).toMatchObject([{ delivered: 4 }]);
      expect(both.backup()).toMatchObject({ offered: 4, pending: 4 });
      await advanceBy(100);
      expect(backup.got).toEqual(['abcd']);
      expect(both.backup()).toEqual({ offered: 4, delivered: 4, failed: 0, dropped: 0, pending: 0 });
    }));

  test('are bounded: in flight, and in bytes with those that wait; what finds no room is dropped and counted', () =>
    virtualTime(async ({ advanceBy }) => {
      const backup = slow();
      const both = failover(primary, primary, { backup: backup.sink, maxBackupInFlight: 2, maxBackupBytes: 40 });
      for (const letter of 'abcdef') both.export(batchOf([letter])).subscribe();
      expect(backup.got).toEqual(['a', 'b']);
      expect(both.backup()).toMatchObject({ offered: 6, pending: 4, dropped: 2 });
      await advanceBy(250);
      expect(backup.got).toEqual(['a', 'b', 'c', 'd']);
      expect(both.backup()).toMatchObject({ delivered: 4, pending: 0, dropped: 2 });
    }));

  test('one at a time where the backup bears no more; what fails or is never answered is counted', () =>
    virtualTime(async ({ advanceBy }) => {
      let calls = 0;
      let inFlight = 0;
      let most = 0;
      const broken: Sink<string> = {
        name: 'broken',
        maxConcurrency: 1,
        attemptTimeoutMillis: 500,
        export: () =>
          new Observable((subscriber) => {
            inFlight += 1;
            most = Math.max(most, inFlight);
            subscriber.add(() => {
              inFlight -= 1;
            });
            if (++calls > 1) subscriber.error(new Error('no'));
          }),
      };
      const both = failover(primary, primary, { backup: broken });
      both.export(batchOf(['a'])).subscribe();
      both.export(batchOf(['b', 'c'])).subscribe();
      await advanceBy(499);
      expect(calls).toBe(1);
      await advanceBy(2);
      expect(both.backup()).toEqual({ offered: 3, delivered: 0, failed: 3, dropped: 0, pending: 0 });
      expect([most, inFlight]).toEqual([1, 0]);
    }));

  /** A backup of which nothing ever ends. */
  const dead: Sink<string> = {
    name: 'dead',
    maxConcurrency: 2,
    attemptTimeoutMillis: Number.POSITIVE_INFINITY,
    export: () => NEVER,
    forceFlush: () => new Promise(() => {}),
    shutdown: () => new Promise(() => {}),
  };

  test('no flush waits for them, nor for a flush of the backup', () =>
    virtualTime(async ({ now }) => {
      const backup = noting('backup', { export: () => NEVER });
      for (const sink of [dead, backup.sink]) {
        const both = failover(primary, primary, { backup: sink });
        both.export(batchOf(['a'])).subscribe();
        await both.forceFlush?.();
        expect([now(), both.backup().pending]).toEqual([0, 1]);
      }
      expect(backup.calls).toEqual(['flush']);
    }));

  test('a pipeline with a dead backup flushes at once, and shuts down within a second', () =>
    virtualTime(async ({ now, advanceBy }) => {
      const both = failover(primary, primary, { backup: dead });
      const handle = exportHandle(both);
      void handle.export(['a', 'b', 'c']);
      await advanceBy(5_000);
      const at = now();
      await handle.forceFlush();
      expect(now() - at).toBe(0);
      const shutDown = handle.shutdown().then(() => now() - at);
      await advanceBy(10_000);
      expect(await shutDown).toBe(800);
      expect(both.backup()).toMatchObject({ offered: 3, failed: 3, pending: 0 });
    }));

  test('a shutdown gives them 400 ms, then it aborts or drops them and counts that; later ones are dropped', () =>
    virtualTime(async ({ advanceBy }) => {
      const backup = slow(1);
      const both = failover(primary, primary, { backup: backup.sink });
      for (const letter of 'abcdef') both.export(batchOf([letter])).subscribe();
      await advanceBy(50);
      let isShutDown = false;
      void both.shutdown?.().then(() => {
        isShutDown = true;
      });
      both.export(batchOf(['g'])).subscribe();
      await advanceBy(399);
      expect([isShutDown, both.backup()]).toEqual([
        false,
        { offered: 7, delivered: 4, failed: 0, dropped: 1, pending: 2 },
      ]);
      await advanceBy(1);
      expect([isShutDown, both.backup()]).toEqual([
        true,
        { offered: 7, delivered: 4, failed: 1, dropped: 2, pending: 0 },
      ]);
    }));

  test('a shutdown does not wait longer than until they have ended', () =>
    virtualTime(async ({ advanceBy, now }) => {
      const both = failover(primary, primary, { backup: slow().sink });
      both.export(batchOf(['a'])).subscribe();
      const shutDownAt = both.shutdown?.().then(now);
      await advanceBy(1_000);
      expect(await shutDownAt).toBe(100);
      expect(both.backup()).toMatchObject({ delivered: 1, pending: 0 });
    }));

  test('a backup that is the fallback, too, is flushed and shut down once', async () => {
    const twice = noting('twice');
    const both = failover(primary, twice.sink, { backup: twice.sink });
    await both.forceFlush?.();
    await both.shutdown?.();
    expect(twice.calls).toEqual(['flush', 'shutdown']);
  });

  test('they take memory out of the budget that is given, and give all of it back', () =>
    virtualTime(async ({ advanceBy }) => {
      const memory = memoryBudget({ maxBytes: 100_000 });
      const both = failover(primary, primary, { backup: slow().sink, memory });
      const owner = {}; // an account ends when its owner is collected
      const other = memory.open(owner);
      const roomBefore = other.admits(1) && other.wouldHaveRoom(75_000, 0);
      both.export(batchOf(['a'], 100)).subscribe();
      expect([roomBefore, memory.usedBytes, other.wouldHaveRoom(75_000, 0)]).toEqual([true, 1_024 + 200, false]);
      await advanceBy(100);
      expect([memory.usedBytes, other.wouldHaveRoom(75_000, 0)]).toEqual([0, true]);
      other.hold(90_000);
      both.export(batchOf(['b'], 20_000)).subscribe();
      expect(both.backup()).toEqual({ offered: 2, delivered: 1, failed: 0, dropped: 1, pending: 0 });
      other.give(90_000);
      expect(other.wouldHaveRoom(75_000, 0)).toBe(true);
      expect(owner).toEqual({});
    }));

  test('a budget of memory that is used up drops them', () => {
    const both = failover(primary, primary, { backup: slow().sink, maxBackupBytes: Number.MAX_SAFE_INTEGER });
    both.export(batchOf(['a'], 2 ** 50)).subscribe();
    expect(both.backup()).toMatchObject({ offered: 1, dropped: 1 });
  });

  test('there are none without a backup', () => {
    const both = failover(primary, primary);
    both.export(batchOf(['a'])).subscribe();
    expect(both.backup()).toEqual({ offered: 0, delivered: 0, failed: 0, dropped: 0, pending: 0 });
  });
});

describe('failover', () => {
  test.each<[string, Response | ExportError, 'primary' | 'fallback']>([
    ['a failure', new ExportError({ kind: 'retryable' }, 'no'), 'fallback'],
    ['a success', {}, 'primary'],
  ])('an answer that is known when the attempt is aborted counts: %s', (_title, answer, state) => {
    let mode: 'fails' | 'reports' = 'fails';
    const primary: Sink<string> = {
      name: 'primary',
      export: (_batch, attempt) => {
        if (mode === 'fails') return throwError(() => new Error('no'));
        attempt?.answered(answer);
        return NEVER;
      },
    };
    const both = failover(primary, noting('fallback').sink, { maxFailedAttempts: 2 });
    const states: string[] = [];
    both.state$.subscribe((now) => states.push(now));
    both.export(batchOf(['a'])).subscribe({ error: () => {} });
    mode = 'reports';
    both
      .export(batchOf(['b']))
      .subscribe()
      .unsubscribe();
    mode = 'fails';
    if (state === 'primary') both.export(batchOf(['c'])).subscribe({ error: () => {} });
    expect(states.at(-1)).toBe(state);
  });

  test('an address that refuses connections does not end the retries of an ending program: there is a fallback', () => {
    const refusing: Sink<string> = {
      name: 'refusing',
      export: () => throwError(() => new ExportError({ kind: 'retryable', connectionRefused: true }, 'refused')),
    };
    const errors: ExportError[] = [];
    failover(refusing, refusing)
      .export(batchOf(['a']))
      .subscribe({ error: (error) => errors.push(error) });
    expect(errors[0]?.failure).toEqual({ kind: 'retryable' });
  });

  test('a pipeline that is shut down shuts all of its sinks down', async () => {
    const [a, b, c, d] = [noting('a'), noting('b'), noting('c'), noting('d')];
    const sink = failover(a.sink, firstOf([b.sink, c.sink]), { backup: d.sink });
    await spanPipeline({ sink: sink as Sink<never> }).shutdown();
    for (const { calls } of [a, b, c, d]) expect(calls).toEqual(['flush', 'shutdown']);
  });
});
