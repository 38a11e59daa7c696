/**
 * Log records: an input and the default composition. The rest of the library takes them as it takes spans.
 *
 * @module spanflow/logs
 */

import './internal/requireNode.ts';

export {
  type FromLogRecordProcessorOptions,
  fromLogRecordProcessor,
  type LogRecordInput,
  type LogRecordProcessor,
} from './inputs/fromLogRecordProcessor.ts';
export type { ReadableLogRecord } from './model/logRecord.ts';
export type { PipelineControls } from './pipelines/controls.ts';
export { type LogPipeline, logPipeline } from './pipelines/logPipeline/logPipeline.ts';
export type { LogPipelineOptions, LogPipelineSinksOptions } from './pipelines/logPipeline/options.ts';
export type { SignalPipeline } from './pipelines/signalPipeline/signalPipeline.ts';
