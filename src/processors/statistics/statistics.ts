import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Observable, type OperatorFunction } from 'rxjs';
import { settingsOf } from '../../internal/validation.ts';
import { Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import { Folding } from '../shared/folding.ts';
import { guardedEpoch } from '../shared/foldingOptions.ts';
import { joinRun } from '../shared/inRun.ts';
import { STATISTICS_DEFAULTS, STATISTICS_RULES, type StatisticsOptions } from './options.ts';
import type { SpanStatistics } from './spanStatistics.ts';
import { Window } from './window.ts';

export { mergeStatistics, type SpanStatistics } from './spanStatistics.ts';

const STAGE = 'statistics';

/**
 * Counts spans by a key over windows of time: how many, how many errors, and how long they took.
 *
 * ```text
 * source      -a-bc------d--|
 * subscribed  ^-------------!
 *             statistics: the names of spans are the keys, c is called a; windowMillis 6
 * result      -------(ab)---(d|)
 * ```
 *
 * **Emits** one value for each key of a window, when the window ends: `windowMillis` after its first span, and at the end. The next window begins with the next span; while none comes, no timer runs. **Completes** after the source, when the last
 * window has been emitted. **Errors** like the source, after it. **Unsubscribed**, it reports the spans of the window as lost.
 *
 * **Merging**: {@link mergeStatistics} adds windows, or those of several workers. Durations are kept in an exponential histogram of up to 160 buckets, as OpenTelemetry's metrics have them.
 *
 * **Flush**: `flushWhen`, or the `forceFlush` of the pipeline: the window ends at once, and the stages behind answer for what is emitted.
 *
 * **Order**: by the first spans of the keys; what is counted under `otel.metric.overflow`, where it began. A span that comes while a window is being emitted is counted in the next one.
 *
 * **Loss**: `unsubscribed`; `operatorFailed` for a span whose key cannot be told: the function throws, or returns no text, or the span throws when it is read. In the books, spans are `removed` when their window is emitted, and what is emitted are new items.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * spans$
 *   .pipe(statistics({ key: 'service.name', windowMillis: 10_000 }))
 *   .subscribe(({ key, count, errors, p99Millis }) => console.log(key, count, errors, p99Millis));
 * ```
 *
 * @see spanMetrics
 */
export function statistics(options: StatisticsOptions = {}): OperatorFunction<ReadableSpan, SpanStatistics> {
  const settings = settingsOf(STAGE, STATISTICS_DEFAULTS, STATISTICS_RULES, options);
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? STAGE);
  return function statisticsOperator(source) {
    return new Observable((subscriber) => {
      const opened = stage.open();
      const reporter = new StageReporter<ReadableSpan>(opened.account, settings);
      const plan = { ...joinRun(settings, options, opened), everyMillis: settings.windowMillis };
      const epochMillis = guardedEpoch(settings.epochMillis, reporter);
      new Folding(subscriber, plan, reporter, new Window({ ...settings, epochMillis })).follow(source);
    });
  };
}
