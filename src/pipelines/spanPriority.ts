import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { DEFAULT_PRIORITY } from '../flow/priority.ts';
import { millis, settingsOf } from '../internal/validation.ts';

/** The options of {@link spanPriority}. */
export interface SpanPriorityOptions {
  /** From this duration on a span is slow, in milliseconds: 0 or more, default 1,000. */
  slowMillis?: number;
}

export const SPAN_PRIORITY_DEFAULTS: Readonly<Required<SpanPriorityOptions>> = Object.freeze({ slowMillis: 1_000 });

const SPAN_PRIORITY_RULES = { slowMillis: millis(0) };

/** The number of OpenTelemetry's `SpanStatusCode.ERROR`: the enum would load its whole API. */
const ERROR = 2;

const PRIORITIES = Object.freeze({ error: DEFAULT_PRIORITY + 4, slow: DEFAULT_PRIORITY + 2, other: DEFAULT_PRIORITY });

/**
 * The default `priorityOf` of {@link spanPipeline}: spans with an error have the priority 8, slow ones 6, all others 4. So there is room for more important ones, and for less important ones.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const byDefault = spanPriority({ slowMillis: 300 });
 * spanPipeline({
 *   sink: otlpHttp(),
 *   overflow: 'dropLowestPriority',
 *   priorityOf: (span) => (span.attributes['http.route'] === '/healthz' ? 0 : byDefault(span)),
 * });
 * ```
 */
export function spanPriority(options: SpanPriorityOptions = {}): (span: ReadableSpan) => number {
  const { slowMillis } = settingsOf('spanPriority', SPAN_PRIORITY_DEFAULTS, SPAN_PRIORITY_RULES, options);
  return (span) => {
    if (span.status.code === ERROR) return PRIORITIES.error;
    const [seconds, nanos] = span.duration;
    return seconds * 1e3 + nanos / 1e6 >= slowMillis ? PRIORITIES.slow : PRIORITIES.other;
  };
}
