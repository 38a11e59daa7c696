import { map, NEVER, of, Subject, throwError, timer } from 'rxjs';
import { expect, it } from 'vitest';
import { createLedger, ExportError, exportHandle, exportTo, type Sink } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

const NONE = { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };

it('stats() begin with no exports, and no failure', () => {
  const { exports } = createLedger().stats();
  expect(exports).toEqual({ batchesDelivered: 0, batchesFailed: 0, successRatio: 1, attemptMillis: NONE });
});

it('stats() have batches delivered and failed, and how long attempts took, of each stage and of all', () =>
  marbles(async ({ advanceBy }) => {
    const ledger = createLedger();
    const tooMany = new ExportError({ kind: 'permanent' }, 'no');
    const slow: Sink<string> = { name: 'slow', export: () => timer(8).pipe(map(() => ({}))) };
    const strict: Sink<string> = {
      name: 'strict',
      export: ({ items }) => (items.length > 1 ? throwError(() => tooMany) : of({ rejected: 1 })),
    };
    const batches = new Subject<string[]>();
    for (const sink of [slow, strict]) batches.pipe(exportTo(sink, { ledger })).subscribe();
    batches.next(['a']);
    batches.next(['b', 'c']);
    await advanceBy(10);
    const { exports, stages } = ledger.stats();
    const eight = { count: 2, mean: 8, p50: 8, p95: 8, p99: 8, max: 8 };
    expect(stages['exportTo(slow)']?.exports).toEqual({
      ...{ batchesDelivered: 2, batchesFailed: 0, successRatio: 1, attemptMillis: eight },
    });
    // What the backend rejected for good was not lost.
    expect(stages['exportTo(strict)']?.exports).toMatchObject({
      batchesDelivered: 1,
      batchesFailed: 1,
      successRatio: 0.5,
    });
    expect(exports).toMatchObject({ batchesDelivered: 3, batchesFailed: 1, successRatio: 0.75 });
    expect(exports.attemptMillis).toMatchObject({ count: 4, mean: 4, p99: 8 });
  }));

it('an attempt that is aborted has taken as long as it ran', () =>
  marbles(async ({ advanceBy }) => {
    const ledger = createLedger();
    const silent: Sink<string> = { name: 'silent', export: () => NEVER };
    const subscription = of(['a']).pipe(exportTo(silent, { ledger })).subscribe();
    await advanceBy(3);
    subscription.unsubscribe();
    expect(ledger.stats().exports.attemptMillis).toMatchObject({ count: 1, mean: 3 });
  }));

it('a handle counts its calls', () =>
  marbles(async ({ advanceBy }) => {
    const sink: Sink<string> = { name: 'sink', export: () => timer(5).pipe(map(() => ({}))) };
    const handle = exportHandle(sink, { scheduledDelayMillis: 0 });
    const impatient = new AbortController();
    const calls = [handle.export(['a']), handle.export(['b'], { signal: impatient.signal })];
    expect(handle.stats().calls).toEqual({ open: 2, answered: 0, givenUp: 0 });
    impatient.abort(new Error('enough'));
    await advanceBy(20);
    await Promise.allSettled(calls);
    expect(handle.stats().calls).toEqual({ open: 0, answered: 1, givenUp: 1 });
    await handle.shutdown();
  }));
