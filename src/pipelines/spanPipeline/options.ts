import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { OperatorFunction } from 'rxjs';
import { spanBytes } from '../../flow/sizes/spanBytes.ts';
import { ENDED_SPANS } from '../../inputs/fromSpanProcessor.ts';
import {
  type OneSink,
  type PipelineKind,
  type SeveralSinks,
  SIGNAL_PIPELINE_DEFAULTS,
  type SignalPipelineOptions,
} from '../signalPipeline/options.ts';
import { spanPriority } from '../spanPriority.ts';

/**
 * Everything but the sink has a default. The options of the queue, the batches and the export are described at {@link AdaptiveBatchOptions} and
 * {@link ExportToOptions}.
 *
 * Where an option is left out, `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` and `OTEL_BSP_SCHEDULE_DELAY` count, and `OTEL_BSP_EXPORT_TIMEOUT` as
 * `retry.maxElapsedMillis`. A value that makes no sense is warned about and ignored.
 */
export interface SpanPipelineOptions extends CommonOptions, OneSink<ReadableSpan> {}

/** The same for a pipeline to several backends at once. */
export interface SpanPipelineSinksOptions extends CommonOptions, SeveralSinks<ReadableSpan> {}

/** An operator that takes spans and makes spans. Several in a row, whatever is in between: `pipe(one, other)`. */
export type SpanOperator = OperatorFunction<ReadableSpan, ReadableSpan>;

interface CommonOptions extends SignalPipelineOptions<ReadableSpan> {
  /** How important a span is, with `overflow: 'dropLowestPriority'`: 0 to 9. Default {@link spanPriority}, which keeps errors longest, then slow spans. */
  priorityOf?: (span: ReadableSpan) => number;
}

/** What the pipeline of spans is made of. */
export const SPANS: PipelineKind<ReadableSpan> = Object.freeze({
  owner: 'spanPipeline',
  signal: 'traces',
  input: ENDED_SPANS,
  sizeOf: spanBytes,
  priorityOf: spanPriority(),
  variables: 'OTEL_BSP',
});

/** The pipeline's own defaults. Any other option has the default of its stage. */
export const SPAN_PIPELINE_DEFAULTS = Object.freeze({ ...SIGNAL_PIPELINE_DEFAULTS, priorityOf: SPANS.priorityOf });
