import { merge, type OperatorFunction, pipe } from 'rxjs';
import type { Account } from '../../ledger/account.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import { exportTo } from '../exportTo/exportTo.ts';
import type { ExportToOptions } from '../exportTo/options.ts';
import type { BranchRun } from './branchRun.ts';
import { type BranchSettings, exportOptionsOf, type FanOutComposition } from './options.ts';
import { QueuedBranch } from './queuedBranch.ts';
import { RebatchedBranch, rebatching } from './rebatchedBranch.ts';

/** A branch, with the accounts of its stages on its route: made once for the operator, and run for each subscription. */
export interface BranchPlan<T> {
  readonly name: string;
  readonly isRequired: boolean;
  readonly filter: ((item: T) => boolean) | undefined;
  /** Counts what is offered to the branch. The stage behind it counts what becomes of that. */
  readonly account: Account;
  readonly reporter: StageReporter<T>;
  start(): BranchRun<T>;
}

export function branchPlan<T>(
  name: string,
  settings: BranchSettings<T>,
  ledger: Ledger,
  { besides, exportsBearNames = false }: Pick<FanOutComposition<T>, 'besides' | 'exportsBearNames'>,
): BranchPlan<T> {
  const { filter, required } = settings;
  const route = ledger.route(name, { required });
  const account = route.open('operator', `branch(${name})`);
  const reporter = new StageReporter<T>(account, settings);
  const besides$ = besides?.(name, route);
  const exportOptions = { ...exportOptionsOf(settings), ...(exportsBearNames && { name }) };
  const start = startOf(name, { settings, exportOptions }, route, reporter, (toSink) =>
    besides$ === undefined ? toSink : pipe((batches$) => merge(batches$, besides$), toSink),
  );
  return { name, isRequired: required, filter, account, reporter, start };
}

type ToSink<T> = OperatorFunction<Batch<T>, Outcome<T>>;

function startOf<T>(
  name: string,
  { settings, exportOptions }: { readonly settings: BranchSettings<T>; readonly exportOptions: ExportToOptions<T> },
  route: Ledger,
  reporter: StageReporter<T>,
  withBesides: (toSink: ToSink<T>) => ToSink<T>,
): () => BranchRun<T> {
  const exporting = () =>
    withBesides(
      exportTo(settings.sink, {
        ...exportOptions,
        ledger: route,
        // The queue in front bounds what is out; a second bound here could only lose what that one has let through.
        maxPendingItems: Number.POSITIVE_INFINITY,
        maxPendingBytes: Number.POSITIVE_INFINITY,
      }),
    );
  if (settings.batching === undefined) {
    const queue = new StageReporter<T>(route.open('batch', `fanOut(${name})`), settings);
    const toSink = exporting();
    return () => new QueuedBranch({ ...settings }, queue, toSink);
  }
  const { batches, flush$ } = rebatching(settings, route);
  const toSink = exporting();
  return () => new RebatchedBranch({ batches, flush$, toSink, reporter });
}
