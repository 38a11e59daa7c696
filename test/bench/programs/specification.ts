// The span of OpenTelemetry's own benchmark for libraries: one integer attribute and one event, made by a real tracer.

import { type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { official, spanflow } from '../support/contestants.ts';
import { given, paced, program } from '../support/program.ts';

/** `nothing`: spans to a processor that does nothing. */
export type Whose = 'nothing' | 'spanflow' | 'official';

export interface SpecificationInput {
  readonly whose: Whose;
  readonly url: string;
  readonly perSecond: number;
  readonly warmUpMillis: number;
  readonly millis: number;
}

export interface Specified {
  /** Processor time of the whole process, as a part of the time that has passed. */
  readonly cpuPercent: number;
  readonly offered: number;
}

const NOTHING: SpanProcessor = {
  onStart() {},
  onEnd() {},
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

const { whose, url, perSecond, warmUpMillis, millis } = given<SpecificationInput>();

program(async (): Promise<Specified> => {
  const processor = processorOf();
  const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer('bench');
  const endOne = (index: number): void => {
    const span = tracer.startSpan('bench');
    span.setAttribute('index', index);
    span.addEvent('event');
    span.end();
  };
  const warmUps = await paced(perSecond, warmUpMillis, endOne);
  const startedMillis = performance.now();
  const before = process.cpuUsage();
  const ends = await paced(perSecond, millis, endOne);
  const { user, system } = process.cpuUsage(before);
  const cpuPercent = (user + system) / 10 / (performance.now() - startedMillis);
  await processor.forceFlush();
  await processor.shutdown();
  return { cpuPercent, offered: warmUps + ends };
});

function processorOf(): SpanProcessor {
  const ignored = (): void => {};
  if (whose === 'spanflow') return spanflow(url, ignored).processor;
  return whose === 'official' ? official(url, ignored, {}).processor : NOTHING;
}
