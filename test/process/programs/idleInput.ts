import { fromSpanProcessor } from '../../../src/index.ts';
import { endSpans, report, timers, tracerOf } from './kit.ts';

const input = fromSpanProcessor();
endSpans(tracerOf(input), 100);
report('idle', { timers: await timers() });
