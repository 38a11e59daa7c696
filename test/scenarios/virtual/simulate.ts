import { concatMap, from, map, type Observable, take, timer } from 'rxjs';
import {
  adaptiveBatch,
  type Backoff,
  type BackoffStep,
  type Concurrency,
  exportTo,
  memoryBudget,
} from '../../../src/index.ts';
import { seededRandom } from '../../support/random.ts';
import type { SimulatedBackend } from './backends.ts';
import { type Figures, figuresOf } from './figures.ts';
import { Gauge } from './gauge.ts';
import type { Scenario, Traffic } from './scenarios.ts';
import { VirtualTime } from './virtualTime.ts';

/** 1, 2, 3, 5, 8 … 30 seconds, and no jitter: as Vector retries in its simulation. */
const FIBONACCI: Backoff = { first: () => fibonacciStep(1, 2) };

function fibonacciStep(seconds: number, next: number): BackoffStep {
  return { delayMillis: 1_000 * Math.min(30, seconds), next: () => fibonacciStep(next, seconds + next) };
}

/** Items come in this many bursts a second. */
const BURSTS_PER_SECOND = 100;

/** Plays a scenario through the real `exportTo`, in virtual time. */
export function simulate(scenario: Scenario, concurrency: Concurrency, seed: number): Figures {
  const scheduler = new VirtualTime();
  const random = seededRandom(seed);
  const backend = scenario.backend({ scheduler, random });
  const limit = gaugeOf(concurrency, scheduler);
  const { fromMillis = 0, toMillis = Number.POSITIVE_INFINITY } = scenario.measured ?? {};
  let lostItems = 0;
  let isOver = false;
  const exported = exportTo<unknown>(backend, {
    concurrency,
    attemptTimeoutMillis: 1_000,
    retry: { backoff: FIBONACCI, maxElapsedMillis: 3_600_000 },
    scheduler,
    random,
    ...scenario.exportOptions,
  });
  const onLost = (items: readonly unknown[]) => {
    lostItems += items.length;
  };
  const exporting = batchesOf(scenario.traffic, scheduler, onLost)
    .pipe(exported)
    .subscribe({
      next: ({ lost }) => {
        for (const { count } of lost) lostItems += count;
      },
      complete: () => {
        isOver = true;
      },
    });
  if (fromMillis > 0) scheduler.schedule(() => forget(backend, limit), fromMillis);
  scheduler.run(() => isOver || scheduler.now() >= toMillis);
  const figures = figuresOf({ backend, limit, lostItems, seconds: (scheduler.now() - fromMillis) / 1_000 });
  exporting.unsubscribe();
  return figures;
}

function gaugeOf(concurrency: Concurrency, scheduler: VirtualTime): Gauge {
  const limit = new Gauge(() => scheduler.now());
  if (typeof concurrency === 'number') limit.value = concurrency;
  else
    ('limit$' in concurrency ? concurrency.limit$ : concurrency).subscribe((value) => {
      limit.value = value;
    });
  return limit;
}

function forget(backend: SimulatedBackend, limit: Gauge): void {
  backend.restart();
  limit.restart();
}

function batchesOf(
  traffic: Traffic,
  scheduler: VirtualTime,
  onLost: (items: readonly unknown[]) => void,
): Observable<readonly unknown[]> {
  if ('itemsPerSecond' in traffic) return batched(traffic, scheduler, onLost) as never;
  const { requests, intervalMillis } = traffic;
  if (intervalMillis === undefined) return from(Array.from({ length: requests }, (_, id) => [id]));
  return timer(0, intervalMillis, scheduler).pipe(
    take(requests),
    map((id) => [id]),
  );
}

function batched(
  { itemsPerSecond, seconds, maxExportBatchSize }: Extract<Traffic, { itemsPerSecond: number }>,
  scheduler: VirtualTime,
  onLost: (items: readonly unknown[]) => void,
) {
  const burst = Array.from({ length: itemsPerSecond / BURSTS_PER_SECOND }, (_, id) => id);
  const bursts = timer(0, 1_000 / BURSTS_PER_SECOND, scheduler).pipe(take(seconds * BURSTS_PER_SECOND));
  return bursts.pipe(
    concatMap(() => burst),
    adaptiveBatch<number>({
      scheduler,
      ...(maxExportBatchSize !== undefined && { maxExportBatchSize }),
      sizeOf: () => 200,
      maxUnsettledBatches: 256, // as in a pipeline
      memory: memoryBudget({ maxBytes: 512 * 1024 * 1024 }), // of its own, whatever other runs hold
      onLoss: (_, items) => onLost(items),
    }),
  );
}
