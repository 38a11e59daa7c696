// A service that ends spans, with somebody who looks at the clock around each end, and at the event loop.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { official, spanflow } from '../support/contestants.ts';
import { given, paced, percentile, program, sleep } from '../support/program.ts';
import { describedRequests } from '../support/workloads.ts';

/** `idle`: no spans at all. `nothing`: spans to a processor that does nothing. */
export type Whose = 'idle' | 'nothing' | 'spanflow' | 'official';

export interface LatencyInput {
  readonly whose: Whose;
  readonly url: string;
  readonly perSecond: number;
  readonly warmUpMillis: number;
  readonly millis: number;
}

export interface Latency {
  /** The 99.9th percentile of `span.end()`. */
  readonly endMicros: number;
  /** The 99th percentile of how late the event loop was, timer included. */
  readonly loopMillis: number;
  readonly offered: number;
}

const NOTHING: SpanProcessor = {
  onStart() {},
  onEnd() {},
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

const { whose, url, perSecond, warmUpMillis, millis } = given<LatencyInput>();
const requests = describedRequests(512);

program(async (): Promise<Latency> => {
  const processor = processorOf();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'bench', 'service.version': '1.0.0', 'host.name': 'bench-1' }),
    spanProcessors: [processor],
  });
  const endMillis = new Float64Array(Math.ceil((perSecond * Math.max(warmUpMillis, millis)) / 1_000));
  const endOne = endingOf(provider, endMillis);
  const ending = (forMillis: number) => (whose === 'idle' ? sleep(forMillis) : paced(perSecond, forMillis, endOne));
  const warmUps = await ending(warmUpMillis);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const ends = await ending(millis);
  delay.disable();
  await processor.forceFlush();
  await provider.shutdown();
  const measured = endMillis.subarray(0, ends ?? 0);
  const endMicros = measured.length === 0 ? 0 : percentile(measured, 0.999) * 1_000;
  return { endMicros, loopMillis: delay.percentile(99) / 1e6, offered: (warmUps ?? 0) + (ends ?? 0) };
});

function processorOf(): SpanProcessor {
  const ignored = (): void => {};
  if (whose === 'spanflow') return spanflow(url, ignored).processor;
  return whose === 'official' ? official(url, ignored, {}).processor : NOTHING;
}

/** What makes one span, ends it, and writes down how long its end took. */
function endingOf(provider: TracerProvider, endMillis: Float64Array): (index: number) => void {
  const tracer = provider.getTracer('bench', '1.0.0');
  return (index) => {
    const { name, attributes } = requests[index % requests.length] as (typeof requests)[number];
    const span = tracer.startSpan(name);
    for (const [key, value] of attributes) span.setAttribute(key, value);
    const before = performance.now();
    span.end();
    endMillis[index] = performance.now() - before;
  };
}
