import { withoutUndefined } from '../../internal/validation.ts';
import type { LogSettings, MetricSettings, TelemetrySignals, TraceSettings } from '../options.ts';
import { ExporterNodes } from './exporter.ts';
import {
  type ConfigurationModel,
  firstKnown,
  given,
  type LoggerNode,
  limitMillis,
  type MeterNode,
  type OnIgnored,
  type Package,
  type TracerNode,
  tellRest,
} from './model.ts';

/** A processor of spans or log records, `batch` or `simple`. */
interface ProcessorNode {
  readonly exporter: object;
  readonly schedule_delay?: number | null;
  readonly export_timeout?: number | null;
  readonly max_queue_size?: number | null;
  readonly max_export_batch_size?: number | null;
}

const PROCESSORS = ['batch', 'simple'];
const OF_BATCH = ['exporter', 'schedule_delay', 'export_timeout', 'max_queue_size', 'max_export_batch_size'];
const OF_PERIODIC = ['exporter', 'interval', 'timeout', 'cardinality_limits'];

/** The options of all signals. A provider that the file does not have is off. */
export function signalsOf(config: ConfigurationModel, configuration: Package, onIgnored: OnIgnored): TelemetrySignals {
  const exporters = new ExporterNodes(configuration, onIgnored);
  const { tracer_provider: tracer, logger_provider: logger, meter_provider: meter } = config;
  return {
    traces: tracer === undefined ? false : processed<TraceSettings>(tracer, 'tracer_provider', exporters, onIgnored),
    logs: logger === undefined ? false : processed<LogSettings>(logger, 'logger_provider', exporters, onIgnored),
    metrics: meter === undefined ? false : metricsOf(meter, exporters, onIgnored),
  };
}

function processed<S extends TraceSettings | LogSettings>(
  { processors }: TracerNode | LoggerNode,
  provider: string,
  exporters: ExporterNodes,
  onIgnored: OnIgnored,
): S | false {
  const found = firstKnown(processors as readonly object[], PROCESSORS, `${provider}.processors`, onIgnored);
  if (found === undefined) return false;
  const node = found.node as ProcessorNode;
  const destination = exporters.destinationOf(node.exporter, `${found.path}.exporter`);
  if (destination === undefined) return false;
  tellRest(node, OF_BATCH, found.path, onIgnored);
  if (found.name === 'simple') onIgnored(found.path, 'items are sent in batches all the same');
  const maxElapsedMillis = limitMillis(node.export_timeout);
  const options = withoutUndefined({
    scheduledDelayMillis: given(node.schedule_delay),
    maxQueueSize: given(node.max_queue_size),
    maxExportBatchSize: given(node.max_export_batch_size),
    retry: maxElapsedMillis === undefined ? undefined : { maxElapsedMillis },
  });
  return { ...destination, ...options } as S;
}

function metricsOf({ readers }: MeterNode, exporters: ExporterNodes, onIgnored: OnIgnored): MetricSettings | false {
  const found = firstKnown(readers, ['periodic'], 'meter_provider.readers', onIgnored);
  if (found === undefined) return false;
  const node = found.node as NonNullable<MeterNode['readers'][number]['periodic']>;
  const destination = exporters.destinationOf(node.exporter, `${found.path}.exporter`);
  if (destination === undefined) return false;
  tellRest(node, OF_PERIODIC, found.path, onIgnored);
  const { temporality_preference: temporality, default_histogram_aggregation: aggregation } =
    node.exporter.otlp_http ?? node.exporter.otlp_grpc ?? {};
  const options = withoutUndefined({
    exportIntervalMillis: given(node.interval),
    // The SDK's reader knows no wait without an end.
    exportTimeoutMillis: node.timeout === 0 ? undefined : given(node.timeout),
    temporalityPreference: temporality === 'low_memory' ? 'lowmemory' : given(temporality),
    aggregationPreference: given(aggregation),
    cardinalityLimits: node.cardinality_limits && limitsOf(node.cardinality_limits),
  });
  return { ...destination, ...options } as MetricSettings;
}

/** The names of the file, `up_down_counter`, as those of the reader, `upDownCounter`. */
function limitsOf(limits: object): object {
  const entries = Object.entries(limits).flatMap(([name, limit]) =>
    limit == null ? [] : [[name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), limit] as const],
  );
  return Object.fromEntries(entries);
}
