import { type DiagLogger, DiagLogLevel, diag, SeverityNumber } from '@opentelemetry/api';
import * as sdk from '@opentelemetry/sdk-logs';
import { filter, map, NEVER, type Observable, of, throwError } from 'rxjs';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { ExportError, exponentialBackoff, type Response, type Sink, toMemory } from '../../src/index.ts';
import { type LogPipelineOptions, logPipeline, type ReadableLogRecord } from '../../src/logs.ts';
import { LOG_RECORDS } from '../../src/pipelines/logPipeline/options.ts';
import { logPriority } from '../../src/pipelines/logPriority.ts';
import { signalPipelineSettings } from '../../src/pipelines/signalPipeline/settings.ts';
import { turns } from '../support/turns.ts';

/** A pipeline with a real logger in front of it. */
function logging(options: LogPipelineOptions) {
  const pipeline = logPipeline({ environment: {}, ...options });
  const provider = new sdk.LoggerProvider({ processors: [pipeline.processor] });
  onTestFinished(() => provider.shutdown());
  const logger = provider.getLogger('test');
  const emit = (count: number) => {
    for (let index = 0; index < count; index += 1) logger.emit({ body: `record ${index}` });
  };
  return { pipeline, provider, logger, emit };
}

function sinkOf(answer: (call: number) => Observable<Response>): Sink<ReadableLogRecord> {
  let calls = 0;
  return { name: 'sink', export: () => answer(calls++) };
}

function warnings(): string[] {
  const told: string[] = [];
  const tell = (message: string) => void told.push(message);
  const logger: DiagLogger = { error: tell, warn: tell, info: tell, debug: tell, verbose: tell };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return told;
}

afterEach(() => diag.disable());

/** A queue of three, behind one batch that is out. */
const SMALL = { maxQueueSize: 3, maxExportBatchSize: 1, maxUnsettledBatches: 2, scheduledDelayMillis: 0 };

describe('logPipeline', () => {
  test('delivers what is emitted, in that order, and closes its sink with the provider', async () => {
    const memory = toMemory<ReadableLogRecord>();
    let closed = 0;
    const shutdown = async () => {
      closed += 1;
    };
    const { pipeline, provider, emit } = logging({ sink: { ...memory, shutdown } });
    emit(3);
    await provider.forceFlush();
    expect(memory.items.map(({ body }) => body)).toEqual(['record 0', 'record 1', 'record 2']);
    emit(2);
    await provider.shutdown();
    expect(closed).toBe(1);
    expect(pipeline.stats()).toMatchObject({ offered: 5, accepted: 5, delivered: 5, pending: 0 });
    expect(Object.keys(pipeline.stats().stages)).toEqual([
      'fromLogRecordProcessor',
      'adaptiveBatch',
      'exportTo(toMemory)',
    ]);
  });

  test('a burst of 10,000 in one turn is delivered whole', async () => {
    const memory = toMemory<ReadableLogRecord>();
    const { pipeline, emit } = logging({ sink: memory });
    emit(10_000);
    await pipeline.forceFlush();
    expect(new Set(memory.items.map(({ body }) => body)).size).toBe(10_000);
  });

  test('a batch that fails is tried again', async () => {
    const sink = sinkOf((call) =>
      call < 2 ? throwError(() => new ExportError({ kind: 'retryable' }, 'not yet')) : of({}),
    );
    const backoff = exponentialBackoff({ initialMillis: 1, maxMillis: 1 });
    const { pipeline, emit } = logging({ sink, retry: { backoff } });
    emit(4);
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ delivered: 4, lost: {} });
  });

  test('what is rejected, lost and refused is in its books, and is told', async () => {
    const told = warnings();
    const sink = sinkOf((call) =>
      call === 0
        ? of({ rejected: 1, message: 'too old' })
        : throwError(() => new ExportError({ kind: 'permanent' }, 'no')),
    );
    const { pipeline, emit } = logging({ sink, maxQueueSize: 10 });
    emit(4);
    await pipeline.forceFlush();
    emit(12);
    await pipeline.shutdown();
    expect(pipeline.stats()).toMatchObject({
      ...{ offered: 16, accepted: 14, refused: { queueFull: 2 } },
      ...{ delivered: 3, rejected: 1, lost: { permanent: 10 }, pending: 0 },
    });
    expect(told.join('\n')).toMatch(/the backend rejected 1 item: too old/);
  });

  test('operators run on records, outside of emit', async () => {
    const memory = toMemory<ReadableLogRecord>();
    const seen: unknown[] = [];
    const { pipeline, logger } = logging({
      sink: memory,
      operators: [
        filter(({ severityNumber = 0 }) => severityNumber >= SeverityNumber.WARN),
        map((record) => {
          seen.push(record.body);
          return record;
        }),
      ],
    });
    logger.emit({ body: 'quiet', severityNumber: SeverityNumber.DEBUG });
    logger.emit({ body: 'loud', severityNumber: SeverityNumber.ERROR });
    expect(seen).toEqual([]);
    await pipeline.forceFlush();
    expect(memory.items.map(({ body }) => body)).toEqual(['loud']);
    expect(() => pipeline.handle()).toThrow('logPipeline.handle must be');
  });

  test('a full queue keeps errors longest, then warnings', async () => {
    const memory = toMemory<ReadableLogRecord>();
    const { pipeline, logger } = logging({ sink: memory, overflow: 'dropLowestPriority', ...SMALL });
    pipeline.pause();
    const drained = async () => {
      while (pipeline.stats().stages.fromLogRecordProcessor?.pending !== 0) await turns(1);
    };
    // The export takes the first one, and keeps it while the pipeline is paused.
    for (const level of ['TRACE', 'INFO', 'ERROR', 'DEBUG', 'WARN', 'ERROR'] as const) {
      logger.emit({ body: level, severityNumber: SeverityNumber[level] });
      await drained();
    }
    pipeline.resume();
    await pipeline.forceFlush();
    expect(memory.items.map(({ body }) => body)).toEqual(['TRACE', 'ERROR', 'WARN', 'ERROR']);
    expect(pipeline.stats()).toMatchObject({ accepted: 6, delivered: 4, lost: { queueFull: 2 } });
  });

  test.each([
    [undefined, 4],
    [1, 2],
    [8, 2],
    [9, 4],
    [13, 6],
    [17, 8],
    [24, 8],
  ])('a record of the severity %s has the priority %d', (severityNumber, priority) => {
    expect(logPriority({ ...(severityNumber && { severityNumber }) } as ReadableLogRecord)).toBe(priority);
  });

  test('a handle shares its queue, and answers for exactly its records', async () => {
    const memory = toMemory<ReadableLogRecord>();
    const { pipeline, emit } = logging({ sink: memory });
    emit(2);
    const answer = pipeline.handle().export([{ body: 'mine' } as ReadableLogRecord]);
    await pipeline.forceFlush();
    expect(await answer).toMatchObject({ delivered: 1, lost: [] });
    expect(memory.items).toHaveLength(3);
  });

  test('goes to several sinks, each with its books', async () => {
    const [main, copy] = [toMemory<ReadableLogRecord>(), toMemory<ReadableLogRecord>()];
    const pipeline = logPipeline({ sinks: { main, copy: { sink: copy, required: false } }, environment: {} });
    const provider = new sdk.LoggerProvider({ processors: [pipeline.processor] });
    provider.getLogger('test').emit({ body: 'both' });
    await provider.shutdown();
    expect([main.items.length, copy.items.length]).toEqual([1, 1]);
    expect(pipeline.stats().routes).toMatchObject({ main: { delivered: 1 }, copy: { delivered: 1 } });
  });

  test('what has no outcome at the deadline of the shutdown is lost, and the books add up', async () => {
    const { pipeline, emit } = logging({ sink: sinkOf(() => NEVER) });
    emit(3);
    await pipeline.shutdown({ deadlineMillis: 5 });
    const { accepted, delivered, lost, pending } = pipeline.stats();
    expect({ accepted, delivered, lost, pending }).toEqual({
      accepted: 3,
      delivered: 0,
      lost: { unconfirmed: 3 },
      pending: 0,
    });
  });

  test('the variables of the batch processor of logs count where an option is left out, and those of spans do not', () => {
    const environment = {
      OTEL_BLRP_MAX_QUEUE_SIZE: '4096',
      OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '128',
      OTEL_BLRP_SCHEDULE_DELAY: '250',
      OTEL_BLRP_EXPORT_TIMEOUT: '9000',
      OTEL_BSP_MAX_QUEUE_SIZE: '7',
      OTEL_BSP_SCHEDULE_DELAY: '7',
    };
    const settings = signalPipelineSettings(LOG_RECORDS, { sink: toMemory(), environment });
    expect(settings.input.maxQueueSize).toBe(4_096);
    expect(settings.batch).toMatchObject({ maxQueueSize: 4_096, maxExportBatchSize: 128, scheduledDelayMillis: 250 });
    expect(settings.export.retry?.maxElapsedMillis).toBe(9_000);
  });

  test('a variable that makes no sense is warned about and ignored', () => {
    const told = warnings();
    const environment = { OTEL_BLRP_SCHEDULE_DELAY: 'soon' };
    const settings = signalPipelineSettings(LOG_RECORDS, { sink: toMemory(), environment });
    expect(settings.batch.scheduledDelayMillis).toBe(1_000);
    expect(told).toEqual([expect.stringContaining('OTEL_BLRP_SCHEDULE_DELAY is ignored')]);
  });
});
