import {
  bufferCount,
  delay,
  filter,
  interval,
  map,
  merge,
  mergeMap,
  type Observable,
  type OperatorFunction,
  of,
  share,
  throwError,
  type VirtualTimeScheduler,
} from 'rxjs';
import {
  adaptiveBatch,
  type Batch,
  type Branches,
  backpressure,
  boundedMergeMap,
  circuitBreaker,
  createGate,
  ExportError,
  type ExportToOptions,
  exponentialBackoff,
  exportTo,
  fanOut,
  type Gate,
  type Ledger,
  type Loss,
  mergeByPriority,
  type Outcome,
  rateLimit,
  retryBudget,
  type Sink,
  type SpanInput,
  withItems,
} from '../../src/index.ts';
import type { Item, Limits, ScriptedBackend } from './world.ts';

/** What a wiring is made of. */
export interface Parts {
  readonly input: SpanInput;
  readonly backend: ScriptedBackend;
  readonly limits: Limits;
  readonly ledger: Ledger;
  readonly scheduler: VirtualTimeScheduler;
  readonly random: () => number;
  readonly stopWhen: Observable<unknown>;
  readonly flushWhen: Observable<unknown>;
  readonly onLoss: (loss: Loss, items: readonly Item[]) => void;
}

/** One way to put the stages together. Outcomes come out where our own export is at the end. */
export type Wiring = (parts: Parts) => Observable<unknown>;

const batches = ({ limits, ledger, scheduler, input, flushWhen, onLoss }: Parts, gate?: Gate) =>
  adaptiveBatch<Item>({
    ...(gate !== undefined && { gate }),
    maxQueueSize: limits.maxQueueSize,
    maxExportBatchSize: limits.maxExportBatchSize,
    scheduledDelayMillis: limits.scheduledDelayMillis,
    maxUnsettledBatches: limits.maxUnsettledBatches,
    overflow: limits.overflow,
    priorityOf: ({ id }) => (id * 7) % 10,
    flushWhen: merge(input.flush$, flushWhen),
    onLoss,
    holdLeaseMillis: 5_000,
    ledger,
    scheduler,
  });

type Shared = Pick<ExportToOptions<Item>, 'breaker' | 'rateLimit' | 'retryBudget'>;

const exported = (parts: Parts, shared: Shared = {}): OperatorFunction<Batch<Item> | readonly Item[], Outcome<Item>> =>
  exportTo<Item>(parts.backend, {
    concurrency: parts.limits.concurrency,
    attemptTimeoutMillis: parts.limits.attemptTimeoutMillis,
    retry: {
      maxAttempts: parts.limits.maxAttempts,
      maxElapsedMillis: parts.limits.maxElapsedMillis,
      backoff: exponentialBackoff({ initialMillis: 10, maxMillis: 200 }),
    },
    stopWhen: parts.stopWhen,
    ...shared,
    ledger: parts.ledger,
    random: parts.random,
    scheduler: parts.scheduler,
  });

/** A breaker that opens soon, a rate that is felt, and a small budget. */
const sharedLayers = ({ scheduler, random }: Parts): Required<Shared> => ({
  breaker: circuitBreaker({
    consecutiveFailures: 2,
    minCalls: 4,
    maxProbes: 2,
    slowCallMillis: 50,
    backoff: exponentialBackoff({ initialMillis: 30, maxMillis: 200 }),
    random,
    scheduler,
  }),
  rateLimit: rateLimit({ itemsPerSecond: 100, requestsPerSecond: 50, burstMillis: 100, scheduler }),
  retryBudget: retryBudget({ minRetriesPerSecond: 5, maxSavedRetries: 2, scheduler }),
});

const items = (parts: Parts) => parts.input.spans$ as Observable<Item>;

/** The options that each branch of a fan-out has here. */
const branch = ({ limits, scheduler, random, stopWhen, onLoss }: Parts) => ({
  maxQueueSize: limits.maxQueueSize,
  overflow: limits.overflow === 'dropNewest' ? ('dropNewest' as const) : ('dropOldest' as const),
  maxUnsettledBatches: limits.maxUnsettledBatches,
  concurrency: limits.concurrency,
  attemptTimeoutMillis: limits.attemptTimeoutMillis,
  retry: {
    maxAttempts: limits.maxAttempts,
    maxElapsedMillis: limits.maxElapsedMillis,
    backoff: exponentialBackoff({ initialMillis: 10, maxMillis: 200 }),
  },
  ...{ stopWhen, random, scheduler, onLoss },
});

/** How a branch makes batches of its own here. */
const batching = ({ limits }: Parts) => ({
  maxExportBatchSize: limits.maxExportBatchSize,
  scheduledDelayMillis: limits.scheduledDelayMillis,
});

/** Two inputs, the rest behind those whose number ends in 0, 3, 6 or 9, while the batcher has room. */
const byPriority = (parts: Parts, gate: Gate) => {
  const spans = items(parts).pipe(share());
  const isFirst = ({ id }: Item) => (id % 10) % 3 === 0;
  const rest = { source: spans.pipe(filter((item) => !isFirst(item))), overflow: 'dropOldest' as const };
  const { ledger, onLoss, limits } = parts;
  const options = { gate, ledger, onLoss, maxQueueSize: Math.ceil(limits.maxQueueSize / 4), floorRatio: 0.2 };
  return mergeByPriority<Item>([spans.pipe(filter(isFirst)), rest], options);
};

const fanned = (parts: Parts, branches: Branches<Item>) =>
  items(parts).pipe(
    batches(parts),
    fanOut(branches, {
      ...branch(parts),
      ledger: parts.ledger,
      flushWhen: merge(parts.input.flush$, parts.flushWhen),
    }),
  );

/** A wiring, and which promises it can keep. */
export interface Wired {
  readonly wiring: Wiring;
  /** Nothing of ours is unbounded even while a foreign operator holds batches. */
  readonly bounded: boolean;
  /** A flush request that is answered means that each item before it has an outcome. */
  readonly flushExact: boolean;
}

const exact = (wiring: Wiring): Wired => ({ wiring, bounded: true, flushExact: true });

/** The wirings in which every accepted item must end with an outcome of ours. */
export const OURS: Readonly<Record<string, Wired>> = {
  direct: exact((parts) => items(parts).pipe(batches(parts), exported(parts))),
  'a filter before the batches': {
    ...exact((parts) =>
      items(parts).pipe(
        filter((item) => item.id % 3 !== 0),
        batches(parts),
        exported(parts),
      ),
    ),
    // What the filter took out has no outcome.
    flushExact: false,
  },
  'an expanding operator before the batches': exact((parts) =>
    items(parts).pipe(
      mergeMap((item) => of(item, item)),
      batches(parts),
      exported(parts),
    ),
  ),
  'a filter within the batches': {
    ...exact((parts) =>
      items(parts).pipe(
        batches(parts),
        map((batch) =>
          withItems(
            batch,
            batch.items.filter((item) => item.id % 2 === 0),
          ),
        ),
        exported(parts),
      ),
    ),
    // What the filter took out has no outcome of its own: it is counted as removed.
    flushExact: false,
  },
  'a delay between batch and export': {
    wiring: (parts) => items(parts).pipe(batches(parts), delay(35, parts.scheduler), exported(parts)),
    bounded: false,
    flushExact: false,
  },
  'a breaker, a rate and a retry budget': exact((parts) =>
    items(parts).pipe(batches(parts), exported(parts, sharedLayers(parts))),
  ),
  'a fan-out to one backend': exact((parts) => fanned(parts, { main: parts.backend })),
  'a fan-out to one backend, in batches of its own': exact((parts) =>
    fanned(parts, { main: { sink: parts.backend, batching: batching(parts) } }),
  ),
  'mergeByPriority in front of the batches': {
    ...exact((parts) => {
      const gate = createGate();
      return byPriority(parts, gate).pipe(batches(parts, gate), exported(parts));
    }),
    // A flush does not pass by what waits for its turn.
    flushExact: false,
  },
  'plain arrays': { ...exact((parts) => items(parts).pipe(bufferCount(4), exported(parts))), flushExact: false },
};

const DEAD: Sink<Item> = {
  name: 'dead',
  export: () => throwError(() => new ExportError({ kind: 'permanent' }, 'gone for good')),
};

/** A backend that takes its time, which is longer than some timeouts. */
const slow = (scheduler: VirtualTimeScheduler): Sink<Item> => ({
  name: 'slow',
  export: () => of({}).pipe(delay(100, scheduler)),
});

/** The wirings in which several follow, or a foreign operator is at the end. */
export const FOREIGN: Readonly<Record<string, Wired>> = {
  'two subscribers by share': {
    ...exact((parts) => {
      const shared = items(parts).pipe(batches(parts), share());
      return merge(shared.pipe(exported(parts)), shared.pipe(exported(parts)));
    }),
    flushExact: false,
  },
  'two subscribers that share a breaker, a rate and a retry budget': {
    ...exact((parts) => {
      const shared = items(parts).pipe(batches(parts), share());
      const layers = sharedLayers(parts);
      return merge(shared.pipe(exported(parts, layers)), shared.pipe(exported(parts, layers)));
    }),
    flushExact: false,
  },
  'two routes, one of them dead': {
    ...exact((parts) => {
      const [alive, dead] = ['alive', 'dead'].map((name) => ({ ...parts, ledger: parts.ledger.route(name) }));
      const spans = items(parts).pipe(share());
      return merge(
        spans.pipe(batches(alive as Parts), exported(alive as Parts)),
        spans.pipe(
          batches(dead as Parts),
          exportTo(DEAD, { ledger: (dead as Parts).ledger, scheduler: parts.scheduler }),
        ),
      );
    }),
    flushExact: false,
  },
  'two chains on one ledger, one of them dead': {
    ...exact((parts) => {
      const spans = items(parts).pipe(share());
      return merge(
        spans.pipe(batches(parts), exported(parts)),
        spans.pipe(batches(parts), exportTo(DEAD, { ledger: parts.ledger, scheduler: parts.scheduler })),
      );
    }),
    flushExact: false,
  },
  'a fan-out: one branch dead, one slow, one in batches of its own and best-effort': {
    ...exact((parts) =>
      fanned(parts, {
        main: parts.backend,
        dead: { sink: DEAD, required: true },
        slow: { sink: slow(parts.scheduler), concurrency: 1, overflow: 'dropOldest' },
        few: {
          sink: parts.backend,
          filter: (item) => item.id % 3 === 0,
          batching: batching(parts),
          required: false,
        },
      }),
    ),
    flushExact: false,
  },
  'boundedMergeMap before the batches, backpressure behind them': {
    ...exact((parts) => {
      const { ledger, scheduler } = parts;
      return items(parts).pipe(
        boundedMergeMap((item) => of(item).pipe(delay(7, scheduler)), { concurrency: 3, maxQueueSize: 5, ledger }),
        map(({ item }) => item),
        batches(parts),
        backpressure({
          demand: interval(20, scheduler).pipe(map(() => 1)),
          maxQueueSize: 2,
          overflow: 'dropOldest',
          ledger,
        }),
        exported(parts),
      );
    }),
    bounded: false,
    flushExact: false,
  },
  'backpressure before the batches, boundedMergeMap behind them': {
    ...exact((parts) => {
      const { ledger, scheduler } = parts;
      return items(parts).pipe(
        backpressure({ demand: interval(5, scheduler).pipe(map(() => 2)), maxQueueSize: 6, ledger }),
        batches(parts),
        boundedMergeMap((batch) => of(batch).pipe(delay(20, scheduler)), { concurrency: 1, maxQueueSize: 1, ledger }),
      );
    }),
    flushExact: false,
  },
  'a foreign mergeMap instead of exportTo': {
    ...exact((parts) =>
      items(parts).pipe(
        batches(parts),
        mergeMap((batch) => of(batch).pipe(delay(20, parts.scheduler)), 2),
      ),
    ),
    flushExact: false,
  },
};
