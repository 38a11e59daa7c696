import { map, type Observable, type OperatorFunction, pipe } from 'rxjs';
import { watchedBatch } from '../flow/watchedBatch.ts';
import { withoutUndefined } from '../internal/validation.ts';
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
}

/** From the batches to their outcomes: an export, or one for each of several sinks. */
export function wayOut<T>(
  { sink, sinks, maxUnsettledBatches }: Destinations<T>,
  settings: WayOutSettings<T>,
  parts: WayOut<T>,
): OperatorFunction<Batch<T>, Outcome<T>> {
  if (sinks === undefined) return toOneSink(sink as Sink<T>, settings.export, parts);
  const { stage, flushWhen, onEnded } = parts;
  const branches = maxUnsettledBatches === undefined ? withUnsettled(sinks) : sinks;
  const options = { ...settings.fanOut, ...stage, flushWhen };
  return pipe(watched(onEnded), fanOutOf(branches, options, settings.composition));
}

/** From the batches to their outcomes, by one sink. */
export function toOneSink<T>(
  sink: Sink<T>,
  options: ExportToOptions<T>,
  { stage, onEnded }: Pick<WayOut<T>, 'stage' | 'onEnded'>,
): OperatorFunction<Batch<T>, Outcome<T>> {
  return pipe(watched(onEnded), exportTo(sink, { ...options, ...stage }));
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
