import { inVirtualTime } from '../time/virtualTime.ts';
import { createMarbleKit } from './createMarbleKit.ts';
import type { MarbleKit, MarbleOptions } from './marbleKit.ts';
import { MarbleRun } from './marbleRun.ts';

/**
 * Runs a test that is drawn, in virtual time, promises included.
 *
 * The run lasts until `test` has returned and everything that is observed by `expectObservable` is over; with nothing observed, or something
 * that does not end, until nothing is scheduled. What the test subscribes by hand beside that, it awaits with `flush()`. Then what is still
 * subscribed is unsubscribed, and a timer, a subscription or a hold
 * on a batch that remains is a leak. A rejection that nobody handles, or an exception that nobody catches, ends the run and fails the test.
 *
 * It needs no test runner: the promise is rejected with a {@link MarbleFailure} whose message is a drawing. Return it, or await it.
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
      throw run.withFailures(error);
    } finally {
      run.stop();
    }
    await clock.runMicrotasks();
    run.conclude(options.leaks ?? 'fail');
  });
}
