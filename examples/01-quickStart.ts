/**
 * The whole way once: a real OpenTelemetry tracer makes some 3,000 spans a second, the pipeline sends them to a backend, and the backend has bad moments:
 * for a while it is slow, then for a while it is down. In the end both sides lay their books side by side.
 *
 *     npm start                              against a backend of its own, on loopback
 *     npm start -- --endpoint URL            against any OTLP/HTTP endpoint (the whole URL, /v1/traces included)
 */
import { parseArgs } from 'node:util';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { otlpHttp, spanPipeline } from '../src/index.ts';
import { type Backend, startBackend } from './support/backend.ts';
import { liveLine, printLedger } from './support/display.ts';
import { checkouts } from './support/traffic.ts';

const { endpoint } = parseArgs({ options: { endpoint: { type: 'string' } } }).values;
const backend = endpoint === undefined ? await startBackend() : undefined;

// The part that a service has, too.
const pipeline = spanPipeline({ sink: otlpHttp({ url: endpoint ?? (backend as Backend).url }) });
const provider = new TracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'checkout', 'service.version': '1.0.0' }),
  spanProcessors: [pipeline.processor],
});

const traffic = checkouts(provider.getTracer('quick-start'), { tracesPerSecond: 750 });
const live = liveLine(() => pipeline.stats());

for (const [seconds, mood] of [
  [3, 'well'],
  [3, 'slow'],
  [3, 'down'],
  [3, 'well'],
] as const) {
  live.label(backend === undefined ? 'sending' : `backend ${mood}`);
  backend?.be(mood);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}

traffic.stop();
live.label('draining');
await provider.shutdown();
live.stop();

const received = await backend?.count();
await backend?.close();
const agrees = printLedger(pipeline.stats(), received);
process.exitCode = agrees ? 0 : 1;
