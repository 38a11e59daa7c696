/**
 * How large should a batch be? Three strategies meet two backends: one that is far away (200 ms, whatever the size), and one that works for its time (0.2 ms for
 * each item). The target latency is 50 ms.
 *
 *     node examples/02-tuningBatches.ts
 */
import { interval, lastValueFrom, map, mergeMap, range, take, timer, toArray } from 'rxjs';
import {
  adaptiveBatch,
  type BatchSizeStrategyFactory,
  exportTo,
  fixedSize,
  latencyTarget,
  responsiveSize,
  type Sink,
} from 'spanflow';

const STRATEGIES: Record<string, BatchSizeStrategyFactory> = {
  'fixedSize()': fixedSize(),
  'latencyTarget()': latencyTarget(),
  'responsiveSize()': responsiveSize(),
};

const BACKENDS: Record<string, (items: number) => number> = {
  'far away': () => 200,
  'works for it': (items) => 0.2 * items,
};

/** 8,000 items a second, for two seconds. */
const items$ = interval(10).pipe(
  take(200),
  mergeMap((tick) => range(tick * 80, 80)),
);

async function measure(strategy: BatchSizeStrategyFactory, latencyMillis: (items: number) => number) {
  const sink: Sink<number> = {
    name: 'backend',
    export: ({ items }) => timer(latencyMillis(items.length)).pipe(map(() => ({}))),
  };
  const options = {
    maxExportBatchSize: 1_000,
    initialExportBatchSize: 400,
    scheduledDelayMillis: 200,
    targetLatencyMillis: 50,
  };
  const outcomes = await lastValueFrom(
    items$.pipe(adaptiveBatch({ ...options, strategy }), exportTo(sink, { concurrency: 16 }), toArray()),
  );
  const latest = outcomes.slice(-10);
  const mean = (numbers: readonly number[]) =>
    Math.round(numbers.reduce((sum, number) => sum + number, 0) / numbers.length);
  return {
    requests: outcomes.length,
    'items, lately': mean(latest.map(({ delivered }) => delivered)),
    'latency, lately (ms)': mean(latest.map(({ attemptMillis }) => attemptMillis)),
    delivered: outcomes.reduce((sum, { delivered }) => sum + delivered, 0),
  };
}

const rows: Record<string, unknown>[] = [];
for (const [backend, latencyMillis] of Object.entries(BACKENDS)) {
  const runs = Object.entries(STRATEGIES).map(async ([strategy, factory]) => ({
    backend,
    strategy,
    ...(await measure(factory, latencyMillis)),
  }));
  rows.push(...(await Promise.all(runs)));
}
console.table(rows);
