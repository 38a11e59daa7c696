import { from, type ObservableInput, type Subscription } from 'rxjs';
import { runGuarded } from '../../internal/runGuarded.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { SpanflowError } from '../../model/errors.ts';
import { STAGE } from './options.ts';

/** How an inner Observable ended. */
export type Ending<R> =
  | { readonly kind: 'completed'; readonly values: readonly R[] }
  | { readonly kind: 'failed'; readonly values: readonly R[]; readonly error: unknown };

interface InnerPlan<R> {
  /** Is unsubscribed at the end. Unsubscribing it earlier aborts, and `onEnd` is not called. */
  readonly run: Subscription;
  readonly maxValues: number;
  /** Reports what a teardown throws. */
  readonly reporter: Pick<StageReporter<never>, 'tearDown' | 'callbackFailed'>;
  readonly onEnd: (ending: Ending<R>) => void;
}

/** Collects what one inner Observable emits, and calls `onEnd` when it has ended and been torn down. */
export function collect<R>(open: () => ObservableInput<R>, plan: InnerPlan<R>): void {
  const { run, maxValues, reporter, onEnd } = plan;
  const values: R[] = [];
  let ending: Ending<R> | undefined;
  let opening = true; // a teardown of what ends synchronously runs when the subscribing is over

  const end = (how: Ending<R>) => {
    ending = how;
    reporter.tearDown(run);
    if (!opening) onEnd(how);
  };
  const fail = (error: unknown) => end({ kind: 'failed', values, error });
  const take = (value: R) => {
    if (values.length < maxValues) values.push(value);
    else fail(tooManyValues(maxValues));
  };

  try {
    const opened = open();
    // `project` itself has unsubscribed: its promise has no subscriber, so its rejection would be unhandled.
    if (run.closed) runGuarded(() => opened);
    subscribeInto(from(opened), { next: take, error: fail, complete: () => end({ kind: 'completed', values }) }, run);
  } catch (thrown) {
    if (ending === undefined) fail(thrown);
    else reporter.callbackFailed(thrown);
  }
  opening = false;
  if (ending !== undefined) onEnd(ending);
}

function tooManyValues(maxValues: number): SpanflowError {
  return new SpanflowError('QUEUE_FULL', `${STAGE}: an inner emitted more values than maxValuesPerItem (${maxValues})`);
}
