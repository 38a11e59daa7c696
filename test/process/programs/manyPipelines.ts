import { spanPipeline, toMemory } from '../../../src/index.ts';
import { endSpans, report, tracerOf } from './kit.ts';

const sinks = Array.from({ length: 20 }, () => toMemory());
for (const sink of sinks) endSpans(tracerOf(spanPipeline({ sink }).processor), 10);
process.on('exit', () => report('exit', { items: sinks.map((sink) => sink.items.length) }));
