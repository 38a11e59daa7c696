import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { answerOf, isThenable } from '../internal/runGuarded.ts';
import { must, type Rules, settingsOf } from '../internal/validation.ts';
import { STAGE_RULES, type StageReporter } from '../ledger/stageReporter.ts';
import { withAttributes } from '../model/changedSpan.ts';
import { InvalidOptionError } from '../model/errors.ts';
import { eachSpan } from './shared/eachSpan.ts';
import { SPAN_STAGE_SETTINGS, type SpanStageOptions, type SpanStageSettings } from './shared/options.ts';

/** The options of {@link enrich}. */
export interface EnrichOptions extends SpanStageOptions {}

const STAGE = 'enrich';
export const ENRICH_DEFAULTS: SpanStageSettings = SPAN_STAGE_SETTINGS;
const ENRICH_RULES: Rules<SpanStageSettings> = STAGE_RULES;

const attributesOrFunction = must('an object of attributes, or a function that returns one', (value) => {
  return typeof value === 'function' || isRecord(value);
});

function isRecord(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isThenable(value);
}

/**
 * Adds attributes to spans.
 *
 * ```text
 * source      -a-b-|
 * subscribed  ^----!
 *             enrich: A is a with more attributes; b gets none
 * result      -A-b-|
 * ```
 *
 * **Emits** for each span, at once, one with the attributes besides its own; they win over its own of the same key. It is a view: the original is not changed, and is read when somebody reads the view. Where the function returns
 * nothing, or no attribute, the span itself goes on. If the function throws, or returns what is no object, that is reported, and the span itself goes on. **Completes** and **errors** like the source.
 *
 * **Order**: that of the source. **Loss**: none.
 *
 * @param attributes the attributes for all spans, or a function that returns those of one span
 *
 * @throws InvalidOptionError when `attributes` is neither, or an option is unknown
 *
 * @example
 * ```ts
 * spans$
 *   .pipe(
 *     enrich({ 'deployment.environment.name': 'production' }),
 *     enrich((span) => (span.name.startsWith('GET /admin') ? { 'app.area': 'admin' } : undefined)),
 *   )
 *   .subscribe((span) => console.log(span.attributes));
 * ```
 *
 * @see redact
 */
export function enrich(
  attributes: Attributes | ((span: ReadableSpan) => Attributes | undefined),
  options: EnrichOptions = {},
): MonoTypeOperatorFunction<ReadableSpan> {
  const args = { attributes: [attributes, attributesOrFunction] } as const;
  const settings = settingsOf<SpanStageSettings>(STAGE, ENRICH_DEFAULTS, ENRICH_RULES, options, args);
  const addedTo = typeof attributes === 'function' ? attributes : () => attributes;
  const change = (span: ReadableSpan, reporter: StageReporter<ReadableSpan>) => {
    const added = answerOf(
      () => addedTo(span),
      undefined,
      (thrown) => reporter.callbackFailed(thrown),
    );
    if (added === undefined) return span;
    if (!isRecord(added)) {
      reporter.callbackFailed(
        new InvalidOptionError('what enrich.attributes returns', 'an object of attributes', added),
      );
      return span;
    }
    return Object.keys(added).length === 0 ? span : withAttributes(span, added);
  };
  return eachSpan(STAGE, settings, change);
}
