import { type Context, SeverityNumber } from '@opentelemetry/api';
import * as sdk from '@opentelemetry/sdk-logs';
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest';
import { createLedger, type Loss, runPipeline } from '../../src/index.ts';
import {
  type FromLogRecordProcessorOptions,
  fromLogRecordProcessor,
  type LogRecordInput,
  type ReadableLogRecord,
} from '../../src/logs.ts';
import { turns } from '../support/turns.ts';

/** An input with a real logger in front of it. */
function logging(options: FromLogRecordProcessorOptions = {}, behind: sdk.LogRecordProcessor[] = []) {
  const ledger = createLedger();
  const losses: Loss[] = [];
  const input = fromLogRecordProcessor({ ledger, onLoss: (loss) => losses.push(loss), ...options });
  const provider = new sdk.LoggerProvider({ processors: [input, ...behind] });
  onTestFinished(() => provider.shutdown());
  const logger = provider.getLogger('test');
  return { input, ledger, losses, provider, logger };
}

function bodiesOf(input: LogRecordInput): unknown[] {
  const bodies: unknown[] = [];
  input.records$.subscribe(({ body }) => bodies.push(body));
  return bodies;
}

describe('fromLogRecordProcessor', () => {
  test('takes the records of the SDK', () => {
    expectTypeOf<sdk.ReadWriteLogRecord>().toExtend<ReadableLogRecord>();
  });

  test('emits what was emitted, a turn later and in that order', async () => {
    const { input, logger } = logging();
    const bodies = bodiesOf(input);
    logger.emit({ body: 'a' });
    logger.emit({ body: { deep: ['b'] } });
    expect(bodies).toEqual([]);
    await turns(1);
    expect(bodies).toEqual(['a', { deep: ['b'] }]);
  });

  test('keeps records until somebody subscribes', async () => {
    const { input, logger } = logging();
    logger.emit({ body: 'early' });
    await turns(1);
    const bodies = bodiesOf(input);
    await turns(1);
    expect(bodies).toEqual(['early']);
  });

  test('the record has what processors behind it have changed', async () => {
    const behind: sdk.LogRecordProcessor = {
      onEmit: (record: sdk.ReadWriteLogRecord, _context?: Context) =>
        void record.setBody('redacted').setAttribute('late', true).setSeverityNumber(SeverityNumber.WARN),
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    const { input, logger } = logging({}, [behind]);
    const records: ReadableLogRecord[] = [];
    input.records$.subscribe((record) => records.push(record));
    logger.emit({ body: 'secret' });
    await turns(1);
    expect(records).toMatchObject([{ body: 'redacted', attributes: { late: true }, severityNumber: 13 }]);
  });

  test('nobody is called within emit', () => {
    const { input, logger } = logging({ maxQueueSize: 1, onLoss: unreached, onCallbackError: unreached });
    const subscription = input.records$.subscribe(unreached);
    for (const body of ['a', 'b', 'c']) logger.emit({ body });
    subscription.unsubscribe();
  });

  test('a full ring refuses the newest, or loses the oldest, and tells of it a turn later', async () => {
    const newest = logging({ maxQueueSize: 2 });
    const oldest = logging({ maxQueueSize: 2, overflow: 'dropOldest' });
    for (const body of ['a', 'b', 'c']) for (const { logger } of [newest, oldest]) logger.emit({ body });
    await turns(1);
    for (const { losses } of [newest, oldest])
      expect(losses).toEqual([{ count: 1, reason: 'queueFull', stage: 'fromLogRecordProcessor' }]);
    const kept = [newest, oldest].map(({ input }) => bodiesOf(input));
    await turns(1);
    expect(kept).toEqual([
      ['a', 'b'],
      ['b', 'c'],
    ]);
    expect(newest.ledger.stats()).toMatchObject({ offered: 3, accepted: 2, refused: { queueFull: 1 } });
    expect(oldest.ledger.stats()).toMatchObject({ offered: 3, accepted: 3, lost: { queueFull: 1 } });
  });

  test('forceFlush waits for whoever holds its request, and the provider hands it on', async () => {
    const { input, provider, logger } = logging();
    const order: string[] = [];
    input.records$.subscribe(() => order.push('record'));
    input.flush$.subscribe((request) => {
      order.push('request');
      const hold = request.hold();
      queueMicrotask(() => {
        order.push('settled');
        hold.settle();
      });
    });
    logger.emit({ body: 'a' });
    await provider.forceFlush();
    expect(order).toEqual(['record', 'request', 'settled']);
  });

  test('the shutdown sends what waits, completes the stream, and later records are refused', async () => {
    const { input, logger, ledger, provider } = logging();
    let isComplete = false;
    const bodies: unknown[] = [];
    input.records$.subscribe({
      next: ({ body }) => bodies.push(body),
      complete: () => {
        isComplete = true;
      },
    });
    logger.emit({ body: 'a' });
    await provider.shutdown();
    input.onEmit({ body: 'late' } as never);
    expect({ bodies, isComplete }).toEqual({ bodies: ['a'], isComplete: true });
    expect(ledger.stats().refused).toEqual({ alreadyShutdown: 1 });
  });

  test('runPipeline takes it, and flushes it', async () => {
    const { input, logger } = logging({ ledger: undefined } as never);
    const bodies: unknown[] = [];
    const { records$ } = input;
    const running = runPipeline(input, records$);
    running.outcomes$.subscribe(({ body }) => bodies.push(body));
    logger.emit({ body: 'a' });
    await running.forceFlush();
    expect(bodies).toEqual(['a']);
    await running.shutdown();
  });

  test.each([
    [{ maxQueueSize: 0 }, 'fromLogRecordProcessor.maxQueueSize must be a whole number from 1, but was given 0'],
    [{ queue: 5 }, 'fromLogRecordProcessor.queue must be one of the known options'],
  ])('refuses %j by its own name', (options, message) => {
    expect(() => fromLogRecordProcessor(options as FromLogRecordProcessorOptions)).toThrow(message);
  });

  test('refuses a wrong timeout by its own name', () => {
    expect(() => fromLogRecordProcessor().forceFlush({ timeoutMillis: -1 })).toThrow(
      'fromLogRecordProcessor.forceFlush.timeoutMillis must be',
    );
  });
});

function unreached(): never {
  throw new Error('called within emit');
}
