import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { filter, map } from 'rxjs';
import { adaptiveBatch, exportTo, fromSpanProcessor, otlpHttp, runPipeline, spanPipeline } from '../../../src/index.ts';
import { endSpans, input, report, reportWarnings, tracerOf } from './kit.ts';

export interface ComposedInput {
  readonly url: string;
  readonly spans: number;
  /** `run`: a composition of its own · `operators`: the default one, with the same operators · `forgotten`: a composition that nobody subscribes to. */
  readonly how: 'run' | 'operators' | 'forgotten';
  /** The first operator throws at each third span. */
  readonly throws?: boolean;
}

const { url, spans, how, throws = false } = input<ComposedInput>();
reportWarnings();

let seen = 0;
const operators = [
  map((span: ReadableSpan) => {
    seen += 1;
    if (throws && seen % 3 === 0) throw new Error('an operator of the program');
    return span;
  }),
  filter((span: ReadableSpan) => span.name !== ''),
] as const;

function started() {
  const sink = otlpHttp({ url });
  if (how === 'operators') {
    const pipeline = spanPipeline({ sink, operators });
    return { processor: pipeline.processor, stats: () => pipeline.stats() };
  }
  const source = fromSpanProcessor();
  const outcomes$ = source.spans$.pipe(...operators, adaptiveBatch(), exportTo(sink));
  if (how === 'forgotten') return { processor: source, stats: () => ({}) };
  const pipeline = runPipeline(source, outcomes$);
  return { processor: source, stats: () => pipeline.stats() };
}

const { processor, stats } = started();
process.on('exit', (code) => {
  const { accepted, delivered, lost, pending } = stats() as Record<string, unknown>;
  report('exit', { code, accepted, delivered, lost, pending });
});
endSpans(tracerOf(processor), spans);
