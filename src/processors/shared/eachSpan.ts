import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type MonoTypeOperatorFunction, Observable, Subscription } from 'rxjs';
import { tearDownInOrder } from '../../internal/subscribeInto.ts';
import { followSource, Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { SpanStageSettings } from './options.ts';
import { spansOnly } from './spansOnly.ts';

/** What becomes of a span: another one, the same one, or `undefined`: it is lost. What cannot be done is told to the reporter. */
type SpanChange = (span: ReadableSpan, reporter: StageReporter<ReadableSpan>) => ReadableSpan | undefined;

/** An operator that makes one span of one span, at once, and keeps books. */
export function eachSpan(
  stageName: string,
  settings: SpanStageSettings,
  change: SpanChange,
): MonoTypeOperatorFunction<ReadableSpan> {
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? stageName);
  return (source) =>
    new Observable((subscriber) => {
      const reporter = new StageReporter<ReadableSpan>(stage.open().account, settings);
      const { account } = reporter;
      const upstream = new Subscription();
      const emit = (span: ReadableSpan) => subscriber.next(span);
      const next = (span: ReadableSpan) => {
        account.accept(1);
        const changed = change(span, reporter);
        // A callback may have unsubscribed meanwhile.
        if (changed === undefined) reporter.lost('operatorFailed', [span]);
        else if (subscriber.closed) reporter.lost('unsubscribed', [span]);
        else {
          account.handOn(1);
          account.passOn(emit, changed);
        }
      };
      tearDownInOrder(subscriber, upstream);
      const error = (thrown: unknown) => subscriber.error(thrown);
      const take = spansOnly(account.stage, next, error, `, or keep the batches with inBatches(${stageName}(…))`);
      followSource(account)(source, { next: take, error, complete: () => subscriber.complete() }, upstream);
    });
}
