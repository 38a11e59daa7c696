/**
 * AWS Lambda: when the handler has returned, the process is frozen, maybe for ever. So each call sends its spans before it returns, and waits for that no longer than the call may take.
 *
 *     npm install @opentelemetry/sdk-trace; npm install --save-dev @types/aws-lambda
 */
import { SpanStatusCode } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import type { Handler } from 'aws-lambda';
import { otlpHttp, spanPipeline } from 'spanflow';

/** What is left for the answer, when the spans have taken the rest. */
const RESERVE_MILLIS = 200;

// Once for each process: its connections, and spans that a backend has refused so far, live from call to call.
const pipeline = spanPipeline({ sink: otlpHttp() }); // to OTEL_EXPORTER_OTLP_ENDPOINT: best, a collector beside the function
const provider = new TracerProvider({ spanProcessors: [pipeline.processor] });
const tracer = provider.getTracer('orders');

export const handler: Handler<{ order: string }, { order: string }> = async (event, context) => {
  const span = tracer.startSpan('place order', { attributes: { 'faas.invocation_id': context.awsRequestId } });
  try {
    return await placeOrder(event.order);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
    const timeoutMillis = Math.max(1, context.getRemainingTimeInMillis() - RESERVE_MILLIS);
    // What is late stays in the queue, and goes out with the next call.
    await pipeline.forceFlush({ timeoutMillis }).catch((error) => console.warn(error.message));
  }
};

async function placeOrder(order: string): Promise<{ order: string }> {
  if (order === '') throw new Error('an order needs a name');
  return { order };
}
