import { from, map, type Observable, take, timer } from 'rxjs';
import type { ConcurrencyLimiter } from '../../../src/destination/limiter.ts';
import { type Backoff, type BackoffStep, exportTo } from '../../../src/index.ts';
import { seededRandom } from '../../support/random.ts';
import type { SimulatedBackend, World } from './backends.ts';
import { Gauge } from './gauge.ts';
import { VirtualTime } from './virtualTime.ts';

/** 1, 2, 3, 5, 8 … 30 seconds, and no jitter: as Vector retries in its simulation. */
export const FIBONACCI: Backoff = { first: () => fibonacciStep(1, 2) };

function fibonacciStep(seconds: number, next: number): BackoffStep {
  return { delayMillis: 1_000 * Math.min(30, seconds), next: () => fibonacciStep(next, seconds + next) };
}

export interface Run {
  readonly backend: (world: World) => SimulatedBackend;
  readonly limiter: ConcurrencyLimiter;
  readonly seed: number;
  readonly requests: number;
  readonly intervalMillis?: number;
  readonly trace?: (line: string) => void;
}

export interface Measured {
  readonly seconds: number;
  readonly backend: SimulatedBackend;
  readonly limit: Gauge;
}

export function simulate({ backend: make, limiter, seed, requests, intervalMillis, trace }: Run): Measured {
  const scheduler = new VirtualTime();
  const random = seededRandom(seed);
  const backend = make({ scheduler, random });
  const limit = new Gauge(() => scheduler.now());
  const source: Observable<readonly number[]> =
    intervalMillis === undefined
      ? from(Array.from({ length: requests }, (_, id) => [id]))
      : timer(0, intervalMillis, scheduler).pipe(
          take(requests),
          map((id) => [id]),
        );
  const subscription = limiter.limit$.subscribe((value) => {
    limit.value = value;
    trace?.(`${scheduler.now().toFixed(0)} limit ${value}`);
  });
  let isOver = false;
  source
    .pipe(
      exportTo<unknown>(backend, {
        concurrency: limiter,
        attemptTimeoutMillis: 1_000,
        retry: { backoff: FIBONACCI, maxElapsedMillis: 3_600_000 },
        scheduler,
        random,
      }),
    )
    .subscribe({
      complete: () => {
        isOver = true;
      },
    });
  scheduler.run(() => isOver);
  subscription.unsubscribe();
  return { seconds: scheduler.now() / 1_000, backend, limit };
}
