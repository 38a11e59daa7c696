import { lastValueFrom, scan, takeWhile } from 'rxjs';
import { spanPipeline, toMemory } from '../../../src/index.ts';
import { endSpans, holdOpen, report, timers, tracerOf } from './kit.ts';

const release = holdOpen();
const sink = toMemory();
const pipeline = spanPipeline({ sink, scheduledDelayMillis: 20 });
const tracer = tracerOf(pipeline.processor);
report('before', { timers: await timers() });

// Some by count, the rest by delay.
const all = lastValueFrom(
  pipeline.outcomes$.pipe(
    scan((sum, { delivered }) => sum + delivered, 0),
    takeWhile((sum) => sum < 1_234),
  ),
  { defaultValue: 0 },
);
endSpans(tracer, 1_234);
await all;
report('delivered', { items: sink.items.length, timers: await timers() });

endSpans(tracer, 5);
await pipeline.forceFlush();
report('flushed', { items: sink.items.length, timers: await timers() });

process.on('exit', () => report('exit', { items: sink.items.length }));
release();
