import { identity, type MonoTypeOperatorFunction } from 'rxjs';
import type { SupervisedOptions } from '../../operators/supervised/options.ts';
import { supervised } from '../../operators/supervised/supervised.ts';
import type { ForeignPlace } from '../foreignItems.ts';
import type { SignalPipelineSettings } from './settings.ts';

interface SupervisedOperators<T> {
  readonly through: MonoTypeOperatorFunction<T>;
  /** Where items may be that no stage of ours has. */
  readonly places: () => readonly ForeignPlace[];
}

/** The user's operators as one stage, or none. */
export function supervisedOperators<T>(
  { operators }: SignalPipelineSettings<T>,
  options: SupervisedOptions,
): SupervisedOperators<T> {
  if (operators.length === 0) return { through: identity, places: () => [] };
  const through = supervised(operators, options);
  return { through, places: through.places };
}
