/**
 * AWS Lambda: when the handler has returned, the process is frozen, maybe for ever. So each call sends its spans before it returns, and waits for that no longer than the call may take: `withFlush` does both.
 *
 *     npm install @opentelemetry/sdk-trace; npm install --save-dev @types/aws-lambda
 */
import { DiagConsoleLogger, DiagLogLevel, diag, SpanStatusCode } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import type { Context } from 'aws-lambda';
import { otlpHttp, spanPipeline, withFlush } from 'spanflow';

// Says what is late or lost.
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);

// Once for each process: its connections, and spans that a backend has refused so far, live from call to call.
const pipeline = spanPipeline({ sink: otlpHttp() }); // to OTEL_EXPORTER_OTLP_ENDPOINT: best, a collector beside the function
const provider = new TracerProvider({ spanProcessors: [pipeline.processor] });
const tracer = provider.getTracer('orders');

// What is late stays in the queue, and goes out with the next call.
export const handler = withFlush(async ({ order }: { order: string }, context: Context) => {
  const span = tracer.startSpan('place order', { attributes: { 'faas.invocation_id': context.awsRequestId } });
  try {
    return await placeOrder(order);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}, pipeline);

async function placeOrder(order: string): Promise<{ order: string }> {
  if (order === '') throw new Error('an order needs a name');
  return { order };
}
