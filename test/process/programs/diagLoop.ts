/** A logger that makes spans of each warning, with the tracer whose losses it is told of. */
import { type Context, context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { throwError } from 'rxjs';
import { ExportError, spanPipeline } from '../../../src/index.ts';
import { answering, endSpans, input, listenToWarnings, report, tracerOf } from './kit.ts';

const ROUNDS = 50;
const SPANS_PER_ROUND = 10;

const { contextManager, warnIntervalMillis } = input<{ contextManager: boolean; warnIntervalMillis?: number }>();
if (contextManager) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

let warnings = 0;
listenToWarnings(() => {
  warnings += 1;
  const parent = tracer.startSpan('log');
  tracer.startSpan('write', {}, context.active() satisfies Context).end();
  parent.end();
});
const pipeline = spanPipeline({
  sink: answering(() => throwError(() => new ExportError({ kind: 'permanent' }, 'never'))),
  ...(warnIntervalMillis !== undefined && { warnIntervalMillis }),
});
const tracer = tracerOf(pipeline.processor);

for (let round = 0; round < ROUNDS; round += 1) {
  endSpans(tracer, SPANS_PER_ROUND);
  await pipeline.forceFlush();
}
report('flushed', { warnings, offered: pipeline.stats().offered });

await pipeline.shutdown();
endSpans(tracer, 3);
const before = warnings;
for (let tick = 0; tick < 100; tick += 1) await new Promise((resolve) => setTimeout(resolve, 1));
report('afterShutdown', { warnings: warnings - before, offered: pipeline.stats().offered });
