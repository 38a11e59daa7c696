import { logs, metrics, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { telemetry } from '../../../src/telemetry/index.ts';
import { input, report, reportWarnings } from './kit.ts';

export interface TelemetryInput {
  readonly url: string;
  readonly exitDeadlineMillis: number;
}

const { url, exitDeadlineMillis } = input<TelemetryInput>();
reportWarnings();
const made = telemetry({ url, exitDeadlineMillis, environment: {} });
new NodeSDK({ ...made.sdk, autoDetectResources: false }).start();
trace.getTracer('shop').startSpan('checkout').end();
logs.getLogger('shop').emit({ body: 'an order came in' });
metrics.getMeter('shop').createCounter('orders').add(3);
process.on('exit', () => {
  const books = Object.entries(made.stats()).map(([name, { delivered, lost }]) => [name, { delivered, lost }]);
  report('exit', Object.fromEntries(books));
});
