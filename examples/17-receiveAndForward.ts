/**
 * A small gateway: spans come in over OTLP, health checks are taken out, the rest leaves in larger batches, and each sender is told what became of its own request. While the backend is down, senders are told when to try again, and nothing that was answered 200 is lost.
 *
 *     node examples/17-receiveAndForward.ts
 */
import { trace } from '@opentelemetry/api';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { map } from 'rxjs';
import { type Batch, exportTo, otlpHttp, rebatch, runPipeline, spanPipeline, withItems } from 'spanflow';
import { otlpReceiver } from 'spanflow/receiver';
import { otlpBackend } from 'spanflow/testing';

const backend = await otlpBackend();
const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' });

const withoutHealthChecks = map((batch: Batch<ReadableSpan>) =>
  withItems(
    batch,
    batch.items.filter(({ name }) => name !== 'GET /healthz'),
  ),
);
const forwarded$ = receiver.traces$.pipe(
  rebatch({ maxExportBatchSize: 1_000, scheduledDelayMillis: 20 }),
  withoutHealthChecks,
  exportTo(otlpHttp({ url: backend.url }), { retry: { maxAttempts: 1 } }), // who sends tries again
);
const gateway = runPipeline(receiver, forwarded$);
const { http } = await receiver.listen();

// Three services that send to the gateway, with whatever they use: here the pipeline of spanflow.
const services = ['shop', 'cart', 'mail'].map((name) => {
  const pipeline = spanPipeline({ sink: otlpHttp({ url: `${http?.url}/v1/traces` }), environment: {} });
  return { name, pipeline, provider: new TracerProvider({ spanProcessors: [pipeline.processor] }) };
});

function work(): void {
  for (const { name, provider } of services)
    for (let number = 0; number < 200; number += 1)
      provider
        .getTracer(name)
        .startSpan(number % 4 === 0 ? 'GET /healthz' : `order ${number}`)
        .end();
}

work();
await Promise.all(services.map(({ pipeline }) => pipeline.forceFlush()));
print('while the backend is well');

backend.respond((_, request) => (request === 0 ? { status: 503, headers: { 'retry-after': '1' } } : 'ok'));
work();
await Promise.all(services.map(({ provider }) => provider.shutdown()));
print('after it was down for a moment');
await gateway.shutdown();
await backend.close();
trace.disable();

const sent = services.reduce((sum, { pipeline }) => sum + pipeline.stats().delivered, 0);
console.log(`the services know of ${sent} spans that they were taken, the backend has ${backend.spans}`);
process.exitCode = sent === 1_200 && backend.spans === 900 ? 0 : 1;

function print(when: string): void {
  const { answers } = receiver.stats();
  console.log(`${when}: ${backend.spans} spans arrived; answers by status ${JSON.stringify(answers.http)}`);
}
