import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { exportHandle, type InvalidOptionError, spanPipeline, toMemory } from '../../src/index.ts';
import { logPipeline, type ReadableLogRecord } from '../../src/logs.ts';
import { type MetricDataPoint, metricPipeline } from '../../src/metrics.ts';

/** For each option a value that it refuses. */
const COMMON = {
  maxQueueSize: -1,
  maxQueueBytes: 0,
  maxExportBatchSize: 0,
  maxExportBatchBytes: 1.5,
  scheduledDelayMillis: -1,
  targetLatencyMillis: 0,
  strategy: {},
  memory: { maxBytes: 5 },
  concurrency: 0,
  attemptTimeoutMillis: 0,
  retry: 3,
  random: 0.5,
  breaker: 5,
  rateLimit: 'slow',
  retryBudget: 0.2,
  flushTimeoutMillis: 0,
  shutdownDeadlineMillis: -1,
  exitDeadlineMillis: Number.POSITIVE_INFINITY,
  shutdownOn: ['SIGKILL'],
  warnIntervalMillis: Number.NaN,
  pauseWhen: true,
  settings$: {},
  scheduler: {},
};

const RETRY = { backoff: 5, maxAttempts: 0, maxElapsedMillis: 0, maxRetryAfterMillis: -1, maxAttemps: 3 };

const OF_A_SIGNAL = {
  ...COMMON,
  ...{ overflow: 'error', priorityOf: 5, maxUnsettledBatches: 0, environment: 5, operators: 5, spool: 5 },
};

const COMPOSITIONS = [
  {
    name: 'spanPipeline',
    wrong: OF_A_SIGNAL,
    make: (options: object) => spanPipeline({ sink: toMemory<ReadableSpan>(), environment: {}, ...options }),
  },
  {
    name: 'logPipeline',
    wrong: OF_A_SIGNAL,
    make: (options: object) => logPipeline({ sink: toMemory<ReadableLogRecord>(), environment: {}, ...options }),
  },
  {
    name: 'metricPipeline',
    wrong: {
      ...COMMON,
      ...{ exportIntervalMillis: 0, exportTimeoutMillis: 0, environment: 5, operators: 5 },
      ...{ temporalityPreference: 'newest', aggregationPreference: 1, cardinalityLimits: 5 },
    },
    make: (options: object) => metricPipeline({ sink: toMemory<MetricDataPoint>(), environment: {}, ...options }),
  },
  {
    name: 'exportHandle',
    wrong: { ...COMMON, sizeOf: 5, maxWaitingExports: -1 },
    make: (options: object) => exportHandle(toMemory(), options),
  },
];

function errorOf(work: () => unknown): InvalidOptionError {
  try {
    work();
  } catch (error) {
    return error as InvalidOptionError;
  }
  throw new Error('nothing was thrown');
}

for (const { name, wrong, make } of COMPOSITIONS) {
  describe(`${name}: a wrong option is refused by the name of the function that was called`, () => {
    test('the table has every option', () => {
      const { rule } = errorOf(() => make({ nonsense: 1 }));
      const known = /\((.*)\)/
        .exec(rule)?.[1]
        ?.split(', ')
        .filter((option) => option !== 'sink' && option !== 'sinks');
      expect(Object.keys(wrong).sort()).toEqual(known?.sort());
    });

    test.each(Object.entries(wrong))('%s: %j', (option, value) => {
      const error = errorOf(() => make({ [option]: value }));
      expect(error).toMatchObject({ code: 'INVALID_OPTION', option: `${name}.${option}`, given: value });
      expect(error.mistakes).toHaveLength(1);
    });

    test.each(Object.entries(RETRY))('retry.%s: %j', (option, value) => {
      expect(errorOf(() => make({ retry: { [option]: value } })).option).toBe(`${name}.retry.${option}`);
    });

    test.each([
      [{ maxQueueSize: 5, maxExportBatchSize: 6 }, 'maxExportBatchSize must be a whole number from 1 to 5'],
      [{ maxExportBatchSize: 40_000 }, 'maxExportBatchSize must be a whole number from 1 to 32768'],
      [{ maxQueueBytes: 10, maxExportBatchBytes: 11 }, 'maxExportBatchBytes must be a whole number from 1 to 10'],
    ])('a batch that is larger than the queue: %j', (options, message) => {
      expect(errorOf(() => make(options)).message).toContain(`${name}.${message}`);
    });

    test('all of them at once', () => {
      const { mistakes } = errorOf(() => make(wrong));
      expect(mistakes.map(({ option }) => option).sort()).toEqual(
        Object.keys(wrong)
          .map((option) => `${name}.${option}`)
          .sort(),
      );
    });

    test('the largest limits are accepted', async () => {
      const max = Number.MAX_SAFE_INTEGER;
      const sizes = { maxQueueSize: max, maxQueueBytes: max, maxExportBatchSize: max, maxExportBatchBytes: max };
      await make({ ...sizes, concurrency: max }).shutdown();
      await make({ concurrency: NEVER }).shutdown();
    });

    test('forceFlush and shutdown', async () => {
      const made = make({});
      expect(errorOf(() => made.forceFlush({ timeoutMillis: -1 })).option).toBe(`${name}.forceFlush.timeoutMillis`);
      expect(errorOf(() => made.shutdown({ deadlineMillis: -1 })).option).toBe(`${name}.shutdown.deadlineMillis`);
      await made.shutdown();
    });
  });
}

test('what is missing is reported with what is wrong', () => {
  const error = errorOf(() => spanPipeline({ maxQueueSize: -1 } as never));
  expect(error.mistakes.map(({ option }) => option)).toEqual(['spanPipeline.sink', 'spanPipeline.maxQueueSize']);
});

test('a variable of the environment never makes an option that was given wrong', async () => {
  const environment = { OTEL_BSP_MAX_QUEUE_SIZE: '50000' };
  const pipeline = spanPipeline({ sink: toMemory(), environment, maxExportBatchSize: 40_000 });
  await pipeline.shutdown();
});
