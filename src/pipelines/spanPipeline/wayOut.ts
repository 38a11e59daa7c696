import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, type Observable, type OperatorFunction, pipe } from 'rxjs';
import { watchedBatch } from '../../flow/watchedBatch.ts';
import type { Batch } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Sink } from '../../model/sink.ts';
import { exportTo } from '../../operators/exportTo/exportTo.ts';
import type { ExportToOptions } from '../../operators/exportTo/options.ts';
import { fanOut } from '../../operators/fanOut/fanOut.ts';
import { sinkOf } from '../../operators/fanOut/options.ts';
import type { AnySpanPipelineOptions, SpanPipelineSettings } from './options.ts';

interface WayOut {
  /** What `exportTo` is given besides, in each branch. */
  readonly stage: ExportToOptions<ReadableSpan>;
  readonly flushWhen: Observable<unknown>;
  /** Called with one outcome per batch, whatever the number of sinks. */
  readonly onEnded: (outcome: Outcome<ReadableSpan>) => void;
}

/** From the batches to their outcomes: an export, or one for each of several sinks. */
export function wayOut(
  { sink, sinks }: AnySpanPipelineOptions,
  settings: SpanPipelineSettings,
  { stage, flushWhen, onEnded }: WayOut,
): OperatorFunction<Batch<ReadableSpan>, Outcome<ReadableSpan>> {
  const watched = map((batch: Batch<ReadableSpan>) =>
    watchedBatch(batch, batch.items, (tally) => onEnded({ ...tally, batch })),
  );
  if (sinks === undefined) return pipe(watched, exportTo(sink as Sink<ReadableSpan>, { ...settings.export, ...stage }));
  return pipe(watched, fanOut(sinks, { ...settings.fanOut, ...stage, flushWhen }, 'spanPipeline.sinks'));
}

/** All sinks of a pipeline, each once. */
export function sinksOf({ sink, sinks = {} }: AnySpanPipelineOptions): readonly Sink<ReadableSpan>[] {
  if (sink !== undefined) return [sink];
  return [...new Set(Object.values(sinks).map(sinkOf))];
}
