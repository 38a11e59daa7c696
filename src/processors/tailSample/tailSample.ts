import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { settingsOf } from '../../internal/validation.ts';
import { Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import { joinRun } from '../shared/inRun.ts';
import { TraceHolding } from '../shared/traceHolding.ts';
import { TAIL_SAMPLE_DEFAULTS, TAIL_SAMPLE_RULES, type TailSampleOptions, type TailSampleSettings } from './options.ts';
import { Sampling } from './sampling.ts';

const STAGE = 'tailSample';

/**
 * Waits for the spans of each trace, and keeps the traces that one of its policies keeps.
 *
 * ```text
 * source      ab-c--------de-|
 * subscribed  ^--------------!
 *             tailSample: a, c and e are one trace, in which c has failed; b and d are another; maxWaitMillis 6
 * result      ------(ac)---e-|
 * ```
 *
 * **Emits** the spans of a trace that is kept when the trace is not waited for any longer: `maxWaitMillis` after its first span, `idleMillis` after its last one, with `maxSpansPerTrace` spans, because there is no room and it is the
 * oldest, or because a flush asks for it. A span that comes after the decision follows it at once. **Completes** after the source, when all traces have been decided. **Errors** like the source, after them. **Unsubscribed**, it reports the spans that it holds as lost.
 *
 * **Policies** are asked in order, with what has come of the trace by then. The first one that keeps it is booked: `stats().stages[…].figures` has the spans that each has kept (`kept.errors`), late ones (`late.kept`, `late.dropped`;
 * those that are kept also count for their policy), and the traces that were decided early (`evicted`, `spans`). What no policy keeps is booked as `removed`: it is no loss. A trace that cannot be decided, because a span throws when it is read, is kept (`kept.undecided`).
 *
 * **Thresholds**: a trace that a probabilistic policy keeps, and no policy that is certain, carries the sampler's threshold in its `tracestate` (`ot=th:…`), so that a backend can tell how many traces it stands for. The higher one of two thresholds
 * holds; a span that was kept by a rate has an unknown probability, and an earlier threshold is erased. These are the rules of OpenTelemetry's consistent probability sampling for an equalizing downstream sampler. Such spans are views of the originals, which are not changed; all others are the very spans that came.
 *
 * **Order**: of traces, that in which they are decided; of the spans of a trace, that of the source.
 *
 * **Loss**: `tooLarge` for a span that alone is larger than `maxBytes`, `unencodable` for one without a context, `unsubscribed`; `queueFull` only where a consumer feeds more than `maxSpans` back during one emission.
 *
 * **Flush**: `flushWhen`, or the `forceFlush` of the pipeline. By default it decides each trace with what has come of it, and waits until the stages behind have answered for what is kept; a program that flushes often and wants whole traces gives `onFlush: 'wait'`,
 * and the flush waits until each trace has been decided in its time.
 *
 * **Memory**: what is held counts in the process's budget ({@link memoryBudget}), beside its own bounds. Where there is none left, the oldest trace is decided early.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown; `policies[1].ratio` names a field of a policy
 *
 * @example
 * ```ts
 * const sampled$ = spans$.pipe(
 *   tailSample({
 *     maxWaitMillis: 10_000,
 *     policies: [
 *       { kind: 'errors' },
 *       { kind: 'slow', overMillis: 500, of: 'root' },
 *       { kind: 'all', name: 'checkout', policies: [{ kind: 'attribute', key: 'service.name', values: ['checkout'] }, { kind: 'rateLimited', tracesPerSecond: 50 }] },
 *       { kind: 'probabilistic', ratio: 0.01 },
 *     ],
 *   }),
 * );
 * sampled$.subscribe((span) => console.log(span.name));
 * ```
 *
 * @see groupByTrace
 */
export function tailSample(options: TailSampleOptions): MonoTypeOperatorFunction<ReadableSpan> {
  const settings = settingsOf<TailSampleSettings>(STAGE, TAIL_SAMPLE_DEFAULTS, TAIL_SAMPLE_RULES, options);
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? STAGE);
  return function tailSampleOperator(source) {
    return new Observable((subscriber) => {
      const opened = stage.open();
      const reporter = new StageReporter<ReadableSpan>(opened.account, settings);
      const plan = new Sampling(settings, reporter);
      new TraceHolding(subscriber, joinRun(settings, options, opened), reporter, plan).follow(source);
    });
  };
}
