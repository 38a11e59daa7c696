import type { Observable } from 'rxjs';
import { mistakeInWords, must, requireRule, settingsOf, withoutUndefined } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Sink } from '../../model/sink.ts';
import { batchChangesFor, batchingOf, exportChangesFor } from './inherited.ts';
import {
  BRANCH_DEFAULTS,
  BRANCH_RULES,
  type Branch,
  type Branches,
  type BranchOptions,
  type BranchSettings,
  FAN_OUT_RULES,
  type FanOutComposition,
  type FanOutOptions,
  isSink,
} from './options.ts';

export interface FanOutSettings<T> {
  readonly branches: ReadonlyMap<string, BranchSettings<T>>;
  readonly ledger: Ledger | undefined;
  readonly flushWhen: Observable<unknown> | undefined;
}

export function fanOutSettings<T>(
  given: Branches<T>,
  options: FanOutOptions<T>,
  composition: FanOutComposition<T>,
): FanOutSettings<T> {
  const { owner } = composition;
  const { ledger, flushWhen, ...common } = settingsOf<FanOutOptions<T>>('fanOut', {}, FAN_OUT_RULES as never, options);
  requireRule(`${owner} branches`, given, someBranches);
  const settings = Object.entries(given).map(
    ([name, branch]) => [name, branchSettings<T>(name, branch, withoutUndefined(common), composition)] as const,
  );
  if (!settings.some(([, { required }]) => required)) {
    const message = `${owner} needs at least one required branch; all of them have required: false`;
    throw mistakeInWords(owner, 'at least one required branch', given, message);
  }
  return { branches: new Map(settings), ledger, flushWhen };
}

const someBranches = must(
  'an object of branches by name, at least one: { main: { sink: otlpHttp() } }',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && isNamed(Object.keys(value)),
);

function isNamed(names: readonly string[]): boolean {
  return names.length > 0 && !names.includes('');
}

function branchSettings<T>(
  name: string,
  given: Branch<T> | Sink<T>,
  common: BranchOptions<T>,
  { owner, batching = {}, batchSettings$, sizeOf }: FanOutComposition<T>,
): BranchSettings<T> {
  const branch: Branch<T> = isSink(given) ? { sink: given } : given;
  const defaults = { ...BRANCH_DEFAULTS, ...common } as Partial<BranchSettings<T>>;
  const settings = settingsOf<BranchSettings<T>>(`${owner}.${name}`, defaults, BRANCH_RULES as never, branch);
  const { settings$ = common.settings$ && exportChangesFor(branch, common.settings$) } = branch;
  return {
    ...settings,
    ...withoutUndefined({ settings$ }),
    ...(makesBatches(settings) && {
      batching: { ...(sizeOf && { sizeOf }), ...batchingOf(branch, settings, batching) },
    }),
    batchSettings$: batchSettings$ && batchChangesFor(branch, settings, batchSettings$),
  };
}

/** Single items can only be chosen out of batches by a branch that makes batches of its own. */
function makesBatches<T>({ filter, batching, overflow }: BranchSettings<T>): boolean {
  return filter !== undefined || batching !== undefined || overflow === 'dropLowestPriority';
}
