import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { millis, must, oneOf, type Rules, shape, whole } from '../../internal/validation.ts';
import { DEFAULT_MAX_BUCKETS } from '../../strategies/exponentialHistogram.ts';
import {
  FOLDING_RULES,
  FOLDING_SETTINGS,
  type FoldingOptions,
  type FoldingStageSettings,
} from '../shared/foldingOptions.ts';
import { EMPTY_RESOURCE } from './emptyResource.ts';

/** The options of {@link spanMetrics}. */
export interface SpanMetricsOptions extends FoldingOptions {
  /**
   * What tells series apart: `span.name`, `span.kind`, `status.code`, and keys of attributes, each looked up in the span, then in its resource (`service.name` the other way round: it is a resource's, and the attributes of a received span need not be decoded for it). An attribute that is absent is left out of the series. Default: `service.name`,
   * `span.name`, `span.kind`, `status.code`. Without `status.code`, errors are not told apart.
   */
  dimensions?: readonly string[];
  /** Series, the one for the overflow included: 2 or more, default 2,000. Spans of further combinations are counted in a series with the attribute `otel.metric.overflow: true` alone. */
  cardinalityLimit?: number;
  /** What a point counts: `cumulative` (the default): everything since the subscription · `delta`: what came since the point before; then series that nothing came for are forgotten. */
  temporality?: 'cumulative' | 'delta';
  /** How long spans are counted before points are emitted, in milliseconds, from the first span on: 1 or more, default 60,000. */
  exportIntervalMillis?: number;
  /** Buckets of a histogram of durations: 2 or more, default 160. */
  maxBuckets?: number;
  /** The resource of all points. Default: one without attributes; the services are told apart by the attribute `service.name`. */
  resource?: ReadableSpan['resource'];
}

type Own = Omit<SpanMetricsOptions, keyof FoldingOptions>;
export type SpanMetricsSettings = FoldingStageSettings & Readonly<Required<Own>>;

export const SPAN_METRICS_DEFAULTS: SpanMetricsSettings = Object.freeze({
  ...FOLDING_SETTINGS,
  dimensions: Object.freeze(['service.name', 'span.name', 'span.kind', 'status.code']),
  cardinalityLimit: 2_000,
  temporality: 'cumulative',
  exportIntervalMillis: 60_000,
  maxBuckets: DEFAULT_MAX_BUCKETS,
  resource: EMPTY_RESOURCE,
});

const someNames = must('an array of names, each once', (names) => {
  const areNames = Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== '');
  return areNames && new Set(names).size === names.length;
});

export const SPAN_METRICS_RULES: Rules<SpanMetricsSettings> = {
  ...FOLDING_RULES,
  dimensions: someNames,
  cardinalityLimit: whole(2),
  temporality: oneOf('cumulative', 'delta'),
  exportIntervalMillis: millis(1),
  maxBuckets: whole(2),
  resource: shape('a resource', 'merge'),
};
