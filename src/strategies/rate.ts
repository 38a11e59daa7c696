import { TokenBucket } from './tokenBucket.ts';

/** What a rate limits, each by itself: `items`, `bytes` or `requests`. */
export type RateUnit = 'items' | 'bytes' | 'requests';

/** How much of each unit a second has; what is left out is unlimited. */
export type RatesPerSecond = Readonly<Partial<Record<RateUnit, number>>>;

/** What one attempt takes. */
interface Cost {
  readonly items: number;
  readonly bytes: number;
}

/** Several token buckets that are asked together. It reads no clock. */
export class Rate {
  readonly #buckets: readonly (readonly [RateUnit, TokenBucket])[];

  constructor(perSecond: RatesPerSecond, burstMillis: number) {
    this.#buckets = Object.entries(perSecond).map(([unit, rate]) => [
      unit as RateUnit,
      new TokenBucket((rate * burstMillis) / 1_000, rate),
    ]);
  }

  admits(cost: Cost, nowMillis: number): boolean {
    return this.#buckets.every(([unit, bucket]) => bucket.has(costIn(unit, cost), nowMillis));
  }

  take(cost: Cost, nowMillis: number): void {
    for (const [unit, bucket] of this.#buckets) bucket.take(costIn(unit, cost), nowMillis);
  }

  /** How long until an attempt of this cost is admitted, if none comes before it. */
  millisUntil(cost: Cost, nowMillis: number): number {
    return Math.max(...this.#buckets.map(([unit, bucket]) => bucket.millisUntil(costIn(unit, cost), nowMillis)));
  }

  available(nowMillis: number): RatesPerSecond {
    return Object.fromEntries(this.#buckets.map(([unit, bucket]) => [unit, bucket.available(nowMillis)]));
  }
}

function costIn(unit: RateUnit, cost: Cost): number {
  return unit === 'requests' ? 1 : cost[unit];
}
