/**
 * All signals of a service in three lines: spans, log records and metrics go to one backend, over one pool of connections. One call flushes all, one shuts all down, and the books are by signal. Then the backend holds back the spans alone, and log records and metrics go on.
 *
 *     node examples/16-allSignals.ts
 */
import { logs, metrics, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { telemetry } from 'spanflow/telemetry';
import { otlpBackend } from 'spanflow/testing';

const backend = await otlpBackend();

// The three lines. Without `url`, the variables OTEL_EXPORTER_OTLP_* count.
const all = telemetry({
  url: new URL('/', backend.url),
  compression: 'gzip',
  signals: { logs: { maxQueueSize: 50_000 } },
});
const sdk = new NodeSDK(all.sdk);
sdk.start();

const tracer = trace.getTracer('shop');
const logger = logs.getLogger('shop');
const orders = metrics.getMeter('shop').createCounter('orders');

function order(number: number): void {
  tracer.startActiveSpan('order', (span) => {
    logger.emit({ body: `order ${number} came in` });
    orders.add(1, { kind: number % 2 === 0 ? 'gift' : 'own' });
    span.end();
  });
}

for (let number = 0; number < 1_000; number += 1) order(number);
await all.forceFlush();
print('after 1,000 orders');

backend.respond(({ path }) => (path === '/v1/traces' ? { status: 429, headers: { 'retry-after': '1' } } : 'ok'));
for (let number = 0; number < 10; number += 1) order(number);
await all.pipelines.logs?.forceFlush(); // each signal has its own queue, retries and deadlines
await all.sdk.metricReaders?.[0]?.forceFlush();
print('while spans are held back');

backend.respond('ok');
await sdk.shutdown(); // or all.shutdown(): either will do
print('at the end');

const { traces, logs: records } = all.stats();
console.log(`${backend.requestCount} requests over ${backend.connections} connections`);
process.exitCode = traces?.delivered === 1_010 && records?.delivered === 1_010 ? 0 : 1;
await backend.close();

function print(when: string): void {
  const books = Object.entries(all.stats()).map(
    ([name, { delivered, pending }]) => `${name} ${delivered} (${pending} pending)`,
  );
  console.log(`${when}: delivered ${books.join(', ')}`);
}
