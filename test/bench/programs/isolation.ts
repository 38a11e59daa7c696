// Spans at a fixed rate to one backend, alone or beside one that is slow and one that answers nothing.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { otlpHttp, spanPipeline } from '../../../src/index.ts';
import { given, paced, program } from '../support/program.ts';
import { pipelineSpans } from '../support/workloads.ts';

/** `alone`: a pipeline to the one backend. `among`: a fan-out to all three. */
export type Whose = 'alone' | 'among';

export interface IsolationInput {
  readonly whose: Whose;
  readonly url: string;
  readonly slowUrl: string;
  readonly deadUrl: string;
  readonly perSecond: number;
  /** Long enough for the queues of the other two to overflow. */
  readonly warmUpMillis: number;
  readonly millis: number;
}

export interface Isolation {
  readonly offered: number;
  /** The most memory that the process took. */
  readonly peakMegabytes: number;
  /** Spans that found no room in the queue of the branch that is dead. */
  readonly overflowed: number;
}

const { whose, url, slowUrl, deadUrl, perSecond, warmUpMillis, millis } = given<IsolationInput>();
const { spans } = pipelineSpans('request');

program(async (): Promise<Isolation> => {
  const pipeline = pipelineOf();
  const offering = (forMillis: number, end: () => [number, number]) =>
    paced(perSecond, forMillis, (index) => {
      pipeline.processor.onEnd(endedAt(spans[index % spans.length] as ReadableSpan, end()));
    });
  const warmUps = await offering(warmUpMillis, () => [0, 0]);
  const ends = await offering(millis, () => process.hrtime());
  await pipeline.forceFlush();
  const peakMegabytes = process.resourceUsage().maxRSS / 1_024;
  const overflowed = pipeline.stats().routes.dead?.lost.queueFull ?? 0;
  await pipeline.shutdown({ deadlineMillis: 0 });
  return { offered: warmUps + ends, peakMegabytes, overflowed };
});

function pipelineOf() {
  const sink = otlpHttp({ url });
  if (whose === 'alone') return spanPipeline({ sink });
  const other = (otherUrl: string) => ({ sink: otlpHttp({ url: otherUrl }), required: false });
  return spanPipeline({ sinks: { good: sink, slow: other(slowUrl), dead: other(deadUrl) } });
}

/** The span, as if it had ended then. */
function endedAt(span: ReadableSpan, endTime: [number, number]): ReadableSpan {
  return Object.create(span, { endTime: { value: endTime, enumerable: true } });
}
