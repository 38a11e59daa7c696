/** Exports to a host that does not answer. Nobody gives the exports up but their own ends: what holds the process is a request to connect. */
import { otlpHttp, spanPipeline } from '../../../src/index.ts';
import { endSpans, input, report, tracerOf } from './kit.ts';

export interface BlackholeInput {
  readonly url: string;
  readonly exitDeadlineMillis: number;
  readonly attemptTimeoutMillis: number;
}

const { url, ...options } = input<BlackholeInput>();
const pipeline = spanPipeline({ sink: otlpHttp({ url }), maxExportBatchSize: 10, scheduledDelayMillis: 1, ...options });
process.on('exit', () => {
  const { delivered, pending, lost } = pipeline.stats();
  report('exit', { delivered, pending, lost });
});
endSpans(tracerOf(pipeline.processor), 100);
