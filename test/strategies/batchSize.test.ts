import { describe, expect, test } from 'vitest';
import {
  type BatchEnded,
  type BatchSizeLimits,
  type BatchSizeStrategyFactory,
  fixedSize,
  GuardedStrategy,
} from '../../src/strategies/batchSize.ts';
import { latencyTarget } from '../../src/strategies/latencyTarget.ts';
import { responsiveSize } from '../../src/strategies/responsiveSize.ts';
import { seededRandom } from '../support/random.ts';

const LIMITS: BatchSizeLimits = {
  minExportBatchSize: 10,
  initialExportBatchSize: 500,
  maxExportBatchSize: 2_000,
  scheduledDelayMillis: 100,
  targetLatencyMillis: 50,
};

/** A backend that answers each batch after a while, and what arrives meanwhile. */
interface Scenario {
  readonly title: string;
  readonly strategy: BatchSizeStrategyFactory;
  readonly batches: number;
  /** Milliseconds, of a batch of so many items, the so-manieth. */
  latency(size: number, batch: number): number;
  /** How much the latency is spread, as a share of it. Default 0.05. */
  readonly jitter?: number;
  /** Items in the queue. Default: none. */
  queued?(batch: number): number;
  /** Where the size has to be at the end: from, to. */
  readonly size: readonly [number, number];
  /** No batch was larger, once the first hundred had gone. */
  readonly largest?: number;
}

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'a near backend is given the largest batches',
    strategy: responsiveSize(),
    batches: 40,
    latency: () => 5,
    size: [2_000, 2_000],
  },
  {
    title: 'a merely distant backend is given large ones',
    strategy: responsiveSize(),
    batches: 400,
    latency: () => 200,
    size: [1_000, 2_000],
  },
  {
    title: 'a distant backend whose latency is spread widely is not given smaller ones',
    strategy: responsiveSize(),
    batches: 400,
    latency: () => 200,
    jitter: 0.3,
    size: [500, 2_000],
  },
  {
    title: 'a backend that answers about in time, whatever the size, is given large ones',
    strategy: responsiveSize(),
    batches: 400,
    latency: () => 52,
    size: [1_000, 2_000],
  },
  {
    title:
      'a backend that answers about in time, because batches are small enough, is not given ones that make it late',
    strategy: responsiveSize(),
    batches: 1_000,
    latency: (size) => 0.1 * size,
    size: [400, 620],
    largest: 760,
  },
  {
    title: 'a backend that takes its time per item is given smaller ones, until it answers about in time',
    strategy: responsiveSize(),
    batches: 100,
    latency: (size) => 0.4 * size,
    size: [60, 200],
  },
  {
    title: 'a near backend that becomes slow goes on getting large ones',
    strategy: responsiveSize(),
    batches: 60,
    latency: (_size, batch) => (batch < 30 ? 10 : 800),
    size: [1_500, 2_000],
  },
  {
    title: 'nothing shrinks while the queue grows',
    strategy: responsiveSize(),
    batches: 100,
    latency: (size) => 0.4 * size,
    queued: (batch) => (batch + 1) * 10,
    size: [500, 500],
  },
  {
    title: 'latencyTarget drowns a merely distant backend in tiny requests',
    strategy: latencyTarget(),
    batches: 100,
    latency: () => 200,
    size: [10, 10],
  },
  {
    title: 'latencyTarget grows on a near backend',
    strategy: latencyTarget(),
    batches: 40,
    latency: () => 5,
    size: [2_000, 2_000],
  },
  {
    title: 'a fixed size stays',
    strategy: fixedSize(),
    batches: 40,
    latency: () => 500,
    size: [2_000, 2_000],
  },
];

/** Chance must not decide: each scenario holds for all of them. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

describe('the size of batches', () => {
  for (const scenario of SCENARIOS) {
    test.each(SEEDS)(`${scenario.title} (seed %i)`, (seed) => {
      const random = seededRandom(seed);
      const strategy = scenario.strategy(LIMITS);
      const jitter = scenario.jitter ?? 0.05;
      let largest = 0;
      for (let batch = 0; batch < scenario.batches; batch += 1) {
        const items = strategy.size;
        strategy.left({ items, openMillis: 50 });
        const spread = 1 + jitter * (2 * random() - 1);
        const attemptMillis = scenario.latency(items, batch) * spread;
        strategy.ended({
          items,
          delivered: items,
          requests: 1,
          timeouts: 0,
          attemptMillis,
          queued: scenario.queued?.(batch) ?? 0,
        });
        if (batch >= 100) largest = Math.max(largest, strategy.size);
      }
      expect(largest).toBeLessThanOrEqual(scenario.largest ?? Number.POSITIVE_INFINITY);
      expect(strategy.size).toBeGreaterThanOrEqual(scenario.size[0]);
      expect(strategy.size).toBeLessThanOrEqual(scenario.size[1]);
    });
  }

  test('latencyTarget follows its formula: a mean of weight 0.2, 0.8 of the size above 1.5 × the target, 1.2 below half', () => {
    const strategy = latencyTarget()(LIMITS);
    const sizes = [100, 100, 10, 10, 10, 10, 10, 10, 10].map((attemptMillis) => {
      strategy.ended({ items: 500, delivered: 500, requests: 1, timeouts: 0, attemptMillis, queued: 0 });
      return strategy.size;
    });
    // Means: 100, 100, 82, 67.6, 56.1, 46.9, 39.5, 33.6, 28.9.
    expect(sizes).toEqual([400, 320, 256, 256, 256, 256, 256, 256, 256]);
    strategy.ended({ items: 500, delivered: 500, requests: 1, timeouts: 0, attemptMillis: 1, queued: 0 });
    expect(strategy.size).toBe(Math.round(256 * 1.2));
  });

  test('a step up is not undone to a size above the present one, when the size has shrunk meanwhile', () => {
    const strategy = responsiveSize()(LIMITS);
    const sizesWith = (batches: number, latency: (items: number) => number) => {
      const sizes = Array.from({ length: batches }, () => {
        const items = strategy.size;
        strategy.ended({ items, delivered: items, requests: 1, timeouts: 0, attemptMillis: latency(items), queued: 0 });
        return strategy.size;
      });
      return { largest: Math.max(...sizes), last: strategy.size };
    };
    expect(sizesWith(20, () => 52).last).toBe(2_000);
    expect(sizesWith(60, (items) => items).last).toBeLessThan(100);
    // In time again, because it is small enough: the sizes of before are of no use now.
    expect(sizesWith(60, (items) => 0.9 * items).largest).toBeLessThan(110);
  });

  /** The share of the sizes, after the first few hundred, that are within a quarter of their median, when the latency varies by 30 % by itself. */
  const steadyRatio = (seed: number, latency: (size: number) => number) => {
    const random = seededRandom(seed);
    const strategy = responsiveSize()(LIMITS);
    const sizes = Array.from({ length: 2_000 }, () => {
      const items = strategy.size;
      const attemptMillis = latency(items) * (0.7 + 0.6 * random());
      strategy.ended({ items, delivered: items, requests: 1, timeouts: 0, attemptMillis, queued: 0 });
      return strategy.size;
    }).slice(300);
    const median = [...sizes].sort((one, other) => one - other)[sizes.length >> 1] ?? 0;
    return sizes.filter((size) => Math.abs(size - median) <= 0.25 * median).length / sizes.length;
  };

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('latency that varies by itself hardly moves it (seed %i)', (seed) => {
    expect(steadyRatio(seed, () => 100)).toBe(1);
    expect(steadyRatio(seed, (size) => 40 + size / 50)).toBeGreaterThan(0.85);
  });

  test('the size of batches that are never full stays', () => {
    const strategy = responsiveSize()(LIMITS);
    for (let batch = 0; batch < 1_000; batch += 1)
      strategy.ended({ items: 100, delivered: 100, requests: 1, timeouts: 0, attemptMillis: 40, queued: 0 });
    expect(strategy.size).toBe(500);
  });

  test('a batch of which nothing was delivered says nothing about latency', () => {
    for (const factory of [responsiveSize(), latencyTarget()]) {
      const strategy = factory(LIMITS);
      for (let batch = 0; batch < 50; batch += 1)
        strategy.ended({ items: 500, delivered: 0, requests: 1, timeouts: 0, attemptMillis: 9_000, queued: 0 });
      expect(strategy.size).toBe(500);
    }
  });
});

describe('the delay of batches', () => {
  test('is twice the time that a batch takes to fill', () => {
    const strategy = responsiveSize()(LIMITS);
    expect(strategy.delayMillis).toBe(100);
    for (let batch = 0; batch < 50; batch += 1) strategy.left({ items: 500, openMillis: 20 });
    expect(strategy.delayMillis).toBeCloseTo(40, 5);
  });

  test('is the scheduled delay when items are rare', () => {
    const strategy = responsiveSize()(LIMITS);
    for (let batch = 0; batch < 50; batch += 1) strategy.left({ items: 1, openMillis: 100 });
    expect(strategy.delayMillis).toBe(100);
  });

  test('is the scheduled delay when bursts come within no time', () => {
    const strategy = responsiveSize()(LIMITS);
    for (let batch = 0; batch < 50; batch += 1) strategy.left({ items: 500, openMillis: 0 });
    expect(strategy.delayMillis).toBe(100);
  });
});

describe('why the size changed', () => {
  const ended = { items: 500, delivered: 500, requests: 1, timeouts: 0, attemptMillis: 50, queued: 0 };

  test.each([
    ['latencyTarget', latencyTarget()],
    ['responsiveSize', responsiveSize()],
  ])('%s says it', (_name, factory) => {
    const because = (batch: Partial<BatchEnded>) => {
      const strategy = factory(LIMITS);
      strategy.ended({ ...ended, ...batch });
      return strategy.size === LIMITS.initialExportBatchSize ? 'no change' : strategy.because;
    };
    expect(because({ attemptMillis: 5 })).toBe('latency');
    expect(because({ requests: 4 })).toBe('tooLarge');
    expect(because({ requests: 2, timeouts: 1 })).toBe('timeouts');
  });

  test('responsiveSize tries a smaller size where nothing is known of what size costs', () => {
    const strategy = responsiveSize()(LIMITS);
    strategy.ended({ ...ended, attemptMillis: 500 });
    expect(strategy).toMatchObject({ size: 400, because: 'probe' });
  });

  test('responsiveSize shrinks after a timeout', () => {
    const strategy = responsiveSize()(LIMITS);
    strategy.ended({ ...ended, timeouts: 1 });
    expect(strategy).toMatchObject({ size: 400, because: 'timeouts' });
  });
});

describe('a strategy of the user', () => {
  const guarded = (strategy: Partial<ReturnType<BatchSizeStrategyFactory>>) => {
    const errors: unknown[] = [];
    const whole = { size: 100, delayMillis: 50, left() {}, ended() {} };
    const factory = () => Object.defineProperties(whole, Object.getOwnPropertyDescriptors(strategy));
    return { strategy: new GuardedStrategy(factory, LIMITS, (error) => errors.push(error)), errors };
  };

  test('is kept within the limits', () => {
    expect(guarded({ size: 5_000, delayMillis: 5_000 }).strategy).toMatchObject({ size: 2_000, delayMillis: 100 });
    expect(guarded({ size: -1, delayMillis: -1 }).strategy).toMatchObject({ size: 10, delayMillis: 0 });
  });

  test('may throw: the last valid answer stays in force', () => {
    const { strategy, errors } = guarded({
      left() {
        throw new Error('left');
      },
      get size(): number {
        throw new Error('size');
      },
    });
    strategy.left({ items: 1, openMillis: 1 });
    expect(strategy.size).toBe(500);
    expect(errors.map(String)).toEqual(['Error: size', 'Error: left', 'Error: size']);
  });

  test('may return an invalid number: the last valid answer stays in force', () => {
    const { strategy, errors } = guarded({ size: Number.NaN, delayMillis: 'soon' as unknown as number });
    expect(strategy).toMatchObject({ size: 500, delayMillis: 100 });
    expect(errors).toHaveLength(2);
  });

  test('does not get an invalid tally', () => {
    const told: number[] = [];
    const { strategy } = guarded({ ended: ({ attemptMillis }) => void told.push(attemptMillis) });
    for (const attemptMillis of [5, Number.NaN, -1])
      strategy.ended({ items: 1, delivered: 1, requests: 1, timeouts: 0, attemptMillis, queued: 0 });
    expect(told).toEqual([5]);
  });

  test('may throw in its factory: then sizes are fixed', () => {
    const factory = () => {
      throw new Error('no strategy');
    };
    const errors: unknown[] = [];
    const strategy = new GuardedStrategy(factory, LIMITS, (error) => errors.push(error));
    expect(strategy.size).toBe(2_000);
    expect(errors).toHaveLength(1);
  });
});
