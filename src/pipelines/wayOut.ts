import { map, merge, type Observable, type OperatorFunction, pipe } from 'rxjs';
import { watchedBatch } from '../flow/watchedBatch.ts';
import { withoutUndefined } from '../internal/validation.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Stats } from '../ledger/stats.ts';
import type { Batch } from '../model/batch.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Sink } from '../model/sink.ts';
import { exportTo } from '../operators/exportTo/exportTo.ts';
import type { ExportToOptions } from '../operators/exportTo/options.ts';
import { fanOutOf } from '../operators/fanOut/fanOut.ts';
import {
  type Branches,
  type FanOutComposition,
  type FanOutOptions,
  isSink,
  sinkOf,
} from '../operators/fanOut/options.ts';
import type { OneSink, SeveralSinks } from './signalPipeline/options.ts';
import { unsettledFor } from './stages.ts';

/** What a branch takes over where it makes batches of its own. */
export const BRANCH_BATCH_OPTIONS = [
  'maxExportBatchSize',
  'maxExportBatchBytes',
  'scheduledDelayMillis',
  'targetLatencyMillis',
  'strategy',
] as const;

/** Where the items of a pipeline go. */
export type Destinations<T> = (OneSink<T> | SeveralSinks<T>) & Pick<FanOutOptions<T>, 'maxUnsettledBatches'>;

/** What a pipeline says of its way out. */
export interface WayOutSettings<T> {
  readonly export: ExportToOptions<T>;
  /** What each branch is given, if there are several. */
  readonly fanOut: FanOutOptions<T>;
  readonly composition: FanOutComposition<T>;
}

/** What the stages at the way out are given. */
export interface WayOut<T> {
  /** What `exportTo` is given besides, in each branch. */
  readonly stage: ExportToOptions<T>;
  readonly flushWhen: Observable<unknown>;
  /** Called with one outcome per batch, whatever the number of sinks. */
  readonly onEnded: (outcome: Outcome<T>) => void;
  /** Batches that are exported besides those that come: on the one way, or on a route. Their outcomes are not told to `onEnded`. */
  readonly besides?: ((ledger: Ledger, route?: string) => Observable<Batch<T>>) | undefined;
}

/** From the batches to their outcomes: an export, or one for each of several sinks. */
export function wayOut<T>(
  { sink, sinks, maxUnsettledBatches }: Destinations<T>,
  settings: WayOutSettings<T>,
  parts: WayOut<T>,
): OperatorFunction<Batch<T>, Outcome<T>> {
  if (sinks === undefined) return toOneSink(sink as Sink<T>, settings.export, parts);
  const { stage, flushWhen, onEnded, besides } = parts;
  const branches = maxUnsettledBatches === undefined ? withUnsettled(sinks) : sinks;
  const options = { ...settings.fanOut, ...stage, flushWhen };
  const composition: FanOutComposition<T> = {
    ...settings.composition,
    besides: besides && ((name, ledger) => besides(ledger, name)),
  };
  return pipe(watched(onEnded), fanOutOf(branches, options, composition));
}

/** From the batches to their outcomes, by one sink. */
export function toOneSink<T>(
  sink: Sink<T>,
  options: ExportToOptions<T>,
  { stage, onEnded, besides }: Pick<WayOut<T>, 'stage' | 'onEnded' | 'besides'>,
): OperatorFunction<Batch<T>, Outcome<T>> {
  const toSink = exportTo(sink, { ...options, ...stage });
  const { ledger } = stage;
  if (besides === undefined || ledger === undefined) return pipe(watched(onEnded), toSink);
  const besides$ = besides(ledger);
  return pipe(watched(onEnded), (batches$) => merge(batches$, besides$), toSink);
}

function watched<T>(onEnded: (outcome: Outcome<T>) => void): OperatorFunction<Batch<T>, Batch<T>> {
  return map((batch) => watchedBatch(batch, batch.items, (tally) => onEnded({ ...tally, batch })));
}

/** A branch with a concurrency of its own may have as many batches out as that needs. */
function withUnsettled<T>(sinks: Branches<T>): Branches<T> {
  const branches = Object.entries(sinks).map(([name, branch]) => {
    if (isSink(branch) || branch?.concurrency === undefined) return [name, branch];
    return [name, { maxUnsettledBatches: unsettledFor(branch.concurrency), ...withoutUndefined(branch) }];
  });
  return Object.fromEntries(branches);
}

/** All sinks of a pipeline, each once. */
export function sinksOf<T>({ sink, sinks = {} }: Destinations<T>): readonly Sink<T>[] {
  if (sink !== undefined) return [sink];
  return [...new Set(Object.values(sinks).map(sinkOf))];
}

/** Whether a route has something to do. A best-effort one may when the whole has nothing any more. */
export function isRoutePending({ routes }: Stats): boolean {
  return Object.values(routes).some(({ pending }) => pending > 0);
}
