import { EnvironmentReader } from '../../internal/environment.ts';
import { ADAPTIVE_BATCH_DEFAULTS } from '../../operators/adaptiveBatch/options.ts';
import type { SignalPipelineOptions } from './options.ts';

type Asked = Pick<
  SignalPipelineOptions<never>,
  'environment' | 'maxQueueSize' | 'maxExportBatchSize' | 'scheduledDelayMillis' | 'retry'
>;

/**
 * What is given, or else what the variables of the SDK's batch processor set, as far as it fits.
 *
 * @param prefix what they begin with: `OTEL_BSP`
 */
export function variablesOf(prefix: string, asked: Asked) {
  const environment = new EnvironmentReader(asked.environment ?? process.env);
  const leastQueueSize = Number.isSafeInteger(asked.maxExportBatchSize) ? (asked.maxExportBatchSize as number) : 1;
  const maxQueueSize =
    asked.maxQueueSize ?? environment.wholeNumber(leastQueueSize, Number.MAX_SAFE_INTEGER, `${prefix}_MAX_QUEUE_SIZE`);
  const queueLimit = maxQueueSize ?? ADAPTIVE_BATCH_DEFAULTS.maxQueueSize;
  return {
    maxQueueSize,
    maxExportBatchSize:
      asked.maxExportBatchSize ?? environment.wholeNumber(1, queueLimit, `${prefix}_MAX_EXPORT_BATCH_SIZE`),
    scheduledDelayMillis: asked.scheduledDelayMillis ?? environment.delayMillis(`${prefix}_SCHEDULE_DELAY`),
    maxElapsedMillis: asked.retry?.maxElapsedMillis ?? environment.timeoutMillis(`${prefix}_EXPORT_TIMEOUT`),
  };
}
