import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { otlpHttp } from '../../../src/index.ts';
import { logPipeline } from '../../../src/logs.ts';
import { metricPipeline } from '../../../src/metrics.ts';
import { input, report, reportWarnings } from './kit.ts';

export interface SignalsInput {
  readonly signal: 'logs' | 'metrics';
  readonly url: string;
  readonly items: number;
  readonly exitDeadlineMillis?: number;
}

const { signal, url, items, exitDeadlineMillis } = input<SignalsInput>();
reportWarnings();
const options = exitDeadlineMillis === undefined ? {} : { exitDeadlineMillis };

function log() {
  const pipeline = logPipeline({ sink: otlpHttp({ signal: 'logs', url }), ...options });
  const logger = new LoggerProvider({ processors: [pipeline.processor] }).getLogger('exit');
  for (let index = 0; index < items; index += 1) logger.emit({ body: `record ${index}` });
  return pipeline;
}

function measure() {
  const pipeline = metricPipeline({ sink: otlpHttp({ signal: 'metrics', url }), ...options });
  const reader = new PeriodicExportingMetricReader(pipeline.readerOptions);
  const counter = new MeterProvider({ readers: [reader] }).getMeter('exit').createCounter('orders');
  for (let index = 0; index < items; index += 1) counter.add(1, { index });
  // The reader collects; nobody waits for its export.
  void reader.forceFlush();
  return pipeline;
}

const pipeline = signal === 'logs' ? log() : measure();
process.on('exit', (code) => {
  const { accepted, delivered, lost, pending } = pipeline.stats();
  report('exit', { code, accepted, delivered, lost, pending });
});
