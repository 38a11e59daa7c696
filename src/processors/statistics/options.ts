import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { millis, must, type Rules, whole } from '../../internal/validation.ts';
import {
  FOLDING_RULES,
  FOLDING_SETTINGS,
  type FoldingOptions,
  type FoldingStageSettings,
} from '../shared/foldingOptions.ts';

/** The options of {@link statistics}. */
export interface StatisticsOptions extends FoldingOptions {
  /**
   * By what spans are told apart: `span.name` (the default), `span.kind`, `status.code`, the key of an attribute, which is looked up in the span, then in its resource (`service.name` the other way round), or a function that returns a text. Where there is no such attribute,
   * the key is the empty text.
   */
  key?: string | ((span: ReadableSpan) => string);
  /** How long a window is, in milliseconds, from its first span on: 1 or more, default 60,000. */
  windowMillis?: number;
  /** Keys in a window: 1 or more, default 1,000. Spans of further keys are counted under the key `otel.metric.overflow`. */
  maxKeys?: number;
}

export type StatisticsSettings = FoldingStageSettings &
  Readonly<Required<Pick<StatisticsOptions, 'key' | 'windowMillis' | 'maxKeys'>>>;

export const STATISTICS_DEFAULTS: StatisticsSettings = Object.freeze({
  ...FOLDING_SETTINGS,
  key: 'span.name',
  windowMillis: 60_000,
  maxKeys: 1_000,
});

const aKey = must('a name, or a function that returns a text', (key) => {
  return typeof key === 'function' || (typeof key === 'string' && key !== '');
});

export const STATISTICS_RULES: Rules<StatisticsSettings> = {
  ...FOLDING_RULES,
  key: aKey,
  windowMillis: millis(1),
  maxKeys: whole(1),
};
