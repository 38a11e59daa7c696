import fc from 'fast-check';
import { asyncScheduler, defer, NEVER, Observable, of, Subject, throwError, timer } from 'rxjs';
import { map, mergeMap } from 'rxjs/operators';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { memoryBudget } from '../../src/flow/memory.ts';
import { total } from '../../src/ledger/stageStats.ts';
import { ExportError, type Response, type Sink } from '../../src/model/sink.ts';
import type { Loss } from '../../src/model/tally.ts';
import type { ExportAnswer, ExportHandle } from '../../src/pipelines/answers/handle.ts';
import { exportHandle } from '../../src/pipelines/exportHandle/exportHandle.ts';
import { EXPORT_HANDLE_DEFAULTS, type ExportHandleOptions } from '../../src/pipelines/exportHandle/options.ts';
import { toMemory } from '../../src/sinks/toMemory.ts';
import { divide } from '../../src/strategies/proportions.ts';
import { marbles, virtualTime } from '../../src/testing/index.ts';
import { randomRuns } from '../support/randomRuns.ts';

/** A sink that answers each batch, in order, after 10 ms: with what it is told, and then with the last of that. */
function answering(...answers: ((items: readonly number[]) => Response)[]) {
  const batches: (readonly number[])[] = [];
  const sink: Sink<number> & { batches: typeof batches; closed: boolean } = {
    name: 'answering',
    batches,
    closed: false,
    export: (batch) =>
      defer(() => {
        const answer = answers[Math.min(batches.length, answers.length - 1)];
        batches.push(batch.items);
        return timer(10, asyncScheduler).pipe(map(() => answer?.(batch.items) ?? {}));
      }),
    shutdown: async () => {
      sink.closed = true;
    },
  };
  return sink;
}

const silent: Sink<number> = { name: 'silent', export: () => NEVER };

/** What was lost, over all reasons. */
const lostCount = (lost: readonly Loss[]) => lost.reduce((sum, { count }) => sum + count, 0);

const delivered = (count: number) => ({ delivered: count, rejected: 0, lost: [], estimated: 0 });

describe('exportHandle', () => {
  test('each caller is answered for their own items, in common batches', () =>
    virtualTime(async ({ now }) => {
      const sink = answering(() => ({}));
      const handle = exportHandle(sink, { scheduledDelayMillis: 4 });
      const [one, other] = await Promise.all([handle.export([1, 2]), handle.export([3])]);
      expect(now()).toBe(14);
      expect(sink.batches).toEqual([[1, 2, 3]]);
      expect(one).toEqual({ ...delivered(2), attempts: 1, attemptMillis: 10, elapsedMillis: 14 });
      expect(other).toMatchObject(delivered(1));
      expect(handle.stats()).toMatchObject({ offered: 3, delivered: 3, pending: 0, between: 0 });
      await handle.shutdown();
      expect(sink.closed).toBe(true);
    }));

  test('two callers, drawn', () =>
    marbles(async ({ hot, sink, flush, expectAttempts, expectObservable }) => {
      const source = hot('  -a-b|');
      const backend = sink('--(r|)');
      const attempts = '    -----^-!';
      const answers = '     -------(ab)';
      const until = '       ^------------!';
      const handle = exportHandle(backend, { scheduledDelayMillis: 4 });
      const answered = new Observable((subscriber) =>
        source.subscribe((span) => {
          handle.export([span]).then(() => subscriber.next(span));
        }),
      );
      expectObservable(answered, until).toBe(answers);
      expectAttempts(backend).toBe(attempts, ['ab']);
      await flush();
      await handle.shutdown();
    }));

  test('a call of many batches is answered when the last of them has ended, with all that befell it', () =>
    virtualTime(async () => {
      const lost = () => {
        throw new ExportError({ kind: 'permanent' }, 'no such tenant');
      };
      const sink = answering(
        () => ({ message: 'slow down' }),
        lost,
        () => ({}),
      );
      const handle = exportHandle(sink, { maxExportBatchSize: 2 });
      const answer = await handle.export([1, 2, 3, 4, 5]);
      expect(answer).toMatchObject({ delivered: 3, estimated: 0, attempts: 1, message: 'slow down' });
      expect(answer.lost).toEqual([{ count: 2, reason: 'permanent', stage: 'exportTo(answering)' }]);
      expect(answer.error).toMatchObject({ code: 'EXPORT_FAILED', message: 'no such tenant' });
      await handle.shutdown();
    }));

  test('a partial success of a batch of one caller is exact', () =>
    virtualTime(async () => {
      const handle = exportHandle(answering(() => ({ rejected: 1, unencodable: 1 })));
      const answer = await handle.export([1, 2, 3]);
      expect(answer).toMatchObject({ delivered: 1, rejected: 1, estimated: 0 });
      expect(answer.lost).toEqual([{ count: 1, reason: 'unencodable', stage: 'exportTo(answering)' }]);
      await handle.shutdown();
    }));

  test('a partial success of a shared batch is divided in proportion, and said to be an estimate', () =>
    virtualTime(async () => {
      const handle = exportHandle(answering(() => ({ rejected: 4 })));
      const answers = await Promise.all([handle.export([1, 2]), handle.export([3, 4, 5, 6, 7, 8])]);
      expect(answers).toMatchObject([
        { delivered: 1, rejected: 1, estimated: 2 },
        { delivered: 3, rejected: 3, estimated: 6 },
      ]);
      expect(handle.stats()).toMatchObject({ delivered: 4, rejected: 4 });
      await handle.shutdown();
    }));

  test('the same object in two calls belongs to both', () =>
    virtualTime(async () => {
      const handle = exportHandle(answering(() => ({})));
      expect(await Promise.all([handle.export([7, 7]), handle.export([7])])).toMatchObject([
        delivered(2),
        delivered(1),
      ]);
      await handle.shutdown();
    }));

  test('an empty call is answered at once, also after the shutdown; another one then is lost', () =>
    virtualTime(async ({ now }) => {
      const handle = exportHandle(answering(() => ({})));
      expect(await handle.export([])).toMatchObject(delivered(0));
      await handle.shutdown();
      expect(await handle.export([])).toMatchObject(delivered(0));
      expect(await handle.export([1, 2])).toMatchObject({
        delivered: 0,
        lost: [{ count: 2, reason: 'alreadyShutdown', stage: 'channel' }],
      });
      expect(handle.stats().refused).toEqual({ alreadyShutdown: 2 });
      expect(now()).toBe(0);
    }));

  test('a call waits while the queue is full, and the caller may change the array meanwhile', () =>
    virtualTime(async () => {
      const sink = answering(() => ({}));
      const handle = exportHandle(sink, { maxQueueSize: 2, concurrency: 1, scheduledDelayMillis: 0 });
      const items = Array.from({ length: 50 }, (_, index) => index);
      const answer = handle.export(items);
      items.length = 0;
      expect(await answer).toMatchObject(delivered(50));
      expect(sink.batches.flat()).toHaveLength(50);
      expect(handle.stats()).toMatchObject({ offered: 50, refused: {}, lost: {} });
      await handle.shutdown();
    }));

  test('one call too many that would have to wait is lost as queueFull', () =>
    virtualTime(async () => {
      const options = { maxQueueSize: 1, maxWaitingExports: 1, concurrency: 1, scheduledDelayMillis: 0 };
      const handle = exportHandle(
        answering(() => ({})),
        options,
      );
      const waiting = handle.export([1, 2]);
      expect(await handle.export([3, 4])).toMatchObject({
        delivered: 0,
        lost: [{ count: 2, reason: 'queueFull', stage: 'channel' }],
        attempts: 0,
      });
      expect(await waiting).toMatchObject(delivered(2));
      expect(handle.stats()).toMatchObject({ offered: 4, refused: { queueFull: 2 }, delivered: 2 });
      await handle.shutdown();
    }));

  test('an item that is larger than the queue is lost as tooLarge, the others are not', () =>
    virtualTime(async () => {
      const sink: Sink<string> = { name: 'strings', export: () => of({}) };
      const handle = exportHandle(sink, { maxQueueBytes: 5 });
      expect(await handle.export(['a', 'too large', 'b'])).toMatchObject({
        delivered: 2,
        lost: [{ count: 1, reason: 'tooLarge', stage: 'channel' }],
      });
      await handle.shutdown();
    }));

  test('a signal ends the wait: what is out stays out, what is in goes on and is counted', () =>
    virtualTime(async ({ flush }) => {
      const sink = answering(() => ({}));
      const handle = exportHandle(sink, { maxQueueSize: 2, concurrency: 1 });
      const controller = new AbortController();
      const answer = handle.export([1, 2, 3, 4], { signal: controller.signal });
      controller.abort(new Error('enough'));
      await expect(answer).rejects.toThrow('enough');
      await expect(handle.export([5], { signal: controller.signal })).rejects.toThrow('enough');
      await flush();
      expect(sink.batches).toEqual([[1, 2]]);
      expect(handle.stats()).toMatchObject({ offered: 2, delivered: 2, pending: 0 });
      await handle.shutdown();
    }));

  test('an aborted call whose answer is ignored is no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    const handle = exportHandle(toMemory<number>());
    const controller = new AbortController();
    handle.export([1], { signal: controller.signal });
    controller.abort();
    handle.export([2], { signal: controller.signal });
    await handle.shutdown();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });

  test('shutdown takes ten seconds at most by default', () =>
    virtualTime(async ({ now }) => {
      const handle = exportHandle(silent, { attemptTimeoutMillis: 60_000 });
      const answer = handle.export([1]);
      await handle.shutdown();
      expect(now()).toBe(10_000);
      expect(await answer).toMatchObject({ delivered: 0, lost: [{ count: 1, reason: 'unconfirmed' }] });
    }));

  test('shutdown answers everybody by its deadline, those too who still wait for room', () =>
    virtualTime(async ({ now }) => {
      const handle = exportHandle(silent, { maxQueueSize: 1, concurrency: 1, scheduledDelayMillis: 0 });
      const calls = Array.from({ length: 40 }, (_, item) => handle.export([item, item]));
      await handle.shutdown({ deadlineMillis: 500 });
      expect(now()).toBe(500);
      const answers = await Promise.all(calls);
      for (const answer of answers) expect(answer.delivered + lostCount(answer.lost)).toBe(2);
      const reasons = new Set(answers.flatMap((answer) => answer.lost.map((loss) => loss.reason)));
      expect([...reasons].sort()).toEqual(['alreadyShutdown', 'shutdown', 'unconfirmed']);
      expect(handle.stats().pending).toBe(0);
      expect(handle.shutdown()).toBe(handle.shutdown());
    }));

  test('shutdown waits for calls that came before it, and closes the sink after the last export', () =>
    virtualTime(async ({ now }) => {
      const sink = answering(() => ({}));
      const handle = exportHandle(sink, { maxQueueSize: 2, concurrency: 1, scheduledDelayMillis: 1_000 });
      const answer = handle.export([1, 2, 3, 4, 5, 6, 7]);
      const closing = handle.shutdown();
      expect(await handle.export([8])).toMatchObject({ lost: [{ count: 1, reason: 'alreadyShutdown' }] });
      expect(await answer).toMatchObject(delivered(7));
      expect(sink.closed).toBe(false);
      await closing;
      expect(sink.closed).toBe(true);
      expect(now()).toBeLessThan(1_000);
    }));

  test('forceFlush does not wait for the delay', () =>
    virtualTime(async ({ now }) => {
      const handle = exportHandle(
        answering(() => ({})),
        { scheduledDelayMillis: 5_000 },
      );
      const answer = handle.export([1]);
      await handle.forceFlush();
      expect(await answer).toMatchObject(delivered(1));
      expect(now()).toBe(10);
      await handle.shutdown();
    }));

  test('a sink that throws at everything is answered like any other failure', () =>
    virtualTime(async () => {
      const fail = () => {
        throw new Error('broken');
      };
      const handle = exportHandle<number>(
        { name: 'broken', export: fail, shutdown: fail },
        { retry: { maxAttempts: 1 } },
      );
      expect(await handle.export([1])).toMatchObject({ lost: [{ count: 1, reason: 'retriesExhausted' }] });
      await handle.shutdown();
    }));

  test('a batch that ends twice, by its lease and then by an answer, counts once', () =>
    virtualTime(async ({ advanceBy }) => {
      const attempts: Subject<Response>[] = [];
      const forgetful: Sink<number> = {
        name: 'forgetful',
        export: () =>
          defer(() => {
            const attempt = new Subject<Response>();
            attempts.push(attempt);
            return attempt;
          }),
      };
      const forever = Number.POSITIVE_INFINITY;
      const handle = exportHandle(forgetful, {
        ...{ maxQueueSize: 1, concurrency: 1, scheduledDelayMillis: 0, attemptTimeoutMillis: forever },
        retry: { maxElapsedMillis: forever },
      });
      const answer = handle.export([1, 2]);
      await advanceBy(2 ** 31 + 1_000); // the longest lease that there is
      attempts[0]?.next({});
      await advanceBy(1);
      attempts[1]?.next({ rejected: 1 });
      expect(await answer).toMatchObject({ delivered: 0, rejected: 1, lost: [{ count: 1, reason: 'leaseExpired' }] });
      await handle.shutdown();
    }));

  test.each([
    [{ maxQueueSize: 0 }, 'exportHandle.maxQueueSize must be a whole number from 1, but was given 0'],
    [{ maxQueueBytes: 0 }, 'exportHandle.maxQueueBytes must be'],
    [{ maxWaitingExports: -1 }, 'exportHandle.maxWaitingExports must be a whole number from 0'],
    [{ maxQueueSize: 5, maxExportBatchSize: 6 }, 'exportHandle.maxExportBatchSize must be a whole number from 1 to 5'],
    [{ maxQueueBytes: 5, maxExportBatchBytes: 6 }, 'exportHandle.maxExportBatchBytes must be'],
    [{ flushTimeoutMillis: 0 }, 'exportHandle.flushTimeoutMillis must be a duration in milliseconds, from 1'],
    [{ shutdownDeadlineMillis: -1 }, 'exportHandle.shutdownDeadlineMillis must be a duration in milliseconds, from 0'],
    [{ exitDeadlineMillis: -1 }, 'exportHandle.exitDeadlineMillis must be a duration in milliseconds, from 0'],
    [{ scheduledDelayMillis: -1 }, 'exportHandle.scheduledDelayMillis must be a duration in milliseconds, from 0'],
    [{ concurrency: 0 }, 'exportHandle.concurrency must be a whole number from 1, but was given 0'],
    [{ concurency: 1 }, 'exportHandle.concurency must be one of the known options'],
  ])('refuses %o', (options, message) => {
    expect(() => exportHandle(silent, options as ExportHandleOptions<number>)).toThrow(message);
  });

  test('refuses what is no sink, no array, no signal', async () => {
    expect(() => exportHandle({} as never)).toThrow('exportHandle.sink must be a sink');
    const handle = exportHandle(silent);
    expect(() => handle.export('ab' as never)).toThrow('exportHandle.export.items must be an array');
    expect(() => handle.export([1], { signal: 1 as never })).toThrow('exportHandle.export.signal must be');
    expect(() => handle.export([1], { sig: 1 } as never)).toThrow('exportHandle.export.sig must be one of the known');
    await handle.shutdown();
    expect(Object.isFrozen(EXPORT_HANDLE_DEFAULTS)).toBe(true);
  });

  test('types: the item is that of the sink', () => {
    expectTypeOf<typeof exportHandle<string>>().returns.toEqualTypeOf<ExportHandle<string>>();
    expectTypeOf<ExportHandle<string>['export']>().returns.toEqualTypeOf<Promise<ExportAnswer>>();
    const handle = exportHandle(toMemory<string>(), { sizeOf: (item) => item.length });
    // @ts-expect-error: an item of another kind
    handle.export([1]);
    // @ts-expect-error: an option that does not exist
    expect(() => exportHandle(toMemory<string>(), { concurency: 1 })).toThrow('exportHandle.concurency');
    return handle.shutdown();
  });
});

describe('shares', () => {
  test('add up to the tally, and to each one’s items, and are as near to proportion as whole numbers can be', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
    const parts = fc.tuple(fc.nat(100), fc.nat(100), fc.nat(100), fc.nat(100));
    fc.assert(
      fc.property(counts, parts, (items, weights) => {
        const size = items.reduce((sum, count) => sum + count, 0);
        const [delivered = 0, rejected = 0, ...lost] = cut(size, weights);
        const tally = {
          delivered,
          rejected,
          lost: lost.map((count) => ({ count, reason: 'expired' as const, stage: 's' })),
        };
        const shares = divide(tally, items);
        const sum = (read: (share: (typeof shares)[number]) => number) => shares.reduce((all, s) => all + read(s), 0);
        expect(sum((share) => share.delivered)).toBe(delivered);
        expect(sum((share) => share.rejected)).toBe(rejected);
        expect(sum((share) => lostCount(share.lost))).toBe(lostCount(tally.lost));
        shares.forEach((share, index) => {
          expect(share.delivered + share.rejected + lostCount(share.lost)).toBe(items[index]);
          expect(Math.min(share.delivered, share.rejected)).toBeGreaterThanOrEqual(0);
        });
        const first = shares[0];
        expect(Math.abs((first?.delivered ?? 0) - (delivered * (items[0] ?? 0)) / size)).toBeLessThan(1);
      }),
      randomRuns(100),
    );
  });
});

/** Cuts a number into as many parts as there are weights. */
function cut(size: number, weights: readonly number[]): number[] {
  const whole = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  const parts = weights.map((weight) => Math.floor((size * weight) / whole));
  parts[0] = (parts[0] ?? 0) + size - parts.reduce((sum, part) => sum + part, 0);
  return parts;
}

describe('exportHandle, by any schedule', () => {
  const RUNS = randomRuns(60);
  const answers = fc.oneof(
    fc.record({ kind: fc.constant('ok' as const), rejected: fc.nat(4) }),
    fc.record({ kind: fc.constantFrom('retryable' as const, 'permanent' as const, 'never' as const) }),
  );
  const world = fc.record({
    calls: fc.array(fc.record({ atMillis: fc.nat(300), items: fc.nat(12), abortMillis: fc.option(fc.nat(200)) }), {
      maxLength: 15,
    }),
    answers: fc.array(answers, { minLength: 1, maxLength: 8 }),
    maxQueueSize: fc.integer({ min: 1, max: 8 }),
    maxWaitingExports: fc.nat(4),
    shutdownAtMillis: fc.nat(600),
  });

  test('every call is answered, every answer adds up, and all answers together are what the ledger counts', () =>
    fc.assert(
      fc.asyncProperty(world, (given) =>
        virtualTime(async ({ advanceTo }) => {
          const { maxQueueSize, maxWaitingExports } = given;
          let asked = 0;
          const script = () => given.answers[asked++ % given.answers.length];
          const backend: Sink<number> = {
            name: 'scripted',
            export: (batch) =>
              defer(() => {
                const answer = script();
                if (answer === undefined || answer.kind === 'never') return NEVER;
                return timer(5).pipe(
                  mergeMap(() =>
                    answer.kind === 'ok'
                      ? of({ rejected: Math.min(answer.rejected, batch.items.length) })
                      : throwError(() => new ExportError({ kind: answer.kind as 'permanent' }, answer.kind)),
                  ),
                );
              }),
          };
          const handle = exportHandle(backend, {
            ...{ maxQueueSize, maxWaitingExports, concurrency: 2, scheduledDelayMillis: 20, attemptTimeoutMillis: 50 },
            retry: { maxAttempts: 2 },
          });
          const answered: { items: number; answer: ExportAnswer }[] = [];
          const events = given.calls.map((call) => ({ ...call })).sort((a, b) => a.atMillis - b.atMillis);
          let open = 0;
          let aborted = false;
          for (const { atMillis, items, abortMillis } of events) {
            await advanceTo(atMillis);
            const controller = new AbortController();
            if (abortMillis !== null) setTimeout(() => controller.abort(), abortMillis);
            open += 1;
            const { signal } = controller;
            handle
              .export(
                Array.from({ length: items }, (_, index) => index),
                { signal },
              )
              .then(
                (answer) => {
                  open -= 1;
                  answered.push({ items, answer });
                },
                () => {
                  open -= 1;
                  aborted = true;
                },
              );
            expect(handle.stats().queueSize).toBeLessThanOrEqual(3 * maxQueueSize);
          }
          await advanceTo(Math.max(300, given.shutdownAtMillis));
          await handle.shutdown({ deadlineMillis: 100 });
          await advanceTo(2_000);
          expect(open, 'calls without an answer').toBe(0);
          for (const { items, answer } of answered)
            expect(answer.delivered + answer.rejected + lostCount(answer.lost)).toBe(items);
          const stats = handle.stats();
          expect(stats.pending).toBe(0);
          if (aborted) return;
          const sum = (read: (answer: ExportAnswer) => number) =>
            answered.reduce((all, { answer }) => all + read(answer), 0);
          expect(sum((answer) => answer.delivered)).toBe(stats.delivered);
          expect(sum((answer) => answer.rejected)).toBe(stats.rejected);
          expect(sum((answer) => lostCount(answer.lost))).toBe(total(stats.lost) + total(stats.refused));
        }),
      ),
      RUNS,
    ));
});

describe('exportHandle: calls that wait for room', () => {
  test('wait within the budget of memory: what has no place there is answered as queueFull', async () => {
    const memory = memoryBudget({ maxBytes: 1_048_576 });
    const handle = exportHandle<string>({ name: 'silent', export: () => NEVER }, { memory, exitDeadlineMillis: 0 });
    const calls = Array.from({ length: 400 }, () => handle.export(Array.from({ length: 50 }, () => 'x'.repeat(100))));
    let refused = 0;
    for (const call of calls) {
      call.then(({ lost }) => {
        refused += lost.filter(({ reason }) => reason === 'queueFull').reduce((sum, { count }) => sum + count, 0);
      });
    }
    expect(memory.usedBytes).toBeLessThanOrEqual(memory.maxBytes);
    await handle.shutdown({ deadlineMillis: 0 });
    const answers = await Promise.all(calls);
    expect(answers.every(({ lost }) => lost.reduce((sum, { count }) => sum + count, 0) === 50)).toBe(true);
    expect(refused).toBeGreaterThan(10_000);
    expect(memory.usedBytes).toBe(0);
  });
});
