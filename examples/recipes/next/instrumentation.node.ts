import { setTimeout } from 'node:timers/promises';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { otlpHttp, spanPipeline } from 'spanflow';

const pipeline = spanPipeline({ sink: otlpHttp() }); // to OTEL_EXPORTER_OTLP_ENDPOINT
const sdk = new NodeSDK({ serviceName: 'shop', spanProcessors: [pipeline.processor] });
sdk.start();

// Next itself would exit as soon as the last request has ended, and not wait for its spans: hence NEXT_MANUAL_SIG_HANDLE.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    // Requests in flight end meanwhile, and the load balancer learns that no more should come.
    await setTimeout(Number(process.env.DRAIN_MILLIS ?? 5_000));
    await sdk.shutdown(); // at most 10 s: shutdownDeadlineMillis
    console.log(`${pipeline.stats().delivered} spans delivered`);
    process.exit();
  });
}
