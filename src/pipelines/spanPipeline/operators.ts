import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { identity, type MonoTypeOperatorFunction } from 'rxjs';
import { type SupervisedOptions, supervised } from '../../operators/supervised/supervised.ts';
import type { ForeignPlace } from '../foreignItems.ts';
import type { SpanPipelineSettings } from './options.ts';

interface SpanOperators {
  readonly through: MonoTypeOperatorFunction<ReadableSpan>;
  /** Where spans may be that no stage of ours has. */
  readonly places: () => readonly ForeignPlace[];
}

/** The user's operators as one stage, or none. */
export function supervisedOperators({ operators }: SpanPipelineSettings, options: SupervisedOptions): SpanOperators {
  if (operators.length === 0) return { through: identity, places: () => [] };
  const through = supervised(operators, options);
  return { through, places: through.places };
}
