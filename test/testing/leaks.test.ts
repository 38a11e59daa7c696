import { setTimeout as sleep, setInterval as ticks } from 'node:timers/promises';
import { interval, NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { adaptiveBatch } from '../../src/index.ts';
import { type MarbleKit, marbles } from '../../src/testing/index.ts';
import { failureOf } from './failureOf.ts';

/** A test that is over at 5 ms, and fails only because of what it leaves behind. */
const leaving = (leave: (kit: MarbleKit) => unknown) => (kit: MarbleKit) => {
  kit.expectObservable(kit.cold('-a-b-|')).toBe('-a-b-|');
  leave(kit);
};

const here = String.raw`test/testing/leaks\.test\.ts:\d+:\d+`;

const leaks: Record<string, [leave: (kit: MarbleKit) => unknown, words: string]> = {
  'a timeout': [() => setTimeout(() => {}, 500), `setTimeout 500ms, set at ${here}`],
  'a timeout that holds no process': [() => setTimeout(() => {}, 500).unref(), `setTimeout 500ms, set at ${here}`],
  'an interval': [() => setInterval(() => {}, 500), `setInterval 500ms, set at ${here}`],
  'an immediate': [() => setTimeout(() => setImmediate(() => {}), 5), `setImmediate, set at ${here}`],
  'a sleep of node:timers/promises': [() => void sleep(500), `setTimeout 500ms, set at ${here}`],
  'a loop over node:timers/promises': [() => void ticks(500).next(), `setInterval 500ms, set at ${here}`],
  'a timer of RxJS': [() => interval(500).subscribe(), 'setInterval 500ms, set at .*'],
  'a subscription to a hot source': [({ hot }) => hot('-a-').subscribe(), String.raw`hot\('-a-'\), subscribed at 0ms`],
  'a subscription to a cold source': [
    ({ cold }) => cold('-a-').subscribe(),
    String.raw`cold\('-a-'\), subscribed at 0ms`,
  ],
  'a subscription to a source of batches': [
    ({ hotBatches }) => setTimeout(() => hotBatches('-[ab]-').subscribe(), 2),
    String.raw`hotBatches\('-\[ab\]-'\), subscribed at 2ms`,
  ],
  'an attempt': [
    ({ sink, spans }) =>
      sink('---')
        .export({ items: [spans().a], bytes: 0, closedBy: 'count', hold: () => ({ ready() {}, settle() {} }) })
        .subscribe(),
    String.raw`attempt 1 of the sink scripted \[a\], subscribed at 0ms`,
  ],
  'a batch': [
    ({ hot }) =>
      hot('(ab|)')
        .pipe(adaptiveBatch())
        .subscribe((batch) => batch.hold()),
    String.raw`the batch \[ab\], held at ${here} and never settled`,
  ],
};

describe('a marble test fails if it leaves behind', () => {
  it.each(Object.entries(leaks))('%s', async (_what, [leave, words]) => {
    const failure = await failureOf(leaving(leave));
    expect(failure).toMatch(/^when the run was over, this was left behind\n\n/);
    expect(failure).toMatch(new RegExp(`^ {2}${words}$`, 'm'));
    await marbles(leaving(leave), { leaks: 'allow' });
  });

  it('all of these, and the message is cut', async () => {
    const failure = failureOf(leaving((kit) => Object.values(leaks).map(([leave]) => leave(kit))));
    expect((await failure).split('\n').length).toBeGreaterThan(10);
    expect(await failure).toMatch(/\n {2}and \d+ more$/);
  });

  it('but not for a hold that is settled twice, or one whose lease has run out', () =>
    marbles(({ cold, hot, expectObservable }) => {
      expectObservable(cold('20ms |')).toBe('20ms |');
      hot('(ab|)')
        .pipe(adaptiveBatch({ holdLeaseMillis: 10 }))
        .subscribe((batch) => {
          batch.hold();
          const settled = batch.hold();
          for (const delivered of [2, 0])
            settled.settle({ delivered, rejected: 0, lost: [], attempts: 1, attemptMillis: 0, elapsedMillis: 0 });
        });
    }));

  it('but not for what it ended itself, or for a signal, which cannot be cancelled', () =>
    marbles(({ hot, expectObservable, cold }) => {
      expectObservable(cold('-a-b-|')).toBe('-a-b-|');
      expectObservable(NEVER, '^--!').toBe('---');
      clearTimeout(setTimeout(() => {}, 500));
      hot('-a-').subscribe().unsubscribe();
      AbortSignal.timeout(500);
    }));
});
