import { inVirtualTime } from '../time/virtualTime.ts';
import { createMarbleKit } from './createMarbleKit.ts';
import type { MarbleKit, MarbleOptions } from './marbleKit.ts';
import { MarbleRun } from './marbleRun.ts';

/**
 * Runs a marble test in virtual time, promises included.
 *
 * The run ends when `test` has returned and all Observables under `expectObservable` and its like are over. If one of them never ends, or none is
 * observed, the run ends when nothing is scheduled. The test must await its own subscriptions with `flush()`. At the end the kit unsubscribes
 * the observed Observables. A timer, a subscription or a hold on a batch that remains then is a leak, and fails the test. An unhandled rejection or
 * an uncaught exception ends the run and fails the test.
 *
 * Works with any test runner: return or await the promise. It rejects with a {@link MarbleFailure} whose message is a drawing.
 *
 * @example
 * ```ts
 * it('sends what it holds when the source ends', () =>
 *   marbles(({ hot, expectBatches, expectSubscriptions }) => {
 *     const source = hot('  -a-b-----|        ');
 *     const subs = '        ^--------!        ';
 *     const expected = '    ---------([ab]|)  ';
 *     expectBatches(source.pipe(bufferTime(100))).toBe(expected);
 *     expectSubscriptions(source.subscriptions).toBe(subs);
 *   }));
 * ```
 */
export function marbles(test: (kit: MarbleKit) => unknown, options: MarbleOptions = {}): Promise<void> {
  return inVirtualTime(options, async (clock, timers, onRestore) => {
    const run = new MarbleRun(clock, timers);
    onRestore(run.watchHolds());
    try {
      await clock.run(
        () => test(createMarbleKit(run)),
        () => run.isOver(),
      );
    } catch (error) {
      throw run.withRecordedFailures(error);
    } finally {
      run.stop();
    }
    await clock.runMicrotasks();
    run.throwFailures(options.leaks ?? 'fail');
  });
}
