import { lastValueFrom, map, NEVER, Observable, of, ReplaySubject, range, Subject, take, timer, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  type Branch,
  channel,
  createGate,
  createLedger,
  ExportError,
  exponentialBackoff,
  type FlushRequest,
  fanOut,
  fixedSize,
  type Ledger,
  type Loss,
  memoryBudget,
  type Outcome,
  type Response,
  type Sink,
  type Stats,
  toMemory,
} from '../../src/index.ts';
import { virtualTime } from '../../src/testing/index.ts';

const alive = (): Sink<number> => ({ name: 'alive', export: () => of({}) });
const SILENT: Sink<number> = { name: 'silent', export: () => NEVER };

const ONES = { maxExportBatchSize: 1, minExportBatchSize: 1 } as const;

/** Both sides of the equation, for the whole, each route and each stage. */
function expectBalance({ routes, stages, ...whole }: Stats): void {
  const flows = [whole, ...Object.values(routes), ...Object.values(stages).map((stage) => ({ ...stage, between: 0 }))];
  for (const { accepted, delivered, rejected, handedOn, removed, lost, pending, between } of flows) {
    const all = Object.values(lost).reduce((sum, count) => sum + count, 0);
    expect(delivered + rejected + handedOn + removed + all + pending + between).toBe(accepted);
    expect(pending).toBeGreaterThanOrEqual(0);
  }
}

/** A channel behind a fan-out. */
function fanned(branches: Record<string, Branch<number> | Sink<number>>, batch: object = {}) {
  const ledger = createLedger();
  const input = channel<number>({ ledger });
  const outcomes: Outcome<number>[] = [];
  const flushWhen = input.flush$;
  const subscription = input.items$
    .pipe(adaptiveBatch<number>({ ...ONES, flushWhen, ledger, ...batch }), fanOut(branches, { flushWhen, ledger }))
    .subscribe((outcome) => outcomes.push(outcome));
  const send = async (count: number) => {
    for (let item = 0; item < count; item += 1) await input.send(item);
    // The channel is drained a turn later.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { ledger, input, outcomes, send, subscription };
}

describe('fanOut: the books', () => {
  test('a route for each branch; the whole is the least delivered of the required ones', async () => {
    const refusing: Sink<number> = {
      name: 'refusing',
      export: () => {
        throw new ExportError({ kind: 'permanent' }, 'no');
      },
    };
    const { ledger, input, send } = fanned({
      main: alive(),
      few: { sink: alive(), filter: (item) => item % 10 === 0 },
      audit: { sink: refusing, required: false },
    });
    await send(100);
    await input.forceFlush();
    const stats = ledger.stats();
    expectBalance(stats);
    expect(stats).toMatchObject({ offered: 100, delivered: 100, lost: {}, pending: 0, between: 0, removed: 0 });
    expect(stats.routes).toMatchObject({
      main: { offered: 100, delivered: 100, between: 0 },
      few: { offered: 100, delivered: 10, between: 90 },
      audit: { offered: 100, delivered: 0, lost: { permanent: 100 }, between: 0 },
    });
  });

  test('without a batcher in front the whole goes by the required routes, too', () => {
    const ledger = createLedger();
    of([1, 2], [3])
      .pipe(fanOut({ main: alive(), audit: { sink: SILENT, required: false } }, { ledger }))
      .subscribe();
    expect(ledger.stats()).toMatchObject({ delivered: 3, pending: 0, routes: { audit: { pending: 3 } } });
  });

  test('items of several batches that travel together are divided among these', async () => {
    const half: Sink<number> = { name: 'half', export: ({ items }) => of({ rejected: items.length / 2 }) };
    const { ledger, input, send } = fanned({ main: { sink: half, batching: {} } });
    await send(100);
    await input.forceFlush();
    expectBalance(ledger.stats());
    expect(ledger.stats()).toMatchObject({ delivered: 50, rejected: 50, pending: 0 });
  });

  test('a fan-out that is made before the batcher in front follows it all the same', async () => {
    const ledger = createLedger();
    const out = fanOut({ main: alive(), audit: alive() }, { ledger });
    const input = channel<number>({ ledger });
    input.items$.pipe(adaptiveBatch({ ledger, flushWhen: input.flush$ }), out).subscribe();
    await input.send(1);
    await input.forceFlush();
    expectBalance(ledger.stats());
    expect(ledger.stats()).toMatchObject({ offered: 1, delivered: 1, between: 0, routes: { main: { between: 0 } } });
    expect(Object.keys(ledger.stats().routes)).toEqual(['main', 'audit']);
  });
});

describe('fanOut: what a branch keeps', () => {
  test('is bounded in bytes, too', async () => {
    const audit = { sink: SILENT, maxQueueBytes: 80, maxUnsettledBatches: 1 };
    const { ledger, send } = fanned({ audit });
    await send(100);
    // Ten numbers of 8 bytes wait, and one is out.
    expect(ledger.stats().routes.audit).toMatchObject({ pending: 11, lost: { queueFull: 89 } });
    expect(ledger.stats().stages['fanOut(audit)']).toMatchObject({ pending: 11, refused: { queueFull: 89 } });
  });

  test('comes out of its memory, and not out of that of the batcher', async () => {
    const [mine, theirs] = [memoryBudget({ maxBytes: 65_536 }), memoryBudget({ maxBytes: 65_536 })];
    const audit = { sink: SILENT, memory: mine };
    const { ledger, send, subscription } = fanned({ main: alive(), audit }, { memory: theirs });
    await send(200);
    expect(theirs.usedBytes).toBe(0);
    expect(mine.usedBytes).toBeGreaterThan(45_000);
    expect(mine.usedBytes).toBeLessThanOrEqual(65_536);
    const { audit: route, main } = ledger.stats().routes;
    expect((route?.lost.queueFull ?? 0) + (route?.pending ?? 0)).toBe(200);
    expect(main).toMatchObject({ delivered: 200 });
    subscription.unsubscribe();
    expect(mine.usedBytes).toBe(0);
  });

  test('a batch that all of a dropOldest queue could not make room for drops nothing of it', () => {
    const memory = memoryBudget({ maxBytes: 65_536 });
    const ledger = createLedger();
    const batches = new Subject<number[]>();
    const audit = { sink: SILENT, memory, maxUnsettledBatches: 1, overflow: 'dropOldest' } as const;
    batches.pipe(fanOut({ audit }, { ledger })).subscribe();
    batches.next([1]);
    batches.next([2]);
    batches.next(Array.from({ length: 100 }, () => 3));
    expect(ledger.stats().stages['fanOut(audit)']).toMatchObject({ pending: 2, refused: { queueFull: 100 }, lost: {} });
  });

  test('has room for a batch that is alone, however large', () => {
    const ledger = createLedger();
    of([1, 2, 3, 4, 5])
      .pipe(fanOut({ main: { sink: alive(), maxQueueSize: 4 } }, { ledger }))
      .subscribe();
    expect(ledger.stats()).toMatchObject({ delivered: 5 });
  });

  test('takes no memory for what dropOldest has dropped', () => {
    const memory = memoryBudget({ maxBytes: 65_536 });
    const batches = new Subject<number[]>();
    const audit = { sink: SILENT, memory, maxUnsettledBatches: 1, maxQueueSize: 2, overflow: 'dropOldest' } as const;
    batches.pipe(fanOut({ audit })).subscribe();
    for (let item = 0; item < 10; item += 1) batches.next([item]);
    // One is out, and two wait.
    expect(memory.usedBytes).toBe(3 * (1_024 + 2 * 8));
  });

  test('has a lease of its own that is longer than its retries, where it makes its own batches', () =>
    virtualTime(async ({ advanceBy }) => {
      const slow: Sink<number> = { name: 'slow', export: () => timer(700_000).pipe(map(() => ({}))) };
      const patient = { attemptTimeoutMillis: 800_000, retry: { maxElapsedMillis: 900_000 } };
      const { ledger, send } = fanned({ slow: { sink: slow, batching: {}, ...patient } });
      await send(1);
      await advanceBy(710_000);
      expect(ledger.stats()).toMatchObject({ delivered: 1, lost: {} });
    }));

  test('has no lease where the deadline of its retries is raised while it runs', () =>
    virtualTime(async ({ advanceBy }) => {
      const slow: Sink<number> = { name: 'slow', export: () => timer(100_000).pipe(map(() => ({}))) };
      const settings$ = new Subject<{ retry: { maxElapsedMillis: number } }>();
      const brief = { attemptTimeoutMillis: Number.POSITIVE_INFINITY, retry: { maxElapsedMillis: 10_000 } };
      const { ledger, send } = fanned({ slow: { sink: slow, batching: {}, ...brief, settings$ } });
      settings$.next({ retry: { maxElapsedMillis: 600_000 } });
      await send(1);
      await advanceBy(102_000);
      expect(ledger.stats()).toMatchObject({ delivered: 1, lost: {} });
    }));

  test('by priority: drops the least important item, by batches of its own', () => {
    const answers = new ReplaySubject<Response>(1);
    const sent: number[] = [];
    const sink: Sink<number> = {
      name: 'busy',
      export: ({ items }) => {
        sent.push(...items);
        return answers;
      },
    };
    const batches = new Subject<number[]>();
    const ledger = createLedger();
    const own = { concurrency: 1, maxQueueSize: 2, overflow: 'dropLowestPriority' } as const;
    batches
      .pipe(fanOut({ main: { sink, batching: ONES, ...own } }, { ledger, priorityOf: (item) => item }))
      .subscribe();
    batches.next([0]);
    batches.next([9, 1, 8, 2]);
    answers.next({});
    expect(sent).toEqual([0, 9, 8]);
    expect(ledger.stats().routes.main).toMatchObject({ delivered: 3, lost: { queueFull: 2 } });
  });

  test('items that come after the end of a branch that makes its own batches are booked', () => {
    const ledger = createLedger();
    const losses: string[] = [];
    const onLoss = ({ count, reason, stage }: Loss) => void losses.push(`${count} ${reason} ${stage}`);
    of([1, 2, 3])
      .pipe(fanOut({ main: { sink: alive(), batching: ONES } }, { ledger, onLoss }), take(1))
      .subscribe();
    expectBalance(ledger.stats());
    expect(ledger.stats().routes.main).toMatchObject({ delivered: 1, lost: { unsubscribed: 2 }, between: 0 });
    expect(losses).toEqual(['2 unsubscribed branch(main)']);
  });

  test('closes its gate while it fills up', async () => {
    const gate = createGate();
    const answers = new Subject<Response>();
    const slow: Sink<number> = { name: 'slow', export: () => answers };
    const { send } = fanned({ main: alive(), slow: { sink: slow, gate, maxQueueSize: 4, maxUnsettledBatches: 1 } });
    await send(2);
    expect(gate.open).toBe(true);
    await send(2);
    expect(gate.open).toBe(false);
    answers.next({});
    expect(gate.open).toBe(false);
    answers.next({});
    expect(gate.open).toBe(true);
  });

  test('holds back no batcher, whatever its bounds are', async () => {
    const { ledger, send } = fanned({ main: alive(), dead: SILENT }, { maxUnsettledBatches: 1 });
    await send(1_000);
    expect(ledger.stats()).toMatchObject({ pending: 1_000, routes: { main: { delivered: 1_000 } } });
    expect(ledger.stats().stages.adaptiveBatch).toMatchObject({ pending: 1_000 });
  });

  test('has no lease at the batcher: a batch may wait there for longer', () =>
    virtualTime(async ({ advanceBy }) => {
      const batches = { holdLeaseMillis: 1_000 };
      const slow: Sink<number> = { name: 'slow', export: () => timer(5_000).pipe(map(() => ({}))) };
      const { ledger, send } = fanned({ slow: { sink: slow, attemptTimeoutMillis: 10_000 } }, batches);
      await send(1);
      await advanceBy(6_000);
      expect(ledger.stats()).toMatchObject({ delivered: 1, lost: {} });
    }));
});

describe('fanOut: a flush', () => {
  test('waits for the required branches, with batches of their own or not', () =>
    virtualTime(async ({ advanceBy }) => {
      const slow = (millis: number): Sink<number> => ({
        name: 'slow',
        export: () => timer(millis).pipe(map(() => ({}))),
      });
      const few = { sink: slow(300), batching: { scheduledDelayMillis: 60_000 } };
      const { input, send } = fanned({ main: slow(100), few, audit: { sink: SILENT, required: false } });
      await send(3);
      let isFlushed = false;
      input.forceFlush().then(() => {
        isFlushed = true;
      });
      await advanceBy(299);
      expect(isFlushed).toBe(false);
      await advanceBy(2);
      expect(isFlushed).toBe(true);
    }));

  test('reaches a best-effort branch that makes its own batches, even when nothing else waits for the batch', () =>
    virtualTime(async ({ advanceBy }) => {
      const batching = { scheduledDelayMillis: 60_000, strategy: fixedSize() };
      const { ledger, input, send } = fanned({ main: alive(), audit: { sink: alive(), batching, required: false } });
      await send(3);
      await advanceBy(2_000);
      expect(ledger.stats()).toMatchObject({ delivered: 3, routes: { audit: { pending: 3 } } });
      await input.forceFlush();
      expect(ledger.stats().routes.audit).toMatchObject({ delivered: 3 });
    }));

  test('reaches it also without flushWhen, with the batches that the flush sends out', async () => {
    const ledger = createLedger();
    const input = channel<number>({ ledger });
    const batching = { scheduledDelayMillis: 60_000 };
    input.items$
      .pipe(
        adaptiveBatch({ ledger, flushWhen: input.flush$ }),
        fanOut({ main: { sink: alive(), batching }, audit: { sink: alive(), batching, required: false } }, { ledger }),
      )
      .subscribe();
    await input.send(1);
    await input.forceFlush();
    expect(ledger.stats().routes).toMatchObject({ main: { delivered: 1 }, audit: { delivered: 1 } });
  });

  /** A sink that fails once, and how often it was called. */
  function failing() {
    let attempts = 0;
    const sink: Sink<number> = {
      name: 'failing',
      export: () => {
        attempts += 1;
        if (attempts === 1) throw new Error('busy');
        return of({});
      },
    };
    return { sink, attempts: () => attempts };
  }

  /** The longest waits that the backoff has. */
  const random = () => 0.99;
  const backoff = exponentialBackoff({ initialMillis: 10_000 });
  const patient = { random, retry: { backoff } };

  test('makes what is in backoff try at once in a best-effort branch, for which nothing waits', () =>
    virtualTime(async ({ advanceBy }) => {
      const audit = failing();
      const { input, send } = fanned({ main: alive(), audit: { sink: audit.sink, ...patient, required: false } });
      await send(1);
      await advanceBy(1);
      await input.forceFlush();
      expect(audit.attempts()).toBe(2);
    }));

  test.each([{}, { batching: {} }])('makes waits short without flushWhen, too: %o', (own) =>
    virtualTime(async ({ advanceBy, now }) => {
      const [one, other] = [failing(), failing()];
      const input = channel<number>();
      input.items$
        .pipe(
          adaptiveBatch({ ...ONES, flushWhen: input.flush$, scheduledDelayMillis: 60_000, strategy: fixedSize() }),
          fanOut({ one: { sink: one.sink, ...patient, ...own }, other: { sink: other.sink, ...patient, ...own } }),
        )
        .subscribe();
      await input.send(1);
      await advanceBy(5_000);
      const sinceMillis = now();
      await input.forceFlush();
      expect([one.attempts(), other.attempts()]).toEqual([2, 2]);
      expect(now() - sinceMillis).toBeLessThan(1_000);
    }),
  );

  test('makes the waits short of what it sends out of the batcher', () =>
    virtualTime(async ({ now }) => {
      const main = failing();
      const input = channel<number>();
      const large = { maxExportBatchSize: 100, scheduledDelayMillis: 60_000, strategy: fixedSize() };
      input.items$
        .pipe(adaptiveBatch({ ...large, flushWhen: input.flush$ }), fanOut({ main: { sink: main.sink, ...patient } }))
        .subscribe();
      await input.send(1);
      await input.forceFlush();
      expect(main.attempts()).toBe(2);
      expect(now()).toBeLessThan(1_000);
    }));

  test('that wants no answer sends out what a branch has gathered', () => {
    const flushWhen = new Subject<void>();
    const ledger = createLedger();
    const items = new Subject<number>();
    const few = { sink: alive(), batching: { scheduledDelayMillis: 60_000 } };
    items.pipe(adaptiveBatch({ flushWhen, ledger }), fanOut({ few }, { ledger })).subscribe();
    items.next(1);
    flushWhen.next();
    expect(ledger.stats()).toMatchObject({ delivered: 1 });
  });

  test('makes what is in backoff try at once, in every branch', () =>
    virtualTime(async ({ advanceBy }) => {
      const [main, audit] = [failing(), failing()];
      const branches = { main: { sink: main.sink, random }, audit: { sink: audit.sink, random, required: false } };
      const { input, send } = fanned(branches, { scheduledDelayMillis: 0 });
      await send(1);
      await advanceBy(1);
      expect([main.attempts(), audit.attempts()]).toEqual([1, 1]);
      await input.forceFlush();
      expect([main.attempts(), audit.attempts()]).toEqual([2, 2]);
    }));

  test('at the end of the program waits for best-effort branches, too', () => {
    const flushWhen = new Subject<FlushRequest>();
    const answers = new Subject<Response>();
    const audit: Branch<number> = { sink: { name: 'audit', export: () => answers }, required: false };
    const settled: string[] = [];
    const request = (isEnding: boolean): FlushRequest => ({
      urgency: { timeoutMillis: 1_000, isEnding },
      hold: () => ({ settle: () => void settled.push(isEnding ? 'ending' : 'ordinary') }),
    });
    new Observable<number[]>((subscriber) => subscriber.next([1]))
      .pipe(fanOut({ main: alive(), audit }, { flushWhen }))
      .subscribe();
    flushWhen.next(request(false));
    flushWhen.next(request(true));
    flushWhen.next('anything' as never);
    expect(settled).toEqual([]);
    answers.next({});
    expect(settled).toEqual(['ending']);
  });

  test('that waits for a best-effort branch is answered when the fan-out is unsubscribed', () => {
    const flushWhen = new Subject<FlushRequest>();
    const answers: string[] = [];
    const settle = () => void answers.push('settled');
    const subscription = new Observable<number[]>((subscriber) => subscriber.next([1]))
      .pipe(fanOut({ main: alive(), audit: { sink: SILENT, required: false } }, { flushWhen }))
      .subscribe();
    flushWhen.next({ urgency: { timeoutMillis: 1_000, isEnding: true }, hold: () => ({ settle }) });
    subscription.unsubscribe();
    expect(answers).toEqual(['settled']);
  });
});

test('fanOut: at the end of the source, a branch with batches of its own does not wait out their delay', () =>
  virtualTime(async ({ now }) => {
    const own = { sink: toMemory<number>(), batching: { scheduledDelayMillis: 3_000 } };
    const branches = { main: toMemory<number>(), own };
    const outcomes = range(0, 5).pipe(adaptiveBatch({ scheduledDelayMillis: 10 }), fanOut(branches), toArray());
    expect(await lastValueFrom(outcomes)).toHaveLength(2);
    expect(now()).toBe(0);
  }));

describe('fanOut: a stop', () => {
  test.each(['giveUpWhen', 'stopWhen'] as const)(
    '%s gives up what is queued and what is out, in every branch',
    (name) => {
      const stop = new Subject<void>();
      const ledger = createLedger();
      const sink = { ...SILENT }; // a destination of its own
      const few = { sink, batching: { scheduledDelayMillis: 60_000 }, [name]: stop };
      const batches = new Subject<number[]>();
      const outcomes: string[] = [];
      const one = { maxUnsettledBatches: 1, concurrency: 1 };
      batches.pipe(fanOut({ main: { sink, ...one }, few }, { ledger, [name]: stop })).subscribe({
        next: ({ route, lost: [loss] }) => outcomes.push(`${route} ${loss?.reason}`),
        complete: () => outcomes.push('end'),
      });
      for (let item = 0; item < 3; item += 1) batches.next([item]);
      batches.complete();
      stop.next();
      expect(outcomes).toEqual(['main unconfirmed', 'main shutdown', 'main shutdown', 'few unconfirmed', 'end']);
      expect(ledger.stats()).toMatchObject({ pending: 0 });
      expectBalance(ledger.stats());
    },
  );
});

describe('fanOut: wrong options', () => {
  const sink = alive();

  test.each<[string, () => unknown, string]>([
    ['no branch', () => fanOut({}), 'fanOut branches must be an object of branches by name, at least one'],
    ['a list', () => fanOut([sink] as never), 'fanOut branches must be an object of branches by name'],
    ['no name', () => fanOut({ '': sink }), 'fanOut branches must be an object of branches by name'],
    [
      'none required',
      () => fanOut({ a: { sink, required: false } }),
      'fanOut needs at least one required branch; all of them have required: false',
    ],
    ['no sink', () => fanOut({ a: {} as never }), 'fanOut.a.sink must be a sink'],
    ['nothing', () => fanOut({ a: undefined as never }), 'fanOut.a options must be an object'],
    ['a wrong option of a branch', () => fanOut({ a: { sink, maxQueueSize: 0 } }), 'fanOut.a.maxQueueSize must be'],
    ['an unknown one', () => fanOut({ a: { sink, filtre: 1 } as never }), "did you mean 'filter'?"],
    ['one of exportTo', () => fanOut({ a: { sink, concurrency: 0 } }), 'fanOut.a.concurrency must be'],
    [
      'one of its batches',
      () => fanOut({ a: { sink, batching: { scheduledDelayMillis: -1 } } }),
      'scheduledDelayMillis',
    ],
    [
      'a default for all',
      () => fanOut({ a: sink }, { overflow: 'error' as never }),
      "fanOut.overflow must be one of 'dropNewest'",
    ],
    [
      'priorities that nobody tells',
      () => fanOut({ a: { sink, overflow: 'dropLowestPriority' } }),
      "fanOut.a.priorityOf must be a function, because overflow is 'dropLowestPriority'",
    ],
    ['the bound of a stage', () => fanOut({ a: { sink, maxPendingItems: 5 } as never }), 'one of the known options'],
  ])('%s', (_title, make, message) => {
    expect(make).toThrow(message);
  });

  test('a value that is no batch ends the stream by an error, after the outcomes', () => {
    const source = new Subject<number[]>();
    const ended: string[] = [];
    source.pipe(fanOut({ a: sink })).subscribe({
      next: ({ route }) => ended.push(route),
      error: (error: Error) => ended.push(error.message),
    });
    source.next([1]);
    source.next([]);
    expect(() => source.next(undefined as never)).not.toThrow();
    expect(ended).toEqual(['a', 'fanOut: what it is given must be a batch or an array, but was given undefined']);
  });

  test('a change of the settings that is none is reported by each branch, and the next one holds', () => {
    const settings$ = new Subject<object>();
    const told: unknown[] = [];
    const batches = new Subject<number[]>();
    const ledger = createLedger();
    const common = { ledger, settings$, concurrency: 1, onCallbackError: (thrown: unknown) => told.push(thrown) };
    batches.pipe(fanOut({ a: { ...SILENT }, b: { sink: { ...SILENT }, concurrency: 2 } }, common)).subscribe();
    settings$.next(null as never);
    expect(told).toHaveLength(2);
    settings$.next({ concurrency: 3 });
    for (let item = 0; item < 4; item += 1) batches.next([item]);
    expect(told).toHaveLength(2);
    const running = Object.values(ledger.stats().stages).map((stage) => stage.running);
    expect(running.filter((count) => count > 0)).toEqual([3, 2]);
  });

  test('defaults for all are those of each branch that has none', () => {
    const attempts: string[] = [];
    const failing = (name: string): Sink<number> => ({
      name,
      export: () => {
        attempts.push(name);
        throw new Error('no');
      },
    });
    const b = { sink: failing('b'), retry: { maxAttempts: 1 } };
    of([1])
      .pipe(fanOut({ a: failing('a'), b }, { retry: { maxAttempts: 1 } }))
      .subscribe();
    expect(attempts).toEqual(['a', 'b']);
  });
});

describe('holds that are taken over', () => {
  test('count no more at the batcher, until another holder comes that takes nothing over', () => {
    const ledger: Ledger = createLedger();
    const memory = memoryBudget({ maxBytes: 1_000_000 });
    const items = new Subject<number>();
    let count = 0;
    const held: { settle(): void }[] = [];
    items.pipe(adaptiveBatch({ ...ONES, maxUnsettledBatches: 1, memory, ledger })).subscribe((batch) => {
      count += 1;
      const hold = batch.hold();
      hold.ready();
      hold.takeOver?.();
      hold.takeOver?.();
      if (count === 3) {
        const other = batch.hold();
        other.ready();
        held.push({
          settle: () =>
            other.settle({ delivered: 1, rejected: 0, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 }),
        });
      }
    });
    for (let item = 0; item < 4; item += 1) items.next(item);
    expect(count).toBe(3);
    expect(memory.usedBytes).toBe(2 * (1_024 + 16));
    expect(ledger.stats()).toMatchObject({ pending: 4, queueSize: 1 });
    held[0]?.settle();
    expect(count).toBe(4);
    expect(memory.usedBytes).toBe(0);
    expect(ledger.stats()).toMatchObject({ pending: 4, queueSize: 0 });
  });
});
