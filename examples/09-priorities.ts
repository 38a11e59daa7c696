/**
 * Priorities, twice. First what is lost: a burst is far too much for the queue, and the errors among it are kept. Then what goes first: a file is replayed into a slow backend, and what happens live
 * overtakes it, while the file keeps a tenth of the backend.
 *
 *     node examples/09-priorities.ts
 */
import { interval, lastValueFrom, map, range, take, tap, timer, toArray } from 'rxjs';
import {
  adaptiveBatch,
  createGate,
  createLedger,
  exportTo,
  fromAsyncIterable,
  mergeByPriority,
  type Sink,
} from 'spanflow';

interface Item {
  readonly kind: 'live' | 'replayed' | 'error' | 'other';
  readonly atMillis: number;
}

/** Takes one batch at a time, for 20 ms each, and remembers what it got. */
function slowBackend() {
  const delivered: (Item & { readonly waitedMillis: number })[] = [];
  const sink: Sink<Item> = {
    name: 'slow',
    maxConcurrency: 1,
    export: ({ items }) =>
      timer(20).pipe(
        tap(() => {
          for (const item of items) delivered.push({ ...item, waitedMillis: performance.now() - item.atMillis });
        }),
        map(() => ({})),
      ),
  };
  return { sink, delivered };
}

const itemOf = (kind: Item['kind']): Item => ({ kind, atMillis: performance.now() });

async function keepErrors() {
  const { sink, delivered } = slowBackend();
  const ledger = createLedger();
  const burst$ = range(1, 1_000).pipe(map((number) => itemOf(number % 20 === 0 ? 'error' : 'other')));
  const batching = adaptiveBatch<Item>({
    maxQueueSize: 100,
    overflow: 'dropLowestPriority',
    priorityOf: ({ kind }) => (kind === 'error' ? 8 : 4),
    ledger,
  });
  await lastValueFrom(burst$.pipe(batching, exportTo(sink, { ledger }), toArray()));
  const errors = delivered.filter(({ kind }) => kind === 'error').length;
  console.log(
    `of a burst of 1000, ${delivered.length} fit; ${errors} of its 50 errors are among them`,
    ledger.stats().lost,
  );
}

async function* replay(count: number) {
  for (let number = 0; number < count; number += 1) yield itemOf('replayed');
}

async function overtake() {
  const { sink, delivered } = slowBackend();
  const gate = createGate(); // closed while two full batches wait
  const fileGate = createGate(); // makes the file wait
  const live$ = interval(5).pipe(
    take(100),
    map(() => itemOf('live')),
  );
  const file$ = fromAsyncIterable(replay(1_000), { gate: fileGate });
  const merged$ = mergeByPriority([live$, { source: file$, gate: fileGate, maxQueueSize: 500 }], {
    gate,
    floorRatio: 0.1,
  });
  const batching = adaptiveBatch<Item>({
    maxExportBatchSize: 10,
    minExportBatchSize: 1,
    scheduledDelayMillis: 5,
    gate,
  });
  await lastValueFrom(merged$.pipe(batching, exportTo(sink), toArray()));
  const waits = (kind: Item['kind']) => {
    const sorted = delivered.filter((item) => item.kind === kind).map(({ waitedMillis }) => waitedMillis);
    return Math.round(sorted.toSorted((one, other) => one - other)[sorted.length >> 1] ?? Number.NaN);
  };
  console.log(
    `delivered ${delivered.length}; half of the live items waited at most ${waits('live')} ms, of the replayed ones ${waits('replayed')} ms`,
  );
}

await keepErrors();
await overtake();
