// A program that knows nothing of spanflow but its name on the command line of Node.
import { logs, metrics, trace } from '@opentelemetry/api';
import { holdOpen, input, report } from './kit.ts';

export interface RegisteredInput {
  /** `end`: it comes to its natural end · `wait`: it runs until something ends it · `handle`: it handles SIGTERM itself. */
  readonly then: 'end' | 'wait' | 'handle';
}

const { then } = input<RegisteredInput>();
const tracer = trace.getTracer('shop');
tracer.startActiveSpan('checkout', (span) => {
  logs.getLogger('shop').emit({ body: 'an order came in' });
  tracer.startSpan('payment').end();
  span.end();
});
metrics.getMeter('shop').createCounter('orders').add(3);
if (then !== 'end') {
  const close = holdOpen();
  if (then === 'handle')
    process.once('SIGTERM', () => {
      report('handled');
      close();
    });
}
report('ready', { pid: process.pid });
