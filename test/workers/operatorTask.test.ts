import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  buffer,
  bufferCount,
  concat,
  from,
  lastValueFrom,
  mergeMap,
  NEVER,
  type Observable,
  of,
  Subject,
  toArray,
} from 'rxjs';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { adaptiveBatch, channel, createLedger, exportTo, type Loss, runPipeline, toMemory } from '../../src/index.ts';
import { otlpReceiver } from '../../src/inputs/otlpReceiver/index.ts';
import { decodeTraces, encodeTraces, viewTraces } from '../../src/otlp/index.ts';
import { tailSample } from '../../src/processors/index.ts';
import {
  type InWorkersOptions,
  inWorkers,
  operatorTask,
  type WorkerPool,
  workerPool,
  workerTask,
} from '../../src/workers/index.ts';
import { checkBooks } from '../properties/books.ts';
import { spanWith } from '../support/spans.ts';
import type * as operators from './operators.ts';

const module = new URL('./operators.ts', import.meta.url);
const reference = { module, kind: 'operator' } as const;
const SAMPLE = workerTask<typeof operators.sample>({ ...reference, export: 'sample' });
const GROUP_SOON = workerTask<typeof operators.groupSoon>({ ...reference, export: 'groupSoon' });
const GROUP_LATE = workerTask<typeof operators.groupLate>({ ...reference, export: 'groupLate' });

const pools: WorkerPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.shutdown({ timeoutMillis: 0 })));
});

function pool(size = 2): WorkerPool {
  const made = workerPool({ size });
  pools.push(made);
  return made;
}

/** For what ends no thread: each one has to import its modules. */
const shared = workerPool({ size: 2 });
afterAll(() => shared.shutdown({ timeoutMillis: 0 }));

/** A span of the trace with this number. One that is called `failed` has failed. */
function span(trace: number, name: string): ReadableSpan {
  const traceId = trace.toString(16).padStart(32, '0');
  const context = { traceId, spanId: '0123456789abcdef', traceFlags: 1 };
  return spanWith({ name, status: { code: name === 'failed' ? 2 : 0 }, spanContext: () => context });
}

interface Shard {
  readonly shard: number;
  readonly spans: readonly ReadableSpan[];
}

const SHARDS = 16;
const traceOf = (one: ReadableSpan): number => Number.parseInt(one.spanContext().traceId.slice(-8), 16);

/** Chunks of which each has spans of one shard. */
function divided(spans: readonly ReadableSpan[]): Shard[] {
  const shards = Map.groupBy(spans, (one) => traceOf(one) % SHARDS);
  return [...shards].map(([shard, of]) => ({ shard, spans: of }));
}

type Options<R, O> = Partial<InWorkersOptions<Shard, Uint8Array, R, O>> & { readonly workers: WorkerPool };
const sharded = <R, O = R>(options: Options<R, O>): InWorkersOptions<Shard, Uint8Array, R, O> => ({
  shardBy: ({ shard }) => shard,
  send: ({ spans }) => encodeTraces(spans),
  ...options,
});

/** So many traces of five spans each, one span of each after the other. In every third one, the fourth span has failed. */
function traces(count: number): ReadableSpan[] {
  const nameOf = (trace: number, index: number) => (trace % 3 === 0 && index === 3 ? 'failed' : `fine ${index}`);
  return Array.from({ length: count * 5 }, (_, at) => span(at % count, nameOf(at % count, Math.floor(at / count))));
}

const identityOf = (one: ReadableSpan) => `${one.spanContext().traceId} ${one.name}`;
const inTurn = (spans: readonly ReadableSpan[]): Observable<Shard> =>
  from(spans).pipe(bufferCount(100), mergeMap(divided));

/** The first so many values of something that does not end. */
function first<T>(values$: Observable<T>, count: number): Promise<{ values: T[]; unsubscribe: () => void }> {
  return new Promise((resolve) => {
    const values: T[] = [];
    const subscription = values$.subscribe((value) => {
      values.push(value);
      if (values.length === count) resolve({ values, unsubscribe: () => subscription.unsubscribe() });
    });
  });
}

describe('an operator in several workers', () => {
  test('keeps the same traces as one on the main thread, because each trace meets one worker', async () => {
    const spans = traces(300);
    const ledger = createLedger();
    const options = sharded<Uint8Array>({ workers: shared, ledger });
    const results = await lastValueFrom(inTurn(spans).pipe(inWorkers(SAMPLE, options), toArray()));
    const kept = results.flatMap((bytes) => decodeTraces(bytes)).map(identityOf);
    const onMain = from(spans).pipe(tailSample({ policies: [{ kind: 'errors' }] }), toArray());
    expect(kept.sort()).toEqual((await lastValueFrom(onMain)).map(identityOf).sort());
    expect(kept).toHaveLength(500);
    const { inWorkers: books } = ledger.stats().stages;
    expect(books).toMatchObject({ accepted: 1_500, handedOn: 500, removed: 1_000, pending: 0, lost: {} });
    expect(books?.figures).toMatchObject({ 'tailSample.kept.errors': 500 });
  });

  test('answers when it likes: what comes later than its chunk is emitted all the same', async () => {
    const chunks$ = concat(of(...divided([span(1, 'a'), span(1, 'b'), span(2, 'c')])), NEVER);
    const emitted$ = chunks$.pipe(
      inWorkers(GROUP_SOON, sharded<readonly (readonly string[])[]>({ workers: shared })),
      mergeMap((groups) => groups),
    );
    const { values, unsubscribe } = await first(emitted$, 2);
    expect(values.toSorted()).toEqual([['a', 'b'], ['c']]);
    unsubscribe();
  });

  test('holds what is pending in the books, until it is lost by unsubscribing', async () => {
    const ledger = createLedger();
    const losses: Loss[] = [];
    const workers = pool();
    const chunks$ = concat(of(...divided(traces(10))), NEVER);
    const subscription = chunks$
      .pipe(inWorkers(SAMPLE, sharded<Uint8Array>({ workers, ledger, onLoss: (loss) => losses.push(loss) })))
      .subscribe();
    await new Promise<void>((resolve) => {
      subscription.add(workers.state$.subscribe(({ completed }) => completed === 10 && resolve()));
    });
    expect(ledger.stats().stages.inWorkers).toMatchObject({ accepted: 50, pending: 50, handedOn: 0 });
    subscription.unsubscribe();
    expect(ledger.stats().stages.inWorkers).toMatchObject({ pending: 0, lost: { unsubscribed: 50 } });
    expect(losses).toEqual([{ count: 50, reason: 'unsubscribed', stage: 'inWorkers' }]);
  });

  test('takes an array of items without receive, and sends one back without send', async () => {
    const task = workerTask<typeof operators.upper>({ ...reference, export: 'upper' });
    const results = of(['a', 'b'], ['c']).pipe(inWorkers(task, { workers: shared, shardBy: () => 'one' }), toArray());
    expect(await lastValueFrom(results)).toEqual([['A', 'B'], ['C']]);
  });
});

describe('a flush', () => {
  test('of a run lets out what the workers hold, and waits until it has arrived', async () => {
    const input = channel<ReadableSpan>();
    const sink = toMemory<string>();
    const outcomes$ = input.items$.pipe(
      mergeMap((one) => divided([one])),
      inWorkers(GROUP_LATE, sharded<readonly (readonly string[])[]>({ workers: shared })),
      mergeMap((groups) => groups.flat()),
      adaptiveBatch<string>({ scheduledDelayMillis: 3_600_000 }),
      exportTo<string>(sink),
    );
    const pipeline = runPipeline(input, outcomes$);
    for (let trace = 0; trace < 20; trace += 1) input.trySend(span(trace, `${trace}`));
    await pipeline.forceFlush();
    expect(sink.items).toHaveLength(20);
    expect(pipeline.stats()).toMatchObject({ pending: 0, delivered: 20 });
    input.trySend(span(30, 'later'));
    await pipeline.forceFlush();
    expect(sink.items.slice(20)).toEqual(['later']);
    await pipeline.shutdown();
    checkBooks(pipeline);
  });

  test('lets out what came in received requests, which are divided by traces', async () => {
    const receiver = otlpReceiver({ http: { port: 0 } });
    const sink = toMemory<ReadableSpan>();
    const outcomes$ = receiver.traces$.pipe(
      mergeMap(({ items }) => divided(items)),
      inWorkers(SAMPLE, sharded({ workers: shared, receive: (bytes: Uint8Array) => viewTraces(bytes) })),
      mergeMap((spans) => spans),
      adaptiveBatch<ReadableSpan>({ scheduledDelayMillis: 3_600_000 }),
      exportTo(sink),
    );
    const pipeline = runPipeline(receiver, outcomes$);
    const { http } = await receiver.listen();
    const headers = { 'content-type': 'application/x-protobuf' };
    const send = async (spans: readonly ReadableSpan[]) => {
      const body = encodeTraces(spans) as Uint8Array<ArrayBuffer>;
      expect((await fetch(`${http?.url}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200);
    };
    // The spans of each trace come in several requests.
    for (const one of [0, 1, 2, 3, 4]) await send(traces(9).slice(one * 9, one * 9 + 9));
    await pipeline.forceFlush();
    expect(sink.items).toHaveLength(15);
    expect(pipeline.stats()).toMatchObject({ accepted: 45, delivered: 15, removed: 30, pending: 0 });
    await pipeline.shutdown();
    checkBooks(pipeline);
  });

  test('waits for what an operator of yours gathers in front of it, and lets out that, too', async () => {
    const input = channel<ReadableSpan>();
    const sink = toMemory<string>();
    const gathered = new Subject<void>();
    const outcomes$ = input.items$.pipe(
      buffer(gathered),
      mergeMap(divided),
      inWorkers(GROUP_LATE, sharded<readonly (readonly string[])[]>({ workers: shared })),
      mergeMap((groups) => groups.flat()),
      adaptiveBatch<string>({ scheduledDelayMillis: 3_600_000 }),
      exportTo<string>(sink),
    );
    const pipeline = runPipeline(input, outcomes$);
    const gather = async (...names: readonly string[]) => {
      for (const name of names) input.trySend(span(1, name));
      await new Promise(setImmediate);
    };
    await gather('a', 'b');
    gathered.next(); // from now on it is known that what goes in there comes out later
    await pipeline.forceFlush();
    expect(sink.items).toEqual(['a', 'b']);
    await gather('c', 'd', 'e');
    const flushed = pipeline.forceFlush();
    await new Promise(setImmediate);
    gathered.next();
    await flushed;
    expect(sink.items.slice(2)).toEqual(['c', 'd', 'e']);
    await pipeline.shutdown();
    checkBooks(pipeline);
  });

  test('by hand is answered after the chunks before it, and when it is unsubscribed', async () => {
    const flushWhen = new Subject<unknown>();
    const source = new Subject<Shard>();
    const log: string[] = [];
    const answered = (name: string) =>
      new Promise<void>((resolve) => {
        const settle = () => {
          log.push(name);
          resolve();
        };
        flushWhen.next({ hold: () => ({ settle }) });
      });
    const operator = inWorkers(GROUP_LATE, sharded<readonly (readonly string[])[]>({ workers: shared, flushWhen }));
    const subscription = source.pipe(operator).subscribe((groups) => log.push(...groups.flat()));
    for (const shard of divided([span(1, 'a'), span(1, 'b')])) source.next(shard);
    await answered('first');
    expect(log).toEqual(['a', 'b', 'first']);
    for (const shard of divided([span(2, 'c')])) source.next(shard);
    const second = answered('second');
    expect(log).toHaveLength(3);
    subscription.unsubscribe();
    await second;
    expect(log).toEqual(['a', 'b', 'first', 'second']);
  });

  test('of a worker that crashes meanwhile is answered', async () => {
    const flushWhen = new Subject<unknown>();
    const source = new Subject<Shard>();
    const ledger = createLedger();
    const task = workerTask<typeof operators.dying>({ ...reference, export: 'dying' });
    const options = sharded<readonly string[]>({ workers: pool(1), flushWhen, ledger });
    const subscription = source.pipe(inWorkers(task, options)).subscribe();
    source.next({ shard: 0, spans: [span(1, 'held'), span(2, 'held, too')] });
    await new Promise<void>((settle) => flushWhen.next({ hold: () => ({ settle }) }));
    expect(ledger.stats().stages.inWorkers).toMatchObject({ accepted: 2, pending: 0, lost: { workerCrashed: 2 } });
    subscription.unsubscribe();
  });
});

describe('what is lost', () => {
  test('a worker that crashes loses its chunk and what it held, and the others lose nothing', async () => {
    const ledger = createLedger();
    const workers = pool();
    const spans = traces(100);
    // The thread ends when it has all of the others' spans of its worker.
    const chunks = [...divided(spans), { shard: 0, spans: [span(16, 'exit')] }, ...divided(spans.slice(0, 100))];
    const options = sharded<Uint8Array>({ workers, ledger });
    const results = await lastValueFrom(from(chunks).pipe(inWorkers(SAMPLE, options), toArray()));
    const kept = results.flatMap((bytes) => decodeTraces(bytes));
    const { accepted, handedOn, removed, pending, lost } = ledger.stats().stages.inWorkers ?? {};
    expect(lost?.workerCrashed).toBeGreaterThan(1);
    expect({ pending, handedOn }).toEqual({ pending: 0, handedOn: kept.length });
    expect(accepted).toBe((handedOn ?? 0) + (removed ?? 0) + (lost?.workerCrashed ?? 0));
    // A chunk of the thread that has crashed counts as one.
    expect(accepted).toBe(500 + 100 + 1);
    expect(kept.length).toBeGreaterThan(0);
  });

  test('an operator that throws loses the item that it had, and goes on', async () => {
    const ledger = createLedger();
    const errors: string[] = [];
    const task = workerTask<typeof operators.throwing>({ ...reference, export: 'throwing' });
    const options = sharded<readonly string[]>({
      workers: shared,
      ledger,
      onTaskError: (error) => errors.push((error as Error).message),
    });
    const chunks = [{ shard: 0, spans: [span(1, 'failed'), span(2, 'bad'), span(3, 'failed')] }];
    const results = await lastValueFrom(from(chunks).pipe(inWorkers(task, options), toArray()));
    expect(results.flat()).toEqual(['failed', 'failed']);
    expect(ledger.stats().stages.inWorkers).toMatchObject({
      ...{ accepted: 3, handedOn: 2, pending: 0 },
      lost: { operatorFailed: 1 },
    });
    expect(errors).toEqual([expect.stringContaining('thrown in the worker')]);
  });

  test('one that completes by itself takes out what comes from then on', async () => {
    const ledger = createLedger();
    const task = workerTask<typeof operators.firstTwo>({ ...reference, export: 'firstTwo' });
    const chunks = ['ab', 'cd', 'e'].map((names) => ({ shard: 0, spans: [...names].map((name) => span(1, name)) }));
    const options = sharded<readonly string[]>({ workers: shared, ledger });
    const results = await lastValueFrom(from(chunks).pipe(inWorkers(task, options), toArray()));
    expect(results).toEqual([['a', 'b']]);
    expect(ledger.stats().stages.inWorkers).toMatchObject({ accepted: 5, handedOn: 2, removed: 3 });
  });

  test.each([
    ['unreadable', 'cannot be read', { accepted: 1, handedOn: 0 }],
    ['unsendable', 'cannot be sent', { accepted: 1, handedOn: 0 }],
    ['uncloneable', 'is a function, which cannot be sent', { accepted: 1, handedOn: 0 }],
    ['missing', "exports no operatorTask 'missing'", { accepted: 1, handedOn: 0 }],
  ] as const)('%s: the chunk is lost, and why is told', async (name, message, books) => {
    const ledger = createLedger();
    const errors: string[] = [];
    const task = workerTask<typeof operators.upper>({ ...reference, export: name }) as never;
    const options = sharded<never>({
      workers: shared,
      ledger,
      onTaskError: (error) => errors.push((error as Error).message),
    });
    const chunks = from([{ shard: 0, spans: [span(1, 'a')] }]);
    expect(await lastValueFrom(chunks.pipe(inWorkers(task, options), toArray()))).toEqual([]);
    expect(errors.join()).toContain(message);
    expect(ledger.stats().stages.inWorkers).toMatchObject({ ...books, pending: 0, lost: { operatorFailed: 1 } });
  });

  test('a pool that is shut down loses what its threads held', async () => {
    const ledger = createLedger();
    const workers = workerPool({ size: 1 });
    const chunks$ = concat(of({ shard: 0, spans: traces(2) }), NEVER);
    const subscription = chunks$.pipe(inWorkers(SAMPLE, sharded<Uint8Array>({ workers, ledger }))).subscribe();
    await new Promise<void>((resolve) => {
      subscription.add(workers.state$.subscribe(({ completed }) => completed === 1 && resolve()));
    });
    await workers.shutdown({ timeoutMillis: 0 });
    expect(ledger.stats().stages.inWorkers).toMatchObject({ accepted: 10, pending: 0, lost: { shutdown: 10 } });
    subscription.unsubscribe();
  });
});

test('options are checked where they are given', () => {
  expect(() => operatorTask({ operator: 7 as never })).toThrow(/operatorTask\.operator must be a function/);
  const named = { module, export: 'sample', kind: 'operator', state: 'newState' } as const;
  expect(() => workerTask<typeof operators.sample>(named)).toThrow(/workerTask\.kind must be 'function' with state/);
  expect(() => workerTask({ module, export: 'sample', kind: 'both' as never })).toThrow(
    /workerTask\.kind must be one of/,
  );
});
