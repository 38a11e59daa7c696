import { logRecordBytes } from '../../flow/sizes/logRecordBytes.ts';
import { EMITTED_RECORDS } from '../../inputs/fromLogRecordProcessor.ts';
import type { ReadableLogRecord } from '../../model/logRecord.ts';
import { logPriority } from '../logPriority.ts';
import type { OneSink, PipelineKind, SeveralSinks, SignalPipelineOptions } from '../signalPipeline/options.ts';

/**
 * Everything but the sink has a default: those of {@link spanPipeline}, since records are lost for the same reasons as spans.
 *
 * Where an option is left out, `OTEL_BLRP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE` and `OTEL_BLRP_SCHEDULE_DELAY` count, and `OTEL_BLRP_EXPORT_TIMEOUT` as
 * `retry.maxElapsedMillis`. A value that makes no sense is warned about and ignored.
 */
export interface LogPipelineOptions extends CommonOptions, OneSink<ReadableLogRecord> {}

/** The same for a pipeline to several backends at once. */
export interface LogPipelineSinksOptions extends CommonOptions, SeveralSinks<ReadableLogRecord> {}

interface CommonOptions extends SignalPipelineOptions<ReadableLogRecord> {
  /** How important a record is, with `overflow: 'dropLowestPriority'`: 0 to 9. Default: by severity, errors 8, warnings 6, information and records without a severity 4, what is below 2. */
  priorityOf?: (record: ReadableLogRecord) => number;
}

/** What the pipeline of log records is made of. */
export const LOG_RECORDS: PipelineKind<ReadableLogRecord> = Object.freeze({
  owner: 'logPipeline',
  signal: 'logs',
  input: EMITTED_RECORDS,
  sizeOf: logRecordBytes,
  priorityOf: logPriority,
  variables: 'OTEL_BLRP',
});
