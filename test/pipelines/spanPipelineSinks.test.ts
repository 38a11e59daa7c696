import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { map, NEVER, of, ReplaySubject, throwError, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  circuitBreaker,
  ExportError,
  fixedSize,
  type Outcome,
  otlpHttp,
  type Response,
  type Sink,
  spanPipeline,
  toMemory,
} from '../../src/index.ts';
import { otlpBackend, virtualTime } from '../../src/testing/index.ts';
import { spanWith } from '../support/spans.ts';

const REFUSING: Sink<ReadableSpan> = {
  name: 'refusing',
  export: () => throwError(() => new ExportError({ kind: 'permanent' }, 'no')),
};
const SILENT: Sink<ReadableSpan> = { name: 'silent', export: () => NEVER };

/** Options of a pipeline that a test ends by itself. */
const QUIET = { environment: {}, exitDeadlineMillis: 0 } as const;

function spansOf(count: number): ReadableSpan[] {
  return Array.from({ length: count }, (_, index) => spanWith({ name: `span ${index}` }));
}

type Options = Parameters<typeof spanPipeline>[0];

/** A pipeline with a real tracer in front of it. */
function traced(options: Options) {
  const pipeline = spanPipeline({ ...QUIET, ...options });
  const tracer = new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('test');
  const outcomes: Outcome<ReadableSpan>[] = [];
  pipeline.outcomes$.subscribe((outcome) => outcomes.push(outcome));
  const end = (count: number) => {
    for (let index = 0; index < count; index += 1) tracer.startSpan(`span ${index}`).end();
  };
  return { pipeline, end, outcomes };
}

describe('a pipeline to several sinks', () => {
  test('delivers to each, shows each route, and shuts all sinks down, each once', async () => {
    const shutdowns: string[] = [];
    const noting = (name: string): Sink<ReadableSpan> => ({
      name,
      export: () => of({}),
      shutdown: async () => void shutdowns.push(name),
    });
    const [a, b] = [noting('a'), noting('b')];
    const { pipeline, end, outcomes } = traced({
      sinks: { a, b: { sink: b, filter: ({ name }) => name === 'span 0' }, again: { sink: a, required: false } },
    });
    end(3);
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({
      delivered: 3,
      pending: 0,
      routes: { a: { delivered: 3 }, b: { delivered: 1, between: 2 }, again: { delivered: 3 } },
    });
    expect(outcomes.map(({ route, delivered }) => `${route} ${delivered}`).sort()).toEqual(['a 3', 'again 3', 'b 1']);
    await pipeline.shutdown();
    expect(shutdowns).toEqual(['a', 'b']);
  });

  test('shows the route of a sink that is the only one, too', async () => {
    const { pipeline, end } = traced({
      sinks: { main: { sink: toMemory(), filter: ({ name }) => name === 'span 0' } },
    });
    end(3);
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({
      delivered: 1,
      removed: 2,
      pending: 0,
      between: 0,
      routes: { main: { offered: 3, delivered: 1, between: 2 } },
    });
    await pipeline.shutdown();
  });

  test.each<[string, object, object]>([
    ['given for all', { overflow: 'dropLowestPriority' }, {}],
    ['given by a branch', {}, { overflow: 'dropLowestPriority' }],
  ])('dropLowestPriority, %s, keeps the errors in the queue of a branch', (_given, common, own) =>
    virtualTime(async ({ advanceBy }) => {
      const answers = new ReplaySubject<Response>(1);
      const names: string[] = [];
      const sink: Sink<ReadableSpan> = {
        name: 'busy',
        export: ({ items }) => {
          names.push(...items.map(({ name }) => name));
          return answers;
        },
      };
      const pipeline = spanPipeline({
        ...QUIET,
        ...common,
        sinks: { a: { sink, concurrency: 1, maxQueueSize: 40, maxUnsettledBatches: 1, ...own } },
        maxExportBatchSize: 10,
        scheduledDelayMillis: 0,
      });
      const errors = spansOf(20).map((span) => ({ ...span, name: 'error', status: { code: 2 } }));
      // The errors come first: dropping by age would lose them.
      for (const span of [...spansOf(10), ...errors, ...spansOf(200)]) pipeline.processor.onEnd(span);
      await advanceBy(100);
      answers.next({});
      await pipeline.forceFlush();
      expect(names.filter((name) => name === 'error')).toHaveLength(20);
      expect(pipeline.stats().routes.a).toMatchObject({ pending: 0, delivered: 50, lost: { queueFull: 180 } });
      await pipeline.shutdown();
    }),
  );

  test('its totals, its flush and its handle go by the required ones', async () => {
    const { pipeline } = traced({
      sinks: { main: toMemory<ReadableSpan>(), audit: { sink: SILENT, required: false } },
      shutdownDeadlineMillis: 0,
    });
    const answer = pipeline.handle().export(spansOf(3));
    await pipeline.forceFlush();
    expect(await answer).toMatchObject({ delivered: 3, lost: [], estimated: 0 });
    expect(pipeline.stats()).toMatchObject({ delivered: 3, pending: 0, routes: { audit: { pending: 3 } } });
    await pipeline.shutdown();
    expect(pipeline.stats().routes.audit).toMatchObject({ pending: 0, lost: { unconfirmed: 3 } });
  });

  test('a handle answers with the loss of the required one that has delivered least', async () => {
    const { pipeline } = traced({
      sinks: { main: toMemory<ReadableSpan>(), few: { sink: REFUSING, filter: ({ name }) => name === 'few' } },
    });
    const spans = spansOf(4).map((span, index) => ({ ...span, ...(index === 2 && { name: 'few' }) }));
    const answer = pipeline.handle().export(spans);
    await pipeline.forceFlush();
    expect(await answer).toMatchObject({
      delivered: 3,
      lost: [{ count: 1, reason: 'permanent', stage: 'exportTo(refusing)' }],
      error: { message: 'no' },
    });
    await pipeline.shutdown();
  });

  test('the options of the pipeline are those of each branch that has none of its own', () =>
    virtualTime(async () => {
      const slow: Sink<ReadableSpan> = { name: 'slow', export: () => timer(5_000).pipe(map(() => ({}))) };
      const { pipeline, end } = traced({
        sinks: { one: slow, other: { sink: slow, attemptTimeoutMillis: 6_000 } },
        attemptTimeoutMillis: 1_000,
        retry: { maxAttempts: 1 },
      });
      end(1);
      await pipeline.forceFlush();
      expect(pipeline.stats().routes).toMatchObject({ one: { lost: { unconfirmed: 1 } }, other: { delivered: 1 } });
      await pipeline.shutdown();
    }));

  test('a breaker for all sinks is refused: a dead one would stop the others', () => {
    const breaker = circuitBreaker();
    expect(() => spanPipeline({ ...QUIET, sinks: { one: toMemory(), two: toMemory() }, breaker })).toThrow(
      'spanPipeline.breaker must be given to each of the sinks',
    );
    const pipeline = spanPipeline({ ...QUIET, sinks: { one: { sink: toMemory(), breaker }, two: toMemory() } });
    return pipeline.shutdown();
  });

  test('a shutdown waits for best-effort branches, within its deadline', () =>
    virtualTime(async ({ now }) => {
      const slow: Sink<ReadableSpan> = { name: 'slow', export: () => timer(3_000).pipe(map(() => ({}))) };
      const branches = { main: toMemory<ReadableSpan>(), slow: { sink: slow, required: false } };
      const { pipeline, end } = traced({ sinks: { ...branches, silent: { sink: SILENT, required: false } } });
      end(2);
      await pipeline.shutdown({ deadlineMillis: 4_000 });
      expect(now()).toBe(4_000);
      expect(pipeline.stats().routes).toMatchObject({
        slow: { delivered: 2 },
        silent: { lost: { unconfirmed: 2 }, pending: 0 },
      });
    }));

  test.each<[string, object, string]>([
    ['neither sink nor sinks', {}, 'spanPipeline.sink must be a sink'],
    ['both', { sink: SILENT, sinks: { a: SILENT } }, 'spanPipeline.sink must be left out where there are sinks'],
    ['sinks that are none', { sinks: 5 }, 'spanPipeline.sinks must be an object'],
    ['no sinks', { sinks: {} }, 'spanPipeline.sinks branches must be an object of branches by name'],
    [
      'a wrong option of a branch',
      { sinks: { a: { sink: SILENT, maxQueueSize: 0 } } },
      'spanPipeline.sinks.a.maxQueueSize',
    ],
    ['nothing for a branch', { sinks: { a: null } }, 'spanPipeline.sinks.a options must be an object'],
  ])('is refused with %s', (_title, options, message) => {
    expect(() => spanPipeline({ ...QUIET, ...options } as never)).toThrow(message);
  });
});

describe('a pipeline to several otlpHttp sinks', () => {
  const SIZE = 500;
  const sinkTo = ({ url }: { readonly url: string }) => otlpHttp({ url, environment: {} });

  /** Spans that count how often they are encoded. */
  function counted(count: number) {
    let encoded = 0;
    const get = () => {
      encoded += 1;
      return 0;
    };
    const spans = spansOf(count).map((span) => Object.defineProperty({ ...span }, 'droppedLinksCount', { get }));
    return { spans, encoded: () => encoded };
  }

  const inBatches = { ...QUIET, maxExportBatchSize: SIZE, strategy: fixedSize(), shutdownDeadlineMillis: 0 } as const;

  test('encodes each batch once where its attempts overlap, though one backend is slow and one answers nothing', async () => {
    await using near = await otlpBackend();
    await using slow = await otlpBackend({ answers: { delayMillis: 200 } });
    await using dead = await otlpBackend({ answers: 'hang' });
    const { spans, encoded } = counted(4 * SIZE);
    const pipeline = spanPipeline({
      ...inBatches,
      sinks: { near: sinkTo(near), slow: sinkTo(slow), dead: { sink: sinkTo(dead), required: false } },
    });
    const answer = await pipeline.handle().export(spans);
    expect(answer).toMatchObject({ delivered: 4 * SIZE, lost: [] });
    await dead.until(({ requestCount }) => requestCount === 4);
    expect([near.spans, slow.spans, near.requestCount, slow.requestCount]).toEqual([2_000, 2_000, 4, 4]);
    expect(encoded()).toBe(4 * SIZE);
    await pipeline.shutdown();
  });

  test('encodes a batch anew that has waited in the queue of a slow branch until the others had sent it', async () => {
    const opened = Promise.withResolvers<'ok'>();
    await using near = await otlpBackend();
    await using slow = await otlpBackend({ answers: () => opened.promise });
    await using dead = await otlpBackend({ answers: 'hang' });
    const { spans, encoded } = counted(4 * SIZE);
    const oneByOne = { required: false, concurrency: 1, maxUnsettledBatches: 1 } as const;
    const pipeline = spanPipeline({
      ...inBatches,
      sinks: {
        near: sinkTo(near),
        slow: { sink: sinkTo(slow), ...oneByOne },
        dead: { sink: sinkTo(dead), ...oneByOne },
      },
    });
    for (let at = 0; at < 4 * SIZE; at += SIZE) await pipeline.handle().export(spans.slice(at, at + SIZE));
    // The first batch is in all three requests, the others in one each: those of the slow and the dead branch wait, and no encoded request with them.
    expect(near.requestCount).toBe(4);
    expect(encoded()).toBe(4 * SIZE);
    opened.resolve('ok');
    await slow.until((backend) => backend.spans === 4 * SIZE);
    // Each of the three that had waited for the slow backend was encoded once more.
    expect(encoded()).toBe((4 + 3) * SIZE);
    expect(dead.requestCount).toBe(1);
    await pipeline.shutdown();
  });
});
