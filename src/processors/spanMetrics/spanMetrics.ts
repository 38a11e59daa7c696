import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Observable, type OperatorFunction } from 'rxjs';
import { settingsOf } from '../../internal/validation.ts';
import { Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { MetricDataPoint } from '../../model/metricDataPoint.ts';
import { Folding } from '../shared/folding.ts';
import { guardedEpoch } from '../shared/foldingOptions.ts';
import { joinRun } from '../shared/inRun.ts';
import { SPAN_METRICS_DEFAULTS, SPAN_METRICS_RULES, type SpanMetricsOptions } from './options.ts';
import { SpanSeries } from './spanSeries.ts';

const STAGE = 'spanMetrics';

/**
 * Counts spans, and emits their rate, errors and duration as data points of metrics.
 *
 * ```text
 * source      -a-b---------x---|
 * subscribed  ^----------------!
 *             spanMetrics: calls c and durations d of one series, then of two; every 6 ms in which spans came
 * result      -------(cd)------(cdcd|)
 * ```
 *
 * **Emits** two points for each series, `exportIntervalMillis` after the first span that came since the last points, and at the end: `traces.span.metrics.calls` (a sum) and `traces.span.metrics.duration` (an exponential histogram, in
 * milliseconds). Names and attributes are those of the OpenTelemetry Collector's span metrics connector; an error is a call with `status.code` `STATUS_CODE_ERROR`. **Completes** after the source, when the last points have been emitted. **Errors** like the source,
 * after them. **Unsubscribed**, it reports the spans whose points were not emitted as lost. While no span comes, no timer runs and nothing is emitted.
 *
 * **Memory**: up to `cardinalityLimit` series. A histogram begins with very fine buckets, and merges them in pairs where it has more than `maxBuckets`: then durations from 1 ms to a minute are told apart to 9 %.
 *
 * **Flush**: `flushWhen`, or the `forceFlush` of the pipeline: the points are emitted at once, and the stages behind answer for what is emitted.
 *
 * **Order**: series by series, in the order of their first spans. A span that comes while points are being emitted is counted in the next ones.
 *
 * **Loss**: `unsubscribed`; `operatorFailed` for a span that throws when it is read. In the books, spans are `removed` when they are in points that are emitted, and the points are new items.
 *
 * **Sampling**: put it in front of a sampler. Behind one it counts what was kept.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * spans$
 *   .pipe(
 *     spanMetrics({ dimensions: ['service.name', 'span.name', 'status.code', 'http.route'], exportIntervalMillis: 15_000 }),
 *     adaptiveBatch(),
 *     exportTo(otlpHttp({ signal: 'metrics' })),
 *   )
 *   .subscribe();
 * ```
 *
 * @see statistics
 */
export function spanMetrics(options: SpanMetricsOptions = {}): OperatorFunction<ReadableSpan, MetricDataPoint> {
  const settings = settingsOf(STAGE, SPAN_METRICS_DEFAULTS, SPAN_METRICS_RULES, options);
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? STAGE);
  return function spanMetricsOperator(source) {
    return new Observable((subscriber) => {
      const opened = stage.open();
      const reporter = new StageReporter<ReadableSpan>(opened.account, settings);
      const plan = { ...joinRun(settings, options, opened), everyMillis: settings.exportIntervalMillis };
      const epochMillis = guardedEpoch(settings.epochMillis, reporter);
      new Folding(subscriber, plan, reporter, new SpanSeries({ ...settings, epochMillis })).follow(source);
    });
  };
}
