import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { groupBy, map, mergeMap, type OperatorFunction, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  type Batch,
  exportTo,
  type FlushRequest,
  fromSpanProcessor,
  memoryBudget,
  runPipeline,
  spanPipeline,
  toMemory,
} from '../../src/index.ts';
import {
  type GroupByTraceOptions,
  groupByTrace,
  type SamplingPolicy,
  statistics,
  tailSample,
} from '../../src/processors/index.ts';
import { checkBooks } from '../properties/books.ts';
import { spanWith } from '../support/spans.ts';

const ERRORS: readonly SamplingPolicy[] = [{ kind: 'errors' }];
const HOUR = 3_600_000;
/** Nothing leaves a batcher but by its flush. */
const SLOWLY = { scheduledDelayMillis: HOUR } as const;

/** Traces of one span each: every second one has failed. */
function makeTraces(provider: TracerProvider, count: number): void {
  const tracer = provider.getTracer('shop');
  for (let index = 0; index < count; index += 1) {
    const span = tracer.startSpan(index % 2 === 0 ? 'failed' : 'fine');
    span.setStatus({ code: index % 2 === 0 ? 2 : 1 });
    span.end();
  }
}

/** A run of a composition in front of a sink. */
function running(composition: OperatorFunction<ReadableSpan, Batch<ReadableSpan>>) {
  const input = fromSpanProcessor();
  const sink = toMemory<ReadableSpan>();
  const pipeline = runPipeline(input, input.spans$.pipe(composition, exportTo(sink)));
  return { pipeline, sink, provider: new TracerProvider({ spanProcessors: [input] }) };
}

describe('forceFlush of a run', () => {
  test('decides the traces that are held, and waits until what is kept has arrived', async () => {
    const { pipeline, sink, provider } = running((spans$) =>
      spans$.pipe(tailSample({ policies: ERRORS, maxWaitMillis: HOUR }), adaptiveBatch(SLOWLY)),
    );
    makeTraces(provider, 6);
    await pipeline.forceFlush();
    expect(sink.items.map(({ name }) => name)).toEqual(['failed', 'failed', 'failed']);
    expect(pipeline.stats()).toMatchObject({ accepted: 6, delivered: 3, removed: 3, pending: 0 });
    checkBooks(pipeline);
    await pipeline.shutdown();
  });

  test('lets out more spans than one slice of work has', async () => {
    const { pipeline, sink, provider } = running((spans$) =>
      spans$.pipe(tailSample({ policies: ERRORS, maxWaitMillis: HOUR }), adaptiveBatch(SLOWLY)),
    );
    makeTraces(provider, 4_000);
    await pipeline.forceFlush();
    expect(sink.items).toHaveLength(2_000);
    expect(pipeline.stats()).toMatchObject({ pending: 0 });
    await pipeline.shutdown();
  });

  test('reaches batchers that were subscribed later than the stage in front of them', async () => {
    const { pipeline, sink, provider } = running((spans$) =>
      spans$.pipe(
        tailSample({ policies: ERRORS, maxWaitMillis: HOUR }),
        groupBy(({ name }) => name),
        mergeMap((ofName$) => ofName$.pipe(adaptiveBatch(SLOWLY))),
      ),
    );
    makeTraces(provider, 6);
    await pipeline.forceFlush();
    expect(sink.items).toHaveLength(3);
    makeTraces(provider, 2);
    await pipeline.forceFlush();
    expect(sink.items).toHaveLength(4);
    await pipeline.shutdown();
  });

  test('goes through one stage that gathers after another', async () => {
    const { pipeline, sink, provider } = running((spans$) =>
      spans$.pipe(
        groupByTrace({ maxWaitMillis: HOUR }),
        mergeMap(({ spans }) => spans),
        tailSample({ policies: ERRORS, maxWaitMillis: HOUR }),
        adaptiveBatch(SLOWLY),
      ),
    );
    makeTraces(provider, 6);
    await pipeline.forceFlush();
    expect(sink.items).toHaveLength(3);
    await pipeline.shutdown();
  });

  test("with onFlush: 'wait' it waits until each trace is due, and lets none out before", async () => {
    const closed: string[] = [];
    const { pipeline, sink, provider } = running((spans$) =>
      spans$.pipe(
        groupByTrace({ idleMillis: 20, onFlush: 'wait' }),
        mergeMap(({ spans, closedBy }) => {
          closed.push(closedBy);
          return spans;
        }),
        adaptiveBatch(SLOWLY),
      ),
    );
    makeTraces(provider, 2);
    await pipeline.forceFlush();
    expect(closed).toEqual(['idle', 'idle']);
    expect(sink.items).toHaveLength(2);
    await pipeline.shutdown();
  });

  test('emits what statistics have counted', async () => {
    const input = fromSpanProcessor();
    const sink = toMemory<number>();
    const counts$ = input.spans$.pipe(
      statistics({ windowMillis: HOUR }),
      map(({ count }) => count),
      adaptiveBatch<number>(SLOWLY),
      exportTo<number>(sink),
    );
    const pipeline = runPipeline(input, counts$);
    makeTraces(new TracerProvider({ spanProcessors: [input] }), 6);
    await pipeline.forceFlush();
    expect(sink.items).toEqual([3, 3]);
    expect(pipeline.stats()).toMatchObject({ pending: 0 });
    await pipeline.shutdown();
  });
});

describe('a flush by hand', () => {
  test('flushWhen of the input reaches the stage that gathers, and the batcher behind it', async () => {
    const input = fromSpanProcessor();
    const sink = toMemory<ReadableSpan>();
    const flushWhen = input.flush$;
    const subscription = input.spans$
      .pipe(
        tailSample({ policies: ERRORS, maxWaitMillis: HOUR, flushWhen }),
        adaptiveBatch({ ...SLOWLY, flushWhen }),
        exportTo(sink),
      )
      .subscribe();
    makeTraces(new TracerProvider({ spanProcessors: [input] }), 6);
    await input.forceFlush();
    expect(sink.items).toHaveLength(3);
    subscription.unsubscribe();
  });

  test('a request that was made by hand is held until everything has gone out', () => {
    const source = new Subject<ReadableSpan>();
    const flushWhen = new Subject<unknown>();
    const log: string[] = [];
    const request: FlushRequest = { hold: () => ({ settle: () => log.push('settled') }) };
    const subscription = source
      .pipe(tailSample({ policies: ERRORS, flushWhen }))
      .subscribe(({ name }) => log.push(name));
    source.next(spanWith({ name: 'a', status: { code: 2 } }));
    flushWhen.next(request);
    expect(log).toEqual(['a', 'settled']);
    source.next(spanWith({ name: 'b', status: { code: 2 } })); // late: the trace is decided
    flushWhen.next('anything');
    expect(log).toEqual(['a', 'settled', 'b']);
    subscription.unsubscribe();
  });

  test('a request is answered when the stage is unsubscribed', () => {
    const source = new Subject<ReadableSpan>();
    const flushWhen = new Subject<unknown>();
    let answers = 0;
    const settle = () => {
      answers += 1;
    };
    const subscription = source.pipe(groupByTrace({ flushWhen, onFlush: 'wait' })).subscribe();
    source.next(spanWith({}));
    flushWhen.next({ hold: () => ({ settle }) });
    expect(answers).toBe(0);
    subscription.unsubscribe();
    expect(answers).toBe(1);
  });
});

describe('the budget of memory', () => {
  const traceOf = (name: string) => {
    const traceId = (name[0] ?? '').charCodeAt(0).toString(16).padStart(32, '0');
    return spanWith({ name, spanContext: () => ({ traceId, spanId: '0123456789abcdef', traceFlags: 1 }) });
  };
  /** Of each span: 1,024 bytes and twice this. */
  const sizeOf = () => 4_608;
  const SPAN = 10_240;

  function grouping(maxBytes: number, options: GroupByTraceOptions = {}) {
    const memory = memoryBudget({ maxBytes });
    const source = new Subject<ReadableSpan>();
    const seen: string[] = [];
    const losses: string[] = [];
    const onLoss = ({ reason }: { reason: string }) => losses.push(reason);
    const subscription = source
      .pipe(groupByTrace({ memory, sizeOf, onLoss, ...options }))
      .subscribe(({ spans, closedBy }) => seen.push(`${spans.map(({ name }) => name).join(' ')}: ${closedBy}`));
    const next = (...names: string[]) => {
      for (const name of names) source.next(traceOf(name));
    };
    return { memory, source, seen, losses, subscription, next };
  }

  test('what is held counts in it, and is given back when it is emitted', () => {
    const { memory, source, seen, next } = grouping(200_000);
    next('a1', 'a2', 'b1');
    expect(memory.usedBytes).toBe(3 * SPAN);
    source.complete();
    expect(seen).toEqual(['a1 a2: complete', 'b1: complete']);
    expect(memory.usedBytes).toBe(0);
  });

  test('is given back when a trace is closed, while others are held', () => {
    const { memory, next } = grouping(200_000, { maxSpansPerTrace: 2 });
    next('a1', 'b1', 'a2');
    expect(memory.usedBytes).toBe(SPAN);
  });

  test('is given back when the stage is unsubscribed', () => {
    const { memory, subscription, losses, next } = grouping(200_000);
    next('a1', 'b1');
    subscription.unsubscribe();
    expect(memory.usedBytes).toBe(0);
    expect(losses).toEqual(['unsubscribed']);
  });

  test('where it is used up, the oldest trace goes early', () => {
    const { memory, seen, next } = grouping(80_000);
    next('a1', 'b1', 'b2', 'b3', 'b4', 'c1', 'd1');
    expect(seen[0]).toBe('a1: evicted');
    expect(memory.usedBytes).toBeLessThanOrEqual(80_000);
  });

  test('where others have used it up, each span goes at once, and none is lost', () => {
    const { memory, seen, losses, next } = grouping(80_000);
    memory.open({}, 'neverRefuses').hold(79_000);
    next('a1', 'a2');
    expect(seen).toEqual(['a1: evicted', 'a2: evicted']);
    expect(losses).toEqual([]);
  });

  test('a span that could never have room is refused', () => {
    const memory = memoryBudget({ maxBytes: 65_536 });
    const source = new Subject<ReadableSpan>();
    const losses: string[] = [];
    source
      .pipe(groupByTrace({ memory, sizeOf: () => 40_000, onLoss: ({ reason }) => losses.push(reason) }))
      .subscribe();
    source.next(traceOf('a'));
    expect(losses).toEqual(['tooLarge']);
  });

  test('a batcher behind gets the memory before somebody else who waits for it', () => {
    const memory = memoryBudget({ maxBytes: 80_000 });
    const source = new Subject<ReadableSpan>();
    const flushWhen = new Subject<unknown>();
    const log: string[] = [];
    const grouped$ = source.pipe(groupByTrace({ memory, sizeOf, flushWhen }));
    const subscription = grouped$.subscribe(({ spans }) => log.push(`${spans.length} spans`));
    for (const name of ['a1', 'a2', 'a3']) source.next(traceOf(name));
    const other = memory.open({});
    other.hold(20_000);
    other.wait(20_000, () => log.push('the other'));
    flushWhen.next('now');
    expect(log).toEqual(['3 spans', 'the other']);
    subscription.unsubscribe();
  });
});

describe('forceFlush of a pipeline that was given operators', () => {
  test('decides the traces that are held, and does not wait for what was taken out', async () => {
    const sink = toMemory<ReadableSpan>();
    const operators = [tailSample({ policies: ERRORS, maxWaitMillis: HOUR })];
    const pipeline = spanPipeline({ sink, operators, environment: {}, ...SLOWLY });
    const provider = new TracerProvider({ spanProcessors: [pipeline.processor] });
    for (const round of [1, 2]) {
      makeTraces(provider, 6);
      await pipeline.forceFlush();
      expect(sink.items).toHaveLength(3 * round);
    }
    expect(pipeline.stats()).toMatchObject({ accepted: 12, delivered: 6, between: 6, pending: 0 });
    await pipeline.shutdown();
    checkBooks(pipeline);
  });
});
