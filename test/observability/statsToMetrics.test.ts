import { metrics } from '@opentelemetry/api';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { concat, groupBy, mergeMap, NEVER, type Observable, of, tap, throwError, timer } from 'rxjs';
import { map } from 'rxjs/operators';
import { describe, expect, test, vi } from 'vitest';
import {
  adaptiveBatch,
  createLedger,
  ExportError,
  exponentialBackoff,
  exportHandle,
  exportTo,
  failover,
  firstOf,
  fromSpanProcessor,
  otlpHttp,
  type Response,
  runPipeline,
  type Sink,
  spanPipeline,
  toExporter,
  toMemory,
} from '../../src/index.ts';
import { logPipeline } from '../../src/logs.ts';
import { metricPipeline } from '../../src/metrics.ts';
import { statsToMetrics } from '../../src/observability/index.ts';
import { otlpGrpc } from '../../src/sinks/otlpGrpc/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { logRecordWith } from '../support/logRecords.ts';
import { spanWith } from '../support/spans.ts';
import { DURATION, MemoryReader, metered, readFrom, SPAN } from './support.ts';

const NAME = 'otel.component.name';
const TYPE = 'otel.component.type';

/** A sink that answers its calls one after the other, each after 10 ms; the last answer again and again. */
function answering<T>(...answers: (() => Observable<Response>)[]): Sink<T> {
  let calls = 0;
  return {
    name: 'answering',
    export: () => timer(10).pipe(mergeMap(() => (answers[calls++] ?? answers.at(-1) ?? (() => of({})))())),
  };
}

const failing = (kind: 'retryable' | 'permanent') => () => throwError(() => new ExportError({ kind }, kind));

const QUICK = { environment: {}, scheduledDelayMillis: 5 };

function end(pipeline: { readonly processor: { onEnd(span: never): void } }, spans: number): void {
  for (let count = 0; count < spans; count += 1) pipeline.processor.onEnd(spanWith() as never);
}

describe('the processor', () => {
  test('has processed a span when its batch is passed to the exporter, whatever becomes of it', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const pipeline = spanPipeline({ sink: answering(failing('permanent')), ...QUICK });
      statsToMetrics(pipeline, { meterProvider });
      end(pipeline, 3);
      await advanceBy(4);
      const queued = await read();
      expect(queued.byError(SPAN.processed)).toEqual({ ok: 0 });
      expect(queued.sum(SPAN.queueSize)).toBe(3);
      await advanceBy(2);
      const passed = await read();
      expect(passed.byError(SPAN.processed)).toEqual({ ok: 3 });
      expect([passed.sum(SPAN.queueSize), passed.sum(SPAN.inflight)]).toEqual([0, 3]);
      expect(passed.byError(SPAN.exported)).toEqual({ ok: 0 });
      await advanceBy(10);
      const failed = await read();
      expect(failed.byError(SPAN.processed)).toEqual({ ok: 3 });
      expect(failed.byError(SPAN.exported)).toEqual({ ok: 0, permanent: 3 });
      expect(failed.sum(SPAN.inflight)).toBe(0);
    }));

  test('says what its queues hold, and drops as queue_full what finds no room', () =>
    marbles(async () => {
      const { meterProvider, read } = metered();
      const pipeline = spanPipeline({ sink: toMemory(), ...QUICK, maxQueueSize: 10 });
      statsToMetrics(pipeline, { meterProvider });
      end(pipeline, 13);
      const { series } = await read();
      const attributes = { [TYPE]: 'batching_span_processor', [NAME]: 'batching_span_processor/0' };
      expect(series.filter(({ name }) => name.includes('processor'))).toEqual([
        // The ring and the queue of the batches, of ten each.
        { name: SPAN.queueSize, unit: '{span}', attributes, value: 10 },
        { name: SPAN.queueCapacity, unit: '{span}', attributes, value: 20 },
        { name: SPAN.processed, unit: '{span}', attributes, value: 0 },
        { name: SPAN.processed, unit: '{span}', attributes: { ...attributes, 'error.type': 'queue_full' }, value: 3 },
      ]);
    }));

  test('counts what comes after the shutdown, when the callback is gone', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const pipeline = spanPipeline({ sink: toMemory(), ...QUICK });
      statsToMetrics(pipeline, { meterProvider });
      end(pipeline, 2);
      await pipeline.shutdown();
      end(pipeline, 4);
      await advanceBy(1);
      const reading = await read();
      expect(reading.byError(SPAN.processed)).toEqual({ ok: 2, already_shutdown: 4 });
      expect(reading.byError(SPAN.exported)).toEqual({ ok: 2 });
      expect([reading.sum(SPAN.queueSize), reading.sum(SPAN.queueCapacity), reading.sum(SPAN.inflight)]).toEqual([
        0, 0, 0,
      ]);
    }));

  test('of a handle counts what comes after its shutdown, too', async () => {
    const { meterProvider, read } = metered();
    const handle = exportHandle<number>(toMemory());
    statsToMetrics(handle, { meterProvider, signal: 'traces' });
    await handle.export([1, 2]);
    await handle.shutdown();
    await handle.export([3]);
    const reading = await read();
    expect(reading.byError(SPAN.processed)).toEqual({ ok: 2, already_shutdown: 1 });
    expect([reading.sum(SPAN.queueSize), reading.sum(SPAN.exported)]).toEqual([0, 2]);
  });
});

describe('the exporter', () => {
  test('keeps a batch in flight across retries, and counts and times it once', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const sink = answering(failing('retryable'), failing('retryable'), () => of({}));
      const pipeline = spanPipeline({
        sink,
        ...QUICK,
        retry: { backoff: exponentialBackoff({ initialMillis: 100 }) },
        random: () => 1,
      });
      statsToMetrics(pipeline, { meterProvider });
      const outcomes: number[] = [];
      pipeline.outcomes$.subscribe(({ attempts }) => outcomes.push(attempts));
      end(pipeline, 2);
      await advanceBy(20);
      const inBackoff = await read();
      expect([inBackoff.sum(SPAN.inflight), inBackoff.sum(SPAN.exported), inBackoff.sum(DURATION)]).toEqual([2, 0, 0]);
      await advanceBy(1_000);
      const done = await read();
      expect(outcomes).toEqual([3]);
      expect(done.byError(SPAN.exported)).toEqual({ ok: 2 });
      expect([done.sum(SPAN.inflight), done.sum(DURATION)]).toEqual([0, 1]);
    }));

  test('times an export from its first attempt to its last one, in seconds, without the wait for a slot', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const sink = answering(() => of({}), failing('retryable'));
      const retry = { backoff: exponentialBackoff({ initialMillis: 100, maxMillis: 100 }) };
      const ledger = createLedger();
      statsToMetrics(ledger, { meterProvider, signal: 'traces' });
      const elapsed: number[] = [];
      of([1], [2])
        .pipe(exportTo(sink, { ledger, concurrency: 1, retry: { ...retry, maxAttempts: 2 }, random: () => 0.5 }))
        .subscribe(({ elapsedMillis }) => elapsed.push(elapsedMillis));
      await advanceBy(1_000);
      // The first took 10 ms. The second waited for them, then took 10 ms, a backoff of 50 ms, and 10 ms.
      expect(elapsed).toEqual([10, 80]);
      expect((await read()).series.filter(({ name }) => name === DURATION)).toMatchObject([
        { unit: 's', value: 1, sum: 0.01 },
        { unit: 's', value: 1, sum: 0.07, attributes: { 'error.type': 'retries_exhausted' } },
      ]);
    }));

  test('counts what a backend rejects of a batch as failed, and the export as no success', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const pipeline = spanPipeline({ sink: answering(() => of({ rejected: 7 })), ...QUICK });
      statsToMetrics(pipeline, { meterProvider });
      end(pipeline, 10);
      await advanceBy(100);
      const reading = await read();
      expect(reading.byError(SPAN.exported)).toEqual({ ok: 3, rejected: 7 });
      expect(reading.byError(DURATION)).toEqual({ rejected: 1 });
    }));

  test('has not failed with what the sink leaves out on purpose', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const pipeline = spanPipeline({ sink: answering(() => of({ removed: 1, unencodable: 2 })), ...QUICK });
      statsToMetrics(pipeline, { meterProvider });
      end(pipeline, 4);
      await advanceBy(100);
      expect((await read()).byError(SPAN.exported)).toEqual({ ok: 2, unencodable: 2 });
    }));

  test('times what was never attempted as 0 s, with its reason', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const ledger = createLedger();
      statsToMetrics(ledger, { meterProvider, signal: 'traces' });
      const pauseWhen = concat(of(true), NEVER);
      of([1])
        .pipe(exportTo(toMemory(), { ledger, pauseWhen, retry: { maxElapsedMillis: 50 } }))
        .subscribe();
      await advanceBy(100);
      const reading = await read();
      expect(reading.find(DURATION)).toMatchObject({ value: 1, sum: 0, attributes: { 'error.type': 'expired' } });
      expect(reading.byError(SPAN.exported)).toEqual({ ok: 0, expired: 1 });
    }));

  test('counts and times what it has no room for', () =>
    marbles(async () => {
      const { meterProvider, read } = metered();
      const ledger = createLedger();
      statsToMetrics(ledger, { meterProvider, signal: 'traces' });
      const exporting = exportTo<number>({ name: 'silent', export: () => NEVER }, { ledger, maxPendingItems: 2 });
      const running = concat(of([1, 2], [3]), NEVER)
        .pipe(exporting)
        .subscribe();
      const reading = await read();
      expect(reading.byError(SPAN.exported)).toEqual({ ok: 0, queue_full: 1 });
      expect([reading.sum(SPAN.inflight), reading.sum(DURATION)]).toEqual([2, 1]);
      running.unsubscribe();
    }));
});

describe('a component', () => {
  const exporter = { name: 'official' };
  class CustomExporter {
    export(): void {}
    async shutdown(): Promise<void> {}
  }
  const url = 'http://collector.example/v1/traces';
  test.each<[string, Sink<never>, object]>([
    [
      'OTLP over HTTP',
      otlpHttp({ url, environment: {} }),
      { [TYPE]: 'otlp_http_span_exporter', 'server.address': 'collector.example', 'server.port': 80 },
    ],
    [
      'JSON',
      otlpHttp({ url: 'https://[::1]/v1/traces', encoding: 'json', environment: {} }),
      { [TYPE]: 'otlp_http_json_span_exporter', 'server.address': '::1', 'server.port': 443 },
    ],
    [
      'log records',
      otlpHttp({ signal: 'logs', environment: {} }),
      { [TYPE]: 'otlp_http_log_exporter', 'server.address': 'localhost', 'server.port': 4318 },
    ],
    [
      'gRPC',
      otlpGrpc({ environment: {} }),
      { [TYPE]: 'otlp_grpc_span_exporter', 'server.address': 'localhost', 'server.port': 4317 },
    ],
    [
      'a socket',
      otlpGrpc({ url: 'unix:/run/otel.sock', signal: 'metrics', environment: {} }),
      { [TYPE]: 'otlp_grpc_metric_exporter', 'server.address': '/run/otel.sock' },
    ],
    ['an exporter', toExporter(new CustomExporter(), exporter), { [TYPE]: 'CustomExporter' }],
    ['failover', failover(toMemory(), toMemory()), { [TYPE]: 'failover' }],
    ['firstOf', firstOf([toMemory()]), { [TYPE]: 'firstOf' }],
    ['a sink that does not say', { name: 'mine', export: () => NEVER }, { [TYPE]: 'mine' }],
  ])('is named by its sink: %s', async (_, sink, attributes) => {
    const { meterProvider, read } = metered();
    const handle = exportHandle(sink);
    using _metrics = statsToMetrics(handle, { meterProvider, signal: 'traces' });
    const [inflight] = (await read()).series.filter(({ name }) => name === SPAN.inflight);
    expect(inflight?.attributes).toEqual({ ...attributes, [NAME]: `${(attributes as { [TYPE]: string })[TYPE]}/0` });
    await handle.shutdown();
  });

  test('has a number of its own within a provider', async () => {
    const { meterProvider, read } = metered();
    const pipelines = [0, 1].map(() => spanPipeline({ sink: toMemory(), environment: {} }));
    for (const pipeline of pipelines) statsToMetrics(pipeline, { meterProvider });
    const names = (await read()).series.map(({ attributes }) => attributes[NAME]);
    expect(new Set(names)).toEqual(
      new Set(['toMemory/0', 'toMemory/1', 'batching_span_processor/0', 'batching_span_processor/1']),
    );
    await Promise.all(pipelines.map((pipeline) => pipeline.shutdown()));
  });
});

describe('what can be metered', () => {
  test('log records, by their own names and units', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const pipeline = logPipeline({ sink: toMemory(), ...QUICK });
      statsToMetrics(pipeline, { meterProvider });
      pipeline.processor.onEmit(logRecordWith());
      await advanceBy(100);
      const { series } = await read();
      expect(series.map(({ name, unit, attributes, value }) => [name, unit, attributes[NAME], value])).toEqual([
        ['otel.sdk.processor.log.queue.size', '{log_record}', 'batching_log_processor/0', 0],
        ['otel.sdk.processor.log.queue.capacity', '{log_record}', 'batching_log_processor/0', expect.any(Number)],
        ['otel.sdk.processor.log.processed', '{log_record}', 'batching_log_processor/0', 1],
        ['otel.sdk.exporter.log.inflight', '{log_record}', 'toMemory/0', 0],
        ['otel.sdk.exporter.log.exported', '{log_record}', 'toMemory/0', 1],
        ['otel.sdk.exporter.operation.duration', 's', 'toMemory/0', 1],
      ]);
    }));

  test('metrics about the pipeline that exports them: as many series at each collection', async () => {
    const pipeline = metricPipeline({ sink: toMemory(), environment: {} });
    const reader = new PeriodicExportingMetricReader(pipeline.readerOptions);
    const meterProvider = new MeterProvider({ readers: [reader] });
    statsToMetrics(pipeline, { meterProvider });
    const delivered: number[] = [];
    for (let collection = 0; collection < 8; collection += 1) {
      const before = pipeline.stats().delivered;
      await meterProvider.forceFlush();
      delivered.push(pipeline.stats().delivered - before);
    }
    expect(delivered).toEqual([2, 3, 3, 3, 3, 3, 3, 3]);
    const { series } = await readFrom(reader);
    expect(series.map(({ name, unit, value }) => [name, unit, value])).toEqual([
      ['otel.sdk.exporter.metric_data_point.inflight', '{data_point}', 0],
      ['otel.sdk.exporter.metric_data_point.exported', '{data_point}', 23],
      ['otel.sdk.exporter.operation.duration', 's', 8],
    ]);
    await meterProvider.shutdown();
  });

  test('a composition that is run, whose exports share the items out', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const input = fromSpanProcessor();
      const outcomes$ = input.spans$.pipe(
        groupBy(({ name }) => name),
        mergeMap((group$) => group$.pipe(adaptiveBatch({ scheduledDelayMillis: 5 }), exportTo(toMemory()))),
        map(({ delivered }) => delivered),
      );
      const pipeline = runPipeline(input, outcomes$);
      statsToMetrics(pipeline, { meterProvider });
      for (const name of ['a', 'b', 'b']) input.onEnd(spanWith({ name }));
      await advanceBy(100);
      const reading = await read();
      expect(reading.byError(SPAN.processed)).toEqual({ ok: 3 });
      expect(['toMemory/0', 'toMemory/1'].map((name) => reading.sum(SPAN.exported, { [NAME]: name }))).toEqual([1, 2]);
      await pipeline.shutdown();
      expect((await read()).sum(SPAN.queueCapacity)).toBe(0);
    }));

  test('a composition that is run, one of whose operators throws at a batch', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const input = fromSpanProcessor();
      let batches = 0;
      const outcomes$ = input.spans$.pipe(
        adaptiveBatch({ scheduledDelayMillis: 5, maxExportBatchSize: 2 }),
        tap(() => {
          batches += 1;
          if (batches === 1) throw new Error('not this one');
        }),
        exportTo(toMemory()),
      );
      const pipeline = runPipeline(input, outcomes$);
      statsToMetrics(pipeline, { meterProvider });
      for (let count = 0; count < 3; count += 1) input.onEnd(spanWith());
      await advanceBy(100);
      input.onEnd(spanWith());
      await pipeline.shutdown();
      const reading = await read();
      const processed = reading.byError(SPAN.processed);
      expect(processed).toMatchObject({ operator_failed: 2 });
      expect(Object.values(processed).reduce((sum, count) => sum + count)).toBe(4);
      expect(reading.sum(SPAN.exported)).toBe(processed.ok);
    }));

  test('a ledger, of an export alone: there is no processor', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider, read } = metered();
      const ledger = createLedger();
      of([1, 2], [3]).pipe(exportTo(toMemory(), { ledger })).subscribe();
      statsToMetrics(ledger, { meterProvider, signal: 'logs' });
      await advanceBy(100);
      const reading = await read();
      expect(reading.byError('otel.sdk.exporter.log.exported')).toEqual({ ok: 3 });
      expect(reading.series.filter(({ name }) => name.includes('processor'))).toEqual([]);
    }));
});

describe('metrics', () => {
  test('are the same for each of several readers, whenever they collect', () =>
    marbles(async ({ advanceBy }) => {
      const readers = [new MemoryReader(), new MemoryReader()] as const;
      const pipeline = spanPipeline({ sink: toMemory(), ...QUICK });
      statsToMetrics(pipeline, { meterProvider: new MeterProvider({ readers: [...readers] }) });
      end(pipeline, 2);
      await advanceBy(100);
      await readFrom(readers[0]);
      end(pipeline, 1);
      await advanceBy(100);
      const readings = await Promise.all(readers.map(readFrom));
      expect(readings.map((reading) => reading.sum(SPAN.exported))).toEqual([3, 3]);
    }));

  test.each(['shutdown', 'close'] as const)('leave no callback behind: %s', async (how) => {
    const { meterProvider } = metered();
    const meter = meterProvider.getMeter('test');
    const [added, removed] = [
      vi.spyOn(meter, 'addBatchObservableCallback'),
      vi.spyOn(meter, 'removeBatchObservableCallback'),
    ];
    const pipeline = spanPipeline({ sink: toMemory(), environment: {} });
    const made = statsToMetrics(pipeline, { meterProvider: { getMeter: () => meter } });
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 0]);
    if (how === 'close') made.close();
    else await pipeline.shutdown();
    expect(removed.mock.calls).toEqual(added.mock.calls);
    made.close();
    expect(removed.mock.calls).toHaveLength(1);
    await pipeline.shutdown();
  });

  test('that cannot be recorded do not hurt the pipeline', () =>
    marbles(async ({ advanceBy }) => {
      const { meterProvider } = metered();
      const meter = meterProvider.getMeter('test');
      vi.spyOn(meter, 'createHistogram').mockReturnValue({
        record: () => {
          throw new Error('no room');
        },
      });
      const pipeline = spanPipeline({ sink: toMemory(), ...QUICK });
      statsToMetrics(pipeline, { meterProvider: { getMeter: () => meter } });
      end(pipeline, 1);
      await advanceBy(100);
      expect(pipeline.stats()).toMatchObject({ delivered: 1, callbackErrors: 1 });
    }));

  test('need no provider that measures', async () => {
    const pipeline = spanPipeline({ sink: toMemory(), environment: {} });
    statsToMetrics(pipeline, { meterProvider: metrics.getMeterProvider() });
    end(pipeline, 1);
    await pipeline.shutdown();
    expect(pipeline.stats().delivered).toBe(1);
  });

  test('are refused where nothing says what they are about', () => {
    const { meterProvider } = metered();
    const pipeline = { stats$: NEVER };
    expect(() => statsToMetrics(pipeline, { meterProvider })).toThrow(/statsToMetrics\.pipeline\.stats\$ must be/);
    expect(() => statsToMetrics(createLedger(), { meterProvider })).toThrow(
      /statsToMetrics\.signal must be .* no sink says it/,
    );
    expect(() => statsToMetrics(createLedger(), {} as never)).toThrow(
      /statsToMetrics\.meterProvider must be a MeterProvider/,
    );
    const misspelt = { meterProvider, signals: 'logs' } as never;
    expect(() => statsToMetrics(createLedger(), misspelt)).toThrow(/signals must be one of .* did you mean 'signal'/);
  });
});
