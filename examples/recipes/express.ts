/**
 * Express: each request is a span, and a SIGTERM loses none of them. First the server stops to accept, and its requests end; then the SDK shuts down, and with it the pipeline.
 *
 *     npm install express @opentelemetry/sdk-node @opentelemetry/instrumentation @opentelemetry/instrumentation-http @opentelemetry/instrumentation-express
 *     node examples/recipes/express.ts
 */
import { register } from 'node:module';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { otlpHttp, spanPipeline } from 'spanflow';

// Shows ES modules to the instrumentations. What is instrumented is imported after it, by `await import()`. (Node 26 warns that `register` is deprecated; OpenTelemetry still asks for it.)
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const pipeline = spanPipeline({ sink: otlpHttp() }); // to OTEL_EXPORTER_OTLP_ENDPOINT
const sdk = new NodeSDK({
  serviceName: 'shop',
  spanProcessors: [pipeline.processor],
  instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()],
});
sdk.start();

const { default: express } = await import('express');
const app = express();
app.get('/orders/:id', (request, response) => {
  response.json({ order: request.params.id });
});
const { PORT = '3000', HOST = '0.0.0.0' } = process.env;
const server = app.listen(Number(PORT), HOST, () => console.log('listening'));

process.once('SIGTERM', () => {
  server.close(async () => {
    await sdk.shutdown(); // at most 10 s: shutdownDeadlineMillis
    console.log(`${pipeline.stats().delivered} spans delivered`);
  });
  // A request that does not end holds nothing up for longer.
  setTimeout(() => server.closeAllConnections(), 10_000).unref();
});
