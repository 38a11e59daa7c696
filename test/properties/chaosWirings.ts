import { defer, from, type Observable, type VirtualTimeScheduler } from 'rxjs';
import {
  adaptiveConcurrency,
  aimdConcurrency,
  circuitBreaker,
  exponentialBackoff,
  type FailoverSink,
  failover,
  firstOf,
  fixedConcurrency,
  type RateLimit,
  rateLimit,
  retryBudget,
  type Sink,
} from '../../src/index.ts';
import type { ChaosBackend, ChaosLayers } from './chaosWorld.ts';
import type { Item } from './world.ts';

/** What a wiring is made of. */
export interface ChaosParts {
  readonly sinks: readonly [one: Sink<Item>, two: Sink<Item>];
  /** A third one, that nobody waits for. */
  readonly copies: Sink<Item>;
  /** The options of a branch: layers of its own, or none. */
  readonly ofBranch: () => object;
  readonly scheduler: VirtualTimeScheduler;
}

export interface ChaosWiring {
  /** From the backends to what a pipeline is given. */
  readonly wayOut: (parts: ChaosParts) => { readonly sink: Sink<Item> } | { readonly sinks: object };
  /** Whether an item that has arrived at both is a duplicate. */
  readonly isOnePlace: boolean;
}

const FAILOVER = { maxFailedAttempts: 2, probeIntervalMillis: 100 } as const;

export const CHAOS_WIRINGS: Readonly<Record<string, ChaosWiring>> = {
  'one backend': { wayOut: ({ sinks: [sink] }) => ({ sink }), isOnePlace: true },
  'two backends side by side': {
    wayOut: ({ sinks: [one, two], ofBranch }) => ({
      sinks: { one: { sink: one, ...ofBranch() }, two: { sink: two, ...ofBranch() } },
    }),
    isOnePlace: false,
  },
  'side by side, one of them best-effort': {
    wayOut: ({ sinks: [one, two], ofBranch }) => ({
      sinks: { one: { sink: one, ...ofBranch() }, two: { sink: two, required: false, batching: {}, ...ofBranch() } },
    }),
    isOnePlace: false,
  },
  'a primary and its fallback': {
    wayOut: ({ sinks: [one, two], scheduler }) => ({ sink: failover(one, two, { ...FAILOVER, scheduler }) }),
    isOnePlace: true,
  },
  'a primary, its fallback and a backup copy': {
    wayOut: ({ sinks: [one, two], copies, scheduler }) => ({
      sink: failover(one, two, { ...FAILOVER, backup: copies, maxBackupInFlight: 2, maxBackupBytes: 2_000, scheduler }),
    }),
    isOnePlace: true,
  },
  'the first of two': { wayOut: ({ sinks: [one, two] }) => ({ sink: firstOf([one, two]) }), isOnePlace: false },
};

/** The books of the copies, where there are some. */
export function backupOf(sink: object): ReturnType<FailoverSink<Item>['backup']> | undefined {
  return 'backup' in sink ? (sink as FailoverSink<Item>).backup() : undefined;
}

interface Chance {
  readonly scheduler: VirtualTimeScheduler;
  readonly random: () => number;
}

/** The layers of a schedule: made anew with each call. */
export function layersOf(layers: ChaosLayers, limits: Observable<number>, chance: Chance): object {
  const { concurrency, breaker, rate, budget } = layers;
  const concurrencies = {
    adaptive: () => adaptiveConcurrency({ initialLimit: 1, maxLimit: 6 }),
    aimd: () => aimdConcurrency({ maxLimit: 6, initialLimit: 2 }),
    fixed: () => fixedConcurrency(3),
    changing: () => limits,
  };
  return {
    concurrency: concurrencies[concurrency](),
    ...(breaker && { breaker: breakerOf(chance) }),
    ...(rate !== 'none' && { rateLimit: rateOf(rate, chance) }),
    ...(budget && { retryBudget: retryBudget({ minRetriesPerSecond: 2, scheduler: chance.scheduler }) }),
  };
}

/** A backend behind a rate and a breaker that no pipeline knows of. */
export function protectedBackend(backend: ChaosBackend, chance: Chance): Sink<Item> {
  const [rate, breaker] = [rateOf('items', chance), breakerOf(chance)];
  return {
    name: backend.name,
    export: (batch) =>
      defer(() => from(backend.export(batch))).pipe(breaker.protect(), rate.protect({ items: batch.items.length })),
  };
}

const breakerOf = ({ random, scheduler }: Chance) =>
  circuitBreaker({
    consecutiveFailures: 2,
    backoff: exponentialBackoff({ initialMillis: 50, maxMillis: 200 }),
    random,
    scheduler,
  });

function rateOf(rate: 'items' | 'bytes', { scheduler }: Chance): RateLimit {
  if (rate === 'bytes') return rateLimit({ bytesPerSecond: 30_000, burstMillis: 100, scheduler });
  return rateLimit({ itemsPerSecond: 100, requestsPerSecond: 30, scheduler });
}
