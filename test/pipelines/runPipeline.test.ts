import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  bufferCount,
  catchError,
  delay,
  EMPTY,
  filter,
  groupBy,
  map,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  of,
  Subject,
  share,
  take,
  tap,
  throwError,
} from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  type Batch,
  backpressure,
  boundedMergeMap,
  type Channel,
  channel,
  createLedger,
  type ExportHandle,
  exportHandle,
  exportTo,
  fanOut,
  fromAsyncIterable,
  fromSpanProcessor,
  mergeByPriority,
  type Outcome,
  type RunPipelineOptions,
  runPipeline,
  type Sink,
  type Stats,
  toMemory,
  withItems,
} from '../../src/index.ts';
import { virtualTime } from '../../src/testing/index.ts';
import { spanWith } from '../support/spans.ts';

afterEach(() => diag.disable());

/** What is told to `diag.warn`. */
function toldTo(): string[] {
  const told: string[] = [];
  const logger = {
    error() {},
    info() {},
    debug() {},
    verbose() {},
    warn: (message: string) => void told.push(message),
  };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return told;
}

const LATE = { scheduledDelayMillis: 60_000 };

/** A sink that says when it is flushed and shut down. */
function noting(name = 'memory') {
  const calls: string[] = [];
  const memory = toMemory<string>();
  const sink: Sink<string> = {
    ...memory,
    name,
    export: (batch, attempt) => memory.export(batch, attempt),
    forceFlush: async () => void calls.push('flush'),
    shutdown: async () => void calls.push('shutdown'),
  };
  return { sink, calls, arrived: () => memory.items.join('') };
}

interface Composed<R> {
  readonly compose: (items$: Observable<string>, sink: Sink<string>) => Observable<R>;
  readonly options?: RunPipelineOptions;
}

/** Runs a test in virtual time, with a channel and a composition that runs. */
function running<R>(
  { compose, options }: Composed<R>,
  check: (piece: ReturnType<typeof parts<R>> & { advanceBy: (millis: number) => Promise<void> }) => Promise<void>,
) {
  return virtualTime(({ advanceBy }) => check({ ...parts<R>(compose, options), advanceBy }));
}

function parts<R>(compose: Composed<R>['compose'], options: RunPipelineOptions = {}) {
  const told = toldTo();
  const input = channel<string>();
  const noted = noting();
  const pipeline = runPipeline(input, compose(input.items$, noted.sink), {
    ...{ exitDeadlineMillis: 0, warnIntervalMillis: 0 },
    ...options,
  });
  const send = (letters: string) => {
    for (const letter of letters) input.trySend(letter);
  };
  return { pipeline, input, told, send, ...noted };
}

const exported = (sink: Sink<string>) => (items$: Observable<string>) =>
  items$.pipe(adaptiveBatch(LATE), exportTo(sink));

const failing = (bad: string) =>
  map((item: string) => {
    if (bad.includes(item)) throw new Error(`no ${item}`);
    return item;
  });

const places = ({ places }: Stats) => places.map(({ stage, follows }) => `${stage} < ${follows.join('+')}`);

describe('a composition that runs', () => {
  test('flushes, shows its books, and shuts its sink down once', () =>
    running(
      {
        compose: (items$, sink) =>
          items$.pipe(
            filter((item) => item !== 'b'),
            exported(sink),
          ),
      },
      async (run) => {
        const { pipeline, send, arrived, calls, input } = run;
        const outcomes: Outcome<string>[] = [];
        let isComplete = false;
        pipeline.outcomes$.subscribe({
          next: (outcome) => outcomes.push(outcome),
          complete: () => (isComplete = true),
        });
        send('abc');
        await pipeline.forceFlush();
        expect(arrived()).toBe('ac');
        expect(pipeline.stats()).toMatchObject({ accepted: 3, delivered: 2, between: 1, pending: 0 });
        expect(places(pipeline.stats())).toEqual([
          'channel < ',
          'adaptiveBatch < channel',
          'exportTo(memory) < adaptiveBatch',
        ]);
        expect(calls).toEqual(['flush']);
        send('d');
        await Promise.all([pipeline.shutdown(), pipeline.shutdown()]);
        expect(arrived()).toBe('acd');
        expect(input.trySend('e')).toBe('closed');
        expect(calls).toEqual(['flush', 'flush', 'shutdown']);
        expect(outcomes.map(({ delivered }) => delivered)).toEqual([2, 1]);
        expect(isComplete).toBe(true);
      },
    ));

  test('pauses and resumes; a flush that fails says so', () =>
    running({ compose: (items$, sink) => items$.pipe(exported(sink)) }, async ({ pipeline, send, arrived }) => {
      pipeline.pause();
      send('a');
      await expect(pipeline.forceFlush({ timeoutMillis: 10 })).rejects.toThrow('because runPipeline is paused');
      expect(arrived()).toBe('');
      pipeline.resume();
      await pipeline.forceFlush();
      expect(arrived()).toBe('a');
    }));

  test('gives up at the deadline of its shutdown', () =>
    running(
      { compose: (items$) => items$.pipe(exported({ name: 'silent', export: () => NEVER })) },
      async ({ pipeline, send, told }) => {
        const outcomes: Outcome<string>[] = [];
        pipeline.outcomes$.subscribe((outcome) => outcomes.push(outcome));
        send('ab');
        await pipeline.shutdown({ deadlineMillis: 100 });
        expect(outcomes).toMatchObject([{ lost: [{ count: 2, reason: 'unconfirmed' }] }]);
        expect(pipeline.stats()).toMatchObject({ lost: { unconfirmed: 2 }, pending: 0 });
        expect(told.join()).toContain('runPipeline: lost items: 2 unconfirmed at exportTo(silent)');
      },
    ));

  test('ends at the deadline, whatever its operators do', () =>
    running(
      { compose: (items$, sink) => merge(items$.pipe(exported(sink)), NEVER) },
      async ({ pipeline, send, arrived }) => {
        send('a');
        await pipeline.shutdown({ deadlineMillis: 100 });
        expect(arrived()).toBe('a');
      },
    ));

  test('that completes is shut down', () =>
    running(
      { compose: (items$, sink) => items$.pipe(exported(sink), take(1)) },
      async ({ pipeline, send, calls, advanceBy }) => {
        const states: string[] = [];
        pipeline.state$.subscribe((state) => states.push(state));
        send('a');
        await pipeline.forceFlush();
        await advanceBy(1);
        expect(states).toEqual(['running', 'draining', 'stopped']);
        expect(calls).toContain('shutdown');
      },
    ));

  test('a channel that is closed ends it', () =>
    running(
      { compose: (items$, sink) => items$.pipe(exported(sink)) },
      async ({ input, send, arrived, calls, advanceBy }) => {
        send('ab');
        input.close();
        await advanceBy(1);
        expect(arrived()).toBe('ab');
        expect(calls).toEqual(['flush', 'shutdown']);
      },
    ));

  test('emits whatever its last operator makes', () =>
    running(
      {
        compose: (items$, sink) =>
          items$.pipe(
            exported(sink),
            map(({ delivered }) => delivered),
          ),
      },
      async ({ pipeline, send }) => {
        const counts: number[] = [];
        pipeline.outcomes$.subscribe((count) => counts.push(count));
        send('ab');
        await pipeline.forceFlush();
        expect(counts).toEqual([2]);
      },
    ));
});

describe('the books of a run', () => {
  test('find out who stands in front of whom, and take the names that stages were given', () =>
    running(
      {
        compose: (items$, sink) =>
          items$.pipe(
            boundedMergeMap((item) => of(item), { name: 'enrich' }),
            map(({ item }) => item),
            backpressure({ demand: of(Number.POSITIVE_INFINITY), name: 'valve' }),
            adaptiveBatch({ ...LATE, name: 'batches' }),
            exportTo(sink, { name: 'backend' }),
          ),
      },
      async ({ pipeline, send, told }) => {
        send('ab');
        await pipeline.forceFlush();
        expect(places(pipeline.stats())).toEqual([
          'channel < ',
          'enrich < channel',
          'valve < enrich',
          'batches < valve',
          'backend < batches',
        ]);
        expect(pipeline.stats()).toMatchObject({ accepted: 2, delivered: 2, between: 0 });
        await pipeline.shutdown();
        expect(told).toEqual([]);
      },
    ));

  test('merge inputs', () =>
    virtualTime(async () => {
      const sink = toMemory<string>();
      const [one, other] = [fromAsyncIterable(['a']), fromAsyncIterable(['b'], { name: 'other' })];
      const pipeline = runPipeline(one, mergeByPriority([one, other]).pipe(exported(sink)));
      let isClosed = false;
      pipeline.outcomes$.subscribe({ complete: () => (isClosed = true) });
      await pipeline.forceFlush();
      await pipeline.shutdown();
      expect(isClosed).toBe(true);
      expect(pipeline.stats()).toMatchObject({ accepted: 2, delivered: 2, between: 0 });
      expect(places(pipeline.stats())).toEqual([
        'fromAsyncIterable < ',
        'other < ',
        'mergeByPriority < fromAsyncIterable+other',
        'adaptiveBatch < mergeByPriority',
        'exportTo(toMemory) < adaptiveBatch',
      ]);
    }));

  test('fan out, by share and by fanOut', () =>
    running(
      {
        compose: (items$, sink) => {
          const batches$ = items$.pipe(adaptiveBatch(LATE), share());
          return merge(batches$.pipe(exportTo(sink)), batches$.pipe(exportTo(toMemory<string>())));
        },
      },
      async ({ pipeline, send }) => {
        send('ab');
        await pipeline.forceFlush();
        const { routes, ...whole } = pipeline.stats();
        expect(whole).toMatchObject({ delivered: 2, pending: 0, between: 0 });
        expect(routes).toMatchObject({ 'exportTo(memory)': { delivered: 2 }, 'exportTo(toMemory)': { delivered: 2 } });
      },
    ));

  test('of a fanOut have its routes; all its sinks are shut down', () => {
    const other = noting('other');
    return running(
      { compose: (items$, sink) => items$.pipe(adaptiveBatch(LATE), fanOut({ main: sink, other: other.sink })) },
      async ({ pipeline, send, calls }) => {
        send('ab');
        await pipeline.forceFlush();
        expect(pipeline.stats()).toMatchObject({
          delivered: 2,
          between: 0,
          routes: { main: { delivered: 2 }, other: { delivered: 2 } },
        });
        const branch = pipeline.stats().places.find(({ stage }) => stage === 'branch(main)');
        expect(branch?.follows).toEqual(['adaptiveBatch']);
        await pipeline.shutdown();
        expect([calls.at(-1), other.calls.at(-1)]).toEqual(['shutdown', 'shutdown']);
      },
    );
  });

  test('see stages of inner Observables that an item brings', () =>
    running(
      {
        compose: (items$, sink) =>
          items$.pipe(
            groupBy((item) => item),
            mergeMap((group$) => group$.pipe(exported(sink))),
          ),
      },
      async ({ pipeline, send, arrived, calls }) => {
        send('aba');
        await pipeline.forceFlush();
        expect(arrived()).toBe('aab');
        expect(pipeline.stats()).toMatchObject({ accepted: 3, delivered: 3, pending: 0, between: 0 });
        await pipeline.shutdown();
        expect(calls.at(-1)).toBe('shutdown');
      },
    ));

  test('are those of the ledger that the input was given', () =>
    virtualTime(async () => {
      const ledger = createLedger();
      const input = channel<string>({ ledger });
      const pipeline = runPipeline(input, input.items$.pipe(exported(toMemory())));
      input.trySend('a');
      await pipeline.forceFlush();
      expect(ledger.stats()).toMatchObject({ accepted: 1, delivered: 1 });
      let isComplete = false;
      ledger.stats$.subscribe({ complete: () => (isComplete = true) });
      await pipeline.shutdown();
      expect(isComplete).toBe(false);
    }));

  test('a stage that was given a ledger keeps it', () => {
    const ledger = createLedger();
    return running(
      { compose: (items$, sink) => items$.pipe(adaptiveBatch(LATE), exportTo(sink, { ledger })) },
      async ({ pipeline, send }) => {
        send('a');
        await pipeline.forceFlush();
        expect(ledger.stats()).toMatchObject({ delivered: 1 });
        expect(places(pipeline.stats())).toEqual(['channel < ', 'adaptiveBatch < channel']);
        expect(pipeline.stats()).toMatchObject({ delivered: 1 });
      },
    );
  });
});

describe('what is no part of a run', () => {
  test('is a stage that a sink uses inside, and another pipeline that an item brings', () => {
    const inner = noting('inner');
    const other = noting('other');
    const handles: ExportHandle<string>[] = [];
    const outer: Sink<string> = {
      name: 'outer',
      export: ({ items }) =>
        of(items).pipe(
          exportTo(inner.sink),
          map(() => ({})),
        ),
    };
    const brings = tap<string>(() => {
      if (handles.length === 0) handles.push(exportHandle(other.sink, { exitDeadlineMillis: 0 }));
    });
    return running(
      { compose: (items$) => items$.pipe(brings, adaptiveBatch({ maxExportBatchSize: 1 }), exportTo(outer)) },
      async ({ pipeline, send }) => {
        send('ab');
        await pipeline.forceFlush();
        expect(Object.keys(pipeline.stats().stages).sort()).toEqual(['adaptiveBatch', 'channel', 'exportTo(outer)']);
        await pipeline.shutdown();
        expect([inner.calls, other.calls]).toEqual([[], []]);
        await handles[0]?.shutdown();
      },
    );
  });
});

describe('a flush of a run', () => {
  test('waits for arrays, too', () =>
    running(
      {
        compose: (items$) =>
          items$.pipe(bufferCount(2), exportTo({ name: 'slow', export: () => of({}).pipe(delay(50)) })),
      },
      async ({ pipeline, send }) => {
        send('ab');
        await pipeline.forceFlush();
        expect(pipeline.stats()).toMatchObject({ delivered: 2, pending: 0 });
      },
    ));

  test('waits for what asynchronous operators hold', () =>
    running(
      { compose: (items$, sink) => items$.pipe(delay(100), adaptiveBatch(LATE), delay(100), exportTo(sink)) },
      async ({ pipeline, send, arrived, advanceBy }) => {
        send('a');
        await advanceBy(150);
        await pipeline.forceFlush();
        send('bc');
        await pipeline.forceFlush();
        expect(arrived()).toBe('abc');
      },
    ));

  test('says what it has not waited for, where nothing has come out yet', () =>
    running(
      { compose: (items$, sink) => items$.pipe(delay(100), exported(sink)) },
      async ({ pipeline, send, told }) => {
        send('ab');
        await pipeline.forceFlush();
        expect(told.join()).toContain('2 between channel and adaptiveBatch');
      },
    ));

  test('names at its timeout what has not come out, and later ones do not wait for it', () =>
    running(
      {
        compose: (items$, sink) =>
          items$.pipe(
            mergeMap((item) => (item === 'a' ? of(item).pipe(delay(1)) : EMPTY)),
            exported(sink),
          ),
      },
      async ({ pipeline, send, advanceBy }) => {
        send('abc');
        await advanceBy(10);
        const flushed = pipeline.forceFlush({ timeoutMillis: 50 });
        await expect(flushed).rejects.toThrow('up to 2 between channel and adaptiveBatch');
        await pipeline.forceFlush({ timeoutMillis: 50 });
      },
    ));
});

describe('an operator that throws in a run', () => {
  test('loses its item, and the run goes on', () =>
    running(
      { compose: (items$, sink) => items$.pipe(failing('bd'), exported(sink)) },
      async ({ pipeline, send, arrived, told, advanceBy }) => {
        send('abcde');
        await pipeline.forceFlush();
        await advanceBy(1);
        expect(arrived()).toBe('ace');
        expect(pipeline.stats()).toMatchObject({
          ...{ delivered: 3, lost: { operatorFailed: 2 }, between: 0, callbackErrors: 2 },
        });
        expect(told.join()).toContain('an operator in front of adaptiveBatch threw, and is subscribed again: no b');
        expect(told.join()).toContain('operatorFailed at adaptiveBatch');
      },
    ));

  test('behind the batches loses its batch', () => {
    const bad = (batch: Batch<string>) => {
      if (batch.items.includes('b')) throw new Error('no batch');
      return batch;
    };
    return running(
      { compose: (items$, sink) => items$.pipe(adaptiveBatch(LATE), map(bad), exportTo(sink)) },
      async ({ pipeline, send, arrived }) => {
        send('ab');
        await pipeline.forceFlush();
        send('c');
        await pipeline.forceFlush();
        expect(arrived()).toBe('c');
        expect(pipeline.stats()).toMatchObject({
          ...{ delivered: 1, lost: { operatorFailed: 2 }, handedOn: 0, between: 0, pending: 0 },
        });
      },
    );
  });

  test('behind the export loses nothing that was delivered', () =>
    running(
      {
        compose: (items$, sink) =>
          items$.pipe(
            exported(sink),
            tap(() => {
              throw new Error('no outcome');
            }),
          ),
      },
      async ({ pipeline, send, arrived, told, advanceBy }) => {
        send('a');
        await pipeline.forceFlush();
        await advanceBy(1);
        send('b');
        await pipeline.forceFlush();
        expect(arrived()).toBe('ab');
        expect(pipeline.stats()).toMatchObject({ delivered: 2, pending: 0 });
        expect(told.join()).toContain('no outcome');
      },
    ));

  test('without an item is subscribed again a second later', () => {
    let subscriptions = 0;
    const broken = (items$: Observable<string>) => {
      const failing$ = of('x').pipe(
        delay(1),
        mergeMap(() => throwError(() => new Error('by itself'))),
        tap({ subscribe: () => (subscriptions += 1) }),
      );
      return merge(items$, failing$);
    };
    return running(
      { compose: (items$, sink) => items$.pipe(broken, exported(sink)) },
      async ({ pipeline, advanceBy }) => {
        await advanceBy(3_500);
        expect(subscriptions).toBe(4);
        await pipeline.shutdown();
      },
    );
  });

  test('ends a run whose input would begin anew', () =>
    virtualTime(async ({ advanceBy }) => {
      const told = toldTo();
      const { sink, calls, arrived } = noting();
      const pipeline = runPipeline(of('a', 'b', 'c'), of('a', 'b', 'c').pipe(failing('b'), exported(sink)));
      await advanceBy(1);
      expect(arrived()).toBe('a');
      expect(calls).toContain('shutdown');
      expect(told.join()).toContain('outcomes$ has failed, and the pipeline ends: no b');
      await pipeline.shutdown();
    }));

  test('ends a run when its channel is closed with an error', () =>
    running(
      { compose: (items$, sink) => items$.pipe(exported(sink)) },
      async ({ input, send, told, arrived, advanceBy }) => {
        send('a');
        input.close({ error: new Error('the producer is gone') });
        await advanceBy(10);
        expect(arrived()).toBe('a');
        expect(told.join()).toContain('the producer is gone');
      },
    ));
});

describe('an input', () => {
  test('that is any Observable is left at the shutdown, and what is queued is sent', () =>
    virtualTime(async () => {
      const { sink, arrived } = noting();
      const source = new Subject<string>();
      const pipeline = runPipeline(source, source.pipe(exported(sink)));
      source.next('a');
      await pipeline.forceFlush();
      expect(arrived()).toBe('a');
      source.next('b');
      await pipeline.shutdown();
      expect(arrived()).toBe('ab');
      expect(source.observed).toBe(false);
    }));

  test('may be named by its stream', () =>
    virtualTime(async () => {
      const input = channel<string>();
      const pipeline = runPipeline(input.items$, input.items$.pipe(exported(toMemory())));
      input.trySend('a');
      await pipeline.forceFlush();
      expect(pipeline.stats()).toMatchObject({ accepted: 1, delivered: 1 });
    }));

  test('that nobody has subscribed to when items come says so, once', () =>
    virtualTime(async ({ advanceBy }) => {
      const told = toldTo();
      const [spans, lines]: [ReturnType<typeof fromSpanProcessor>, Channel<string>] = [fromSpanProcessor(), channel()];
      for (let count = 0; count < 3; count += 1) {
        spans.onEnd(spanWith({ name: 'a' }) as ReadableSpan);
        lines.trySend('a');
        await advanceBy(1);
      }
      expect(told).toHaveLength(2);
      expect(told.join()).toContain('nobody has subscribed to spans$');
      expect(told.join()).toContain('nobody has subscribed to items$');
    }));

  test('that is subscribed to before the next turn says nothing', () =>
    virtualTime(async ({ advanceBy }) => {
      const told = toldTo();
      const lines = channel<string>();
      lines.trySend('a');
      lines.items$.pipe(catchError(() => EMPTY)).subscribe();
      await advanceBy(1);
      expect(told).toEqual([]);
    }));

  test.each([
    [
      undefined,
      of(1),
      'runPipeline.input must be fromSpanProcessor(), fromLogRecordProcessor(), channel(), otlpReceiver() or an Observable',
    ],
    [
      { items$: of(1) },
      of(1),
      'runPipeline.input must be fromSpanProcessor(), fromLogRecordProcessor(), channel(), otlpReceiver() or an Observable',
    ],
    [of(1), undefined, 'runPipeline.outcomes$ must be an Observable'],
  ])('or a composition that is none is refused', (input, outcomes$, message) => {
    expect(() => runPipeline(input as never, outcomes$ as never)).toThrow(message);
  });
});

describe('items that a sink leaves out', () => {
  test('are in the books when its answer says so', () =>
    running(
      {
        compose: (items$, sink) => {
          const few: Sink<string> = {
            ...sink,
            export: (batch) => {
              const kept = batch.items.filter((item) => item !== 'b');
              const removed = batch.items.length - kept.length;
              return (sink.export(withItems(batch, kept)) as Observable<object>).pipe(
                map((answer) => ({ ...answer, removed })),
              );
            },
          };
          return items$.pipe(exported(few));
        },
      },
      async ({ pipeline, send }) => {
        send('abc');
        await pipeline.forceFlush();
        expect(pipeline.stats()).toMatchObject({ delivered: 2, removed: 1, pending: 0 });
      },
    ));
});
