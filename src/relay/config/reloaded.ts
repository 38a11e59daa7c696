import { isDeepStrictEqual } from 'node:util';
import type { RelayReload } from '../api.ts';
import type { RelayCompose, RelayConfig } from '../options.ts';
import { type Plan, planOf } from './plan.ts';

/** What comes of a new configuration in a relay that runs. */
export interface Reloaded extends RelayReload {
  readonly plan: Plan;
  /** The new configuration, with what cannot change as it was. */
  readonly effective: RelayConfig;
}

/**
 * A receiver keeps its ports and its way of answering, so what is new has to fit these, too.
 *
 * @throws InvalidOptionError with all mistakes of the new configuration
 */
export function reloaded(current: RelayConfig, next: RelayConfig, compose?: RelayCompose): Reloaded {
  const asked = planOf(next, compose);
  const { receive: _, admin: __, ...rest } = next;
  const { receive, admin } = current;
  const effective = { ...rest, ...(receive && { receive }), ...(admin && { admin }) };
  const needsRestart = (['receive', 'admin'] as const).filter((name) => !isDeepStrictEqual(next[name], current[name]));
  return { plan: needsRestart.length === 0 ? asked : planOf(effective, compose), needsRestart, effective };
}
