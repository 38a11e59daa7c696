/** The package is imported while the host's timers are replaced, as in the setup of a test; then they are put back, and it has work to do. */

import { syncBuiltinESMExports } from 'node:module';
import { mock } from 'node:test';
import nodeTimers from 'node:timers';
import nodePromises from 'node:timers/promises';
import { endSpans, input, report, tracerOf } from './kit.ts';

export interface FakedInput {
  readonly url: string;
  /** Who replaces them: Node's own test runner, or somebody who has every one of them never fire. */
  readonly by: 'node:test' | 'hand';
  /** Whether spans end while they are replaced. */
  readonly endsSpans: boolean;
}

const { url, by, endsSpans } = input<FakedInput>();
const putBack = by === 'node:test' ? byNode() : byHand();
const { adaptiveBatch, channel, exponentialBackoff, exportTo, fromAsyncIterable, otlpHttp, spanPipeline, toMemory } =
  await import('../../../src/index.ts');
const retry = { backoff: exponentialBackoff({ initialMillis: 20, jitter: 'none' }) };
const pipeline = spanPipeline({ sink: otlpHttp({ url }), retry, scheduledDelayMillis: 20 });
const tracer = tracerOf(pipeline.processor);
const lines = channel<string>();
const memory = toMemory<string | number>();
const received = new Promise<void>((resolve) => {
  lines.items$.pipe(adaptiveBatch({ scheduledDelayMillis: 20 }), exportTo(memory)).subscribe({ complete: resolve });
});
if (endsSpans) {
  endSpans(tracer, 100);
  lines.trySend('a line');
}
putBack();

// The first by the delay, the others by a flush.
const first = new Promise<void>((resolve) => pipeline.outcomes$.subscribe(() => resolve()));
endSpans(tracer, 100);
lines.trySend('a line');
await first;
endSpans(tracer, 1_000);
await pipeline.forceFlush();
await pipeline.shutdown();
lines.close();
await received;
const numbers = Array.from({ length: 5_000 }, (_, index) => index);
await fromAsyncIterable(numbers)
  .pipe(adaptiveBatch<number>(), exportTo(memory))
  .forEach(() => {});
const { delivered, pending } = pipeline.stats();
report('done', { delivered, pending, items: memory.items.length });

function byNode(): () => void {
  // The SDK takes the times of the spans from there.
  mock.timers.enable({ apis: ['setInterval', 'setTimeout', 'setImmediate', 'Date'], now: Date.now() });
  return () => mock.timers.reset();
}

function byHand(): () => void {
  const names = [
    'setTimeout',
    'setInterval',
    'setImmediate',
    'clearTimeout',
    'clearInterval',
    'clearImmediate',
  ] as const;
  const undo: (() => void)[] = [];
  for (const place of [globalThis, nodeTimers, nodePromises, performance] as unknown as Record<string, unknown>[]) {
    for (const name of [...names, 'now']) {
      const real = place[name];
      if (real === undefined) continue;
      const never = () => (place === (nodePromises as unknown) ? new Promise(() => {}) : 0);
      place[name] = never;
      undo.push(() => {
        place[name] = real;
      });
    }
  }
  syncBuiltinESMExports();
  return () => {
    for (const one of undo) one();
    syncBuiltinESMExports();
  };
}
