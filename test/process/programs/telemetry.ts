import { logs, metrics, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { telemetry } from '../../../src/telemetry/index.ts';
import { input, report, reportWarnings } from './kit.ts';

export interface TelemetryInput {
  readonly url: string;
  readonly exitDeadlineMillis: number;
  /** How often the reader collects, and how long it waits for an export. */
  readonly readerMillis?: number;
}

const { url, exitDeadlineMillis, readerMillis } = input<TelemetryInput>();
reportWarnings();
const reading = readerMillis !== undefined && { exportIntervalMillis: readerMillis, exportTimeoutMillis: readerMillis };
const made = telemetry({ url, exitDeadlineMillis, environment: {}, signals: { metrics: { ...reading } } });
new NodeSDK({ ...made.sdk, autoDetectResources: false }).start();
trace.getTracer('shop').startSpan('checkout').end();
logs.getLogger('shop').emit({ body: 'an order came in' });
metrics.getMeter('shop').createCounter('orders').add(3);
process.on('exit', () => {
  const books = Object.entries(made.stats()).map(([name, { delivered, lost }]) => [name, { delivered, lost }]);
  report('exit', Object.fromEntries(books));
});
