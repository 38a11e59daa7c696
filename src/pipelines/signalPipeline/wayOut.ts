import { map, type Observable, type OperatorFunction, pipe } from 'rxjs';
import { watchedBatch } from '../../flow/watchedBatch.ts';
import { withoutUndefined } from '../../internal/validation.ts';
import type { Batch } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Sink } from '../../model/sink.ts';
import { exportTo } from '../../operators/exportTo/exportTo.ts';
import type { ExportToOptions } from '../../operators/exportTo/options.ts';
import { fanOutOf } from '../../operators/fanOut/fanOut.ts';
import { type Branches, isSink, sinkOf } from '../../operators/fanOut/options.ts';
import { unsettledFor } from '../stages.ts';
import type { AnySignalPipelineOptions } from './options.ts';
import type { SignalPipelineSettings } from './settings.ts';

interface WayOut<T> {
  /** What `exportTo` is given besides, in each branch. */
  readonly stage: ExportToOptions<T>;
  readonly flushWhen: Observable<unknown>;
  /** Called with one outcome per batch, whatever the number of sinks. */
  readonly onEnded: (outcome: Outcome<T>) => void;
}

/** From the batches to their outcomes: an export, or one for each of several sinks. */
export function wayOut<T>(
  { sink, sinks, maxUnsettledBatches }: AnySignalPipelineOptions<T>,
  settings: SignalPipelineSettings<T>,
  { stage, flushWhen, onEnded }: WayOut<T>,
): OperatorFunction<Batch<T>, Outcome<T>> {
  const watched = map((batch: Batch<T>) => watchedBatch(batch, batch.items, (tally) => onEnded({ ...tally, batch })));
  if (sinks === undefined) return pipe(watched, exportTo(sink as Sink<T>, { ...settings.export, ...stage }));
  const branches = maxUnsettledBatches === undefined ? withUnsettled(sinks) : sinks;
  return pipe(watched, fanOutOf(branches, { ...settings.fanOut, ...stage, flushWhen }, settings.composition));
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
export function sinksOf<T>({ sink, sinks = {} }: AnySignalPipelineOptions<T>): readonly Sink<T>[] {
  if (sink !== undefined) return [sink];
  return [...new Set(Object.values(sinks).map(sinkOf))];
}
