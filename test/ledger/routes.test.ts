import { bufferCount, concatMap, filter, groupBy, map, merge, mergeMap, of, partition, Subject, share } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  backpressure,
  boundedMergeMap,
  channel,
  createLedger,
  ExportError,
  exportTo,
  type FlushRequest,
  type Ledger,
  type Sink,
  type Stats,
} from '../../src/index.ts';

const DEAD: Sink<number> = {
  name: 'dead',
  export: () => {
    throw new ExportError({ kind: 'permanent' }, 'gone');
  },
};

const alive = (): Sink<number> => ({ name: 'alive', export: () => of({}) });

/** Both sides of the equation for the whole or one route. */
function expectBalance(stats: Stats): void {
  const flows = [
    ...Object.values(stats.routes),
    stats,
    ...Object.values(stats.stages).map((stage) => ({ ...stage, between: 0 })),
  ];
  for (const { accepted, delivered, rejected, handedOn, removed, lost, pending, between } of flows) {
    const all = Object.values(lost).reduce((sum, count) => sum + count, 0);
    expect(delivered + rejected + handedOn + removed + all + pending + between).toBe(accepted);
  }
}

async function send(input: ReturnType<typeof channel<number>>, count = 100): Promise<void> {
  for (let item = 0; item < count; item += 1) await input.send(item);
  await input.forceFlush();
}

const exported = (ledger: Ledger, sink: Sink<number>) => (source: ReturnType<typeof channel<number>>) =>
  source.items$.pipe(adaptiveBatch({ ledger, flushWhen: source.flush$ }), exportTo(sink, { ledger })).subscribe();

describe('two chains from one channel', () => {
  test('are two routes named after their sinks, and the whole is the one that has delivered less', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    exported(ledger, alive())(input);
    exported(ledger, DEAD)(input);
    await send(input);
    const stats = ledger.stats();
    expectBalance(stats);
    expect(stats.routes['exportTo(alive)']).toMatchObject({ offered: 100, delivered: 100, lost: {}, between: 0 });
    expect(stats.routes['exportTo(dead)']).toMatchObject({ offered: 100, delivered: 0, lost: { permanent: 100 } });
    expect(stats).toMatchObject({ offered: 100, delivered: 0, lost: { permanent: 100 }, pending: 0, between: 0 });
  });

  test('have the names that they were given', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    exported(ledger.route('eu'), alive())(input);
    exported(ledger.route('us'), DEAD)(input);
    await send(input);
    const { routes, stages } = ledger.stats();
    expect(Object.keys(routes)).toEqual(['eu', 'us']);
    expect(routes).toMatchObject({ eu: { delivered: 100, between: 0 }, us: { lost: { permanent: 100 }, between: 0 } });
    expect(Object.keys(stages)).toEqual([
      'channel',
      'adaptiveBatch',
      'exportTo(alive)',
      'adaptiveBatch#2',
      'exportTo(dead)',
    ]);
  });

  test('of which one filters count what it filters as between on its route', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    exported(ledger.route('all'), alive())(input);
    const few = ledger.route('few');
    input.items$
      .pipe(
        filter((item) => item % 10 === 0),
        adaptiveBatch({ ledger: few, flushWhen: input.flush$ }),
        exportTo(alive(), { ledger: few }),
      )
      .subscribe();
    await send(input);
    const { routes } = ledger.stats();
    expect(routes).toMatchObject({ all: { delivered: 100, between: 0 }, few: { delivered: 10, between: 90 } });
  });

  test('that share the items out are summed up', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    input.items$
      .pipe(
        groupBy((item) => item % 3),
        mergeMap((group) =>
          group.pipe(adaptiveBatch({ ledger, flushWhen: input.flush$ }), exportTo(alive(), { ledger })),
        ),
      )
      .subscribe();
    await send(input);
    expect(ledger.stats()).toMatchObject({ offered: 100, delivered: 100, lost: {}, between: 0, routes: {} });
  });
});

describe('two sinks behind one batcher', () => {
  test('are two routes, and the whole is what the batcher knows: the holder that delivered least speaks', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    const batches = input.items$.pipe(adaptiveBatch({ ledger, flushWhen: input.flush$ }), share());
    batches.pipe(exportTo(alive(), { ledger })).subscribe();
    batches.pipe(exportTo(DEAD, { ledger })).subscribe();
    await send(input);
    const stats = ledger.stats();
    expectBalance(stats);
    expect(stats).toMatchObject({ offered: 100, delivered: 0, lost: { permanent: 100 }, between: 0 });
    expect(stats.routes['exportTo(alive)']).toMatchObject({ delivered: 100, lost: {}, between: 0, pending: 0 });
    expect(stats.routes['exportTo(dead)']).toMatchObject({ delivered: 0, lost: { permanent: 100 }, between: 0 });
  });
});

describe('operators that can lose items', () => {
  test('backpressure books what it drops; nothing of it is left between', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    const demand = new Subject<number>();
    input.items$
      .pipe(
        backpressure({ demand, maxQueueSize: 10, ledger }),
        adaptiveBatch({ ledger, flushWhen: input.flush$ }),
        exportTo(alive(), { ledger }),
      )
      .subscribe();
    await send(input);
    expect(ledger.stats()).toMatchObject({
      offered: 100,
      lost: { queueFull: 90 },
      pending: 10,
      between: 0,
      queueSize: 10,
    });
    demand.next(10);
    await input.forceFlush();
    expect(ledger.stats()).toMatchObject({ delivered: 10, lost: { queueFull: 90 }, pending: 0, between: 0 });
    expect(ledger.stats().stages.backpressure).toMatchObject({ offered: 100, accepted: 10, handedOn: 10 });
  });

  test('backpressure between batches and their sink counts items, not batches', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    const demand = new Subject<number>();
    const losses: number[] = [];
    input.items$
      .pipe(
        adaptiveBatch({ ledger, flushWhen: input.flush$, maxExportBatchSize: 10, minExportBatchSize: 1 }),
        backpressure({ demand, maxQueueSize: 4, ledger, onLoss: ({ count }) => losses.push(count) }),
        exportTo(alive(), { ledger }),
      )
      .subscribe();
    await send(input);
    const waiting = ledger.stats();
    expectBalance(waiting);
    expect(waiting.pending).toBe(waiting.stages.backpressure?.pending);
    expect(waiting.lost.queueFull).toBe(losses.reduce((sum, count) => sum + count, 0));
    demand.next(Number.POSITIVE_INFINITY);
    await input.forceFlush();
    const { delivered, lost } = ledger.stats();
    expect(delivered + (lost.queueFull ?? 0)).toBe(100);
    expectBalance(ledger.stats());
  });

  test('a batch that is dropped while it is emitted makes no count negative', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    const seen: number[] = [];
    const onLoss = () => {
      const { handedOn, pending } = ledger.stats();
      seen.push(Math.min(handedOn, pending));
      expectBalance(ledger.stats());
    };
    input.items$
      .pipe(
        adaptiveBatch({ ledger, flushWhen: input.flush$, maxExportBatchSize: 10, minExportBatchSize: 1 }),
        backpressure({ demand: new Subject(), maxQueueSize: 1, ledger, onLoss }),
      )
      .subscribe();
    await send(input);
    expect(seen.length).toBeGreaterThan(0);
    expect(Math.min(...seen)).toBe(0);
  });

  test('boundedMergeMap books what it holds, drops and passes on', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    const open = new Subject<void>();
    input.items$.pipe(boundedMergeMap(() => open, { concurrency: 2, maxQueueSize: 3, ledger })).subscribe();
    await send(input, 10);
    expect(ledger.stats()).toMatchObject({ offered: 10, lost: { queueFull: 5 }, pending: 5, between: 0 });
    open.complete();
    await input.forceFlush();
    expect(ledger.stats()).toMatchObject({ handedOn: 5, lost: { queueFull: 5 }, pending: 0, between: 0 });
  });
});

describe('a key', () => {
  test('is the same in losses, outcomes and statistics', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    const keys: string[] = [];
    input.items$
      .pipe(
        bufferCount(5),
        exportTo(DEAD, { ledger, onLoss: ({ stage }) => keys.push(stage) }),
        concatMap(({ lost }) => of(...lost)),
      )
      .subscribe(({ stage }) => keys.push(stage));
    await send(input, 5);
    expect(keys).toEqual(['exportTo(dead)', 'exportTo(dead)']);
    expect(Object.keys(ledger.stats().stages)).toContain('exportTo(dead)');
  });
});

describe('stages that are opened in another order than items take', () => {
  test('are put in order: a sink behind the batcher whose batches come, a chain behind the input that came last', async () => {
    const ledger = createLedger();
    const out = exportTo(alive(), { ledger });
    const flushWhen = new Subject<FlushRequest>();
    const batches = adaptiveBatch<number>({ ledger, flushWhen });
    const input = channel<number>({ ledger });
    input.flush$.subscribe(flushWhen);
    input.items$.pipe(batches, out).subscribe();
    await send(input, 2);
    expect(ledger.stats()).toMatchObject({ offered: 2, accepted: 2, delivered: 2, between: 0, pending: 0, routes: {} });
  });

  test('a sink of batches from two batchers follows both', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    const [odd, even] = partition(input.items$, (item) => item % 2 === 1);
    const out = exportTo(alive(), { ledger });
    const batches = () => adaptiveBatch<number>({ ledger, flushWhen: input.flush$ });
    merge(odd.pipe(batches()), even.pipe(batches())).pipe(out).subscribe();
    await send(input);
    expect(ledger.stats()).toMatchObject({ offered: 100, delivered: 100, lost: {}, between: 0, routes: {} });
  });
});

describe('batches of a batcher that has another ledger, or none', () => {
  test('leave their sink what it is: the end of the chain in its own ledger', async () => {
    const ledger = createLedger();
    const input = channel<number>();
    input.items$.pipe(adaptiveBatch({ flushWhen: input.flush$ }), exportTo(alive(), { ledger })).subscribe();
    await send(input);
    expect(ledger.stats()).toMatchObject({ offered: 100, delivered: 100, pending: 0 });
  });

  test('count as delivered behind an input that has the ledger', async () => {
    const ledger = createLedger();
    const other = createLedger();
    const input = channel<number>({ ledger });
    const batches = adaptiveBatch<number>({ flushWhen: input.flush$, ledger: other });
    input.items$.pipe(batches, exportTo(alive(), { ledger })).subscribe();
    await send(input);
    expect(ledger.stats()).toMatchObject({ offered: 100, delivered: 100, handedOn: 0, between: 0 });
    expect(other.stats()).toMatchObject({ offered: 100, delivered: 100 });
  });

  test('are not kept, however many batchers there are', () => {
    const account = createLedger().open('sink', 'exportTo(alive)');
    const { place } = account;
    for (let count = 0; count < 1_000; count += 1) account.comesFrom(createLedger().open('batch', 'adaptiveBatch'));
    expect(account.place).toBe(place);
  });
});

describe('a route that is named before anything is opened', () => {
  test('begins behind the stages in front of the fan-out', async () => {
    const ledger = createLedger();
    const [eu, us] = [ledger.route('eu'), ledger.route('us')];
    const input = channel<number>({ ledger });
    const items = input.items$.pipe(
      boundedMergeMap((item) => of(item), { ledger }),
      map(({ item }) => item),
      share(),
    );
    const flushWhen = input.flush$;
    items.pipe(adaptiveBatch({ ledger: eu, flushWhen }), exportTo(alive(), { ledger: eu })).subscribe();
    items.pipe(adaptiveBatch({ ledger: us, flushWhen }), exportTo(DEAD, { ledger: us })).subscribe();
    await send(input);
    const stats = ledger.stats();
    expectBalance(stats);
    expect(Object.keys(stats.routes)).toEqual(['eu', 'us']);
    expect(stats).toMatchObject({ offered: 100, delivered: 0, lost: { permanent: 100 }, handedOn: 0, between: 0 });
  });
});
