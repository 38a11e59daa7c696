// A service whose spans go to a backend: through spanflow, or through OpenTelemetry's own packages. Either has its defaults.

import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { otlpHttp, spanPipeline } from '../../src/index.ts';
import { answer, inputOf } from './child.ts';
import type { Traffic } from './scenarios.ts';

export type Whose = 'spanflow' | 'official';

export interface SenderInput {
  readonly whose: Whose;
  readonly url: string;
  readonly traffic: Traffic;
  /** How long the shutdown may take. */
  readonly shutdownMillis: number;
}

/** What is under comparison: where spans go in, and how it ends. */
interface Candidate {
  readonly processor: SpanProcessor;
  shutdown(): Promise<void>;
}

const TICK_MILLIS = 10;

const { whose, url, traffic, shutdownMillis } = inputOf<SenderInput>();
const { processor, shutdown } = whose === 'spanflow' ? spanflow() : official();
const provider = new TracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'scenario', 'service.version': '1.0.0' }),
  spanProcessors: [processor],
});
const tracer = provider.getTracer('scenario');

answer({
  start: () => undefined,
  send: () => (traffic.seconds === 0 ? sendAtOnce() : sendEvenly()),
  flush: () => processor.forceFlush(),
  shutDown: () => withinBound(shutdown()),
});

function spanflow(): Candidate {
  const pipeline = spanPipeline({ sink: otlpHttp({ url }) });
  return { processor: pipeline.processor, shutdown: () => pipeline.shutdown({ deadlineMillis: shutdownMillis }) };
}

function official(): Candidate {
  const batches = new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) });
  return { processor: batches, shutdown: () => batches.shutdown() };
}

function endSpan(number: number): void {
  tracer.startSpan('GET /cart', { attributes: { 'http.route': '/cart', 'shop.order': number } }).end();
}

function sendAtOnce(): void {
  for (let made = 0; made < traffic.spans; made++) endSpan(made);
}

/** By the clock, so that a late tick is made up for. */
function sendEvenly(): Promise<void> {
  const startedMillis = performance.now();
  let made = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const passed = (performance.now() - startedMillis) / 1_000 / traffic.seconds;
      const due = Math.min(traffic.spans, passed * traffic.spans);
      while (made < due) endSpan(made++);
      if (made < traffic.spans) return;
      clearInterval(timer);
      resolve();
    }, TICK_MILLIS);
  });
}

/** A shutdown that fails or takes too long has delivered what it has delivered: the backend knows. */
async function withinBound(ended: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, shutdownMillis);
  await Promise.race([ended.catch(() => {}), promise]);
  clearTimeout(timer);
}
