import { diag } from '@opentelemetry/api';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { NEVER, of, queueScheduler, Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  exportHandle,
  type Response,
  type Sink,
  type SpanPipelineOptions,
  spanPipeline,
  toMemory,
} from '../../src/index.ts';
import { spanWith } from '../support/spans.ts';

const spansOf = (count: number, name = 'span') =>
  Array.from({ length: count }, (_, index) => spanWith({ name: `${name} ${index}` }));

/** A pipeline, a handle on it, and the spans that end in the process meanwhile. */
function handleOn(options: Partial<SpanPipelineOptions> & Pick<SpanPipelineOptions, 'sink'>) {
  const pipeline = spanPipeline({ environment: {}, scheduledDelayMillis: 5, ...options });
  const tracer = new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('host');
  const endInHost = (count: number) => {
    for (let index = 0; index < count; index += 1) tracer.startSpan(`host ${index}`).end();
  };
  return { pipeline, handle: pipeline.handle(), endInHost };
}

beforeEach(() => {
  diag.setLogger({ error() {}, warn() {}, info() {}, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
});
afterEach(() => diag.disable());

describe('the handle of a pipeline', () => {
  test('answers each caller for exactly its spans, in the company of those that end in the process', async () => {
    const memory = toMemory<ReadableSpan>();
    const { handle, endInHost } = handleOn({ sink: memory });
    const [first, second] = [handle.export(spansOf(3, 'first')), handle.export(spansOf(2, 'second'))];
    endInHost(4);
    expect(await first).toMatchObject({ delivered: 3, rejected: 0, lost: [], estimated: 0 });
    expect(await second).toMatchObject({ delivered: 2, estimated: 0 });
    await handle.shutdown();
    expect(memory.items).toHaveLength(9);
    expect(handle.stats()).toMatchObject({ offered: 9, delivered: 9, pending: 0 });
  });

  test('what a backend rejects of a shared batch is divided in proportion, and said to be', async () => {
    const sink: Sink<ReadableSpan> = { name: 'picky', export: () => of({ rejected: 5, message: 'too old' }) };
    const { handle, endInHost } = handleOn({ sink });
    const answer = handle.export(spansOf(4));
    endInHost(6);
    expect(await answer).toMatchObject({ delivered: 2, rejected: 2, estimated: 4, message: 'too old' });
    await handle.shutdown();
  });

  test('what finds no room is answered at once', async () => {
    const { handle } = handleOn({ sink: toMemory(), maxQueueSize: 3 });
    const answer = await handle.export(spansOf(5));
    expect(answer).toMatchObject({ delivered: 3, lost: [{ count: 2, reason: 'queueFull' }] });
    await handle.shutdown();
  });

  test('a span that was evicted for a newer one is lost in the answer of its own call', async () => {
    const { handle, endInHost } = handleOn({ sink: toMemory(), maxQueueSize: 3, overflow: 'dropOldest' });
    const answer = handle.export(spansOf(3));
    endInHost(2);
    expect(await answer).toMatchObject({
      delivered: 1,
      lost: [{ count: 2, reason: 'queueFull', stage: 'fromSpanProcessor' }],
    });
    await handle.shutdown();
  });

  test('an item that is larger than the queue of the batcher is lost in its answer', async () => {
    const { handle } = handleOn({ sink: toMemory(), maxQueueBytes: 1_000 });
    const answer = await handle.export([spanWith({ name: 'x'.repeat(2_000) }), spanWith({ name: 'small' })]);
    expect(answer).toMatchObject({ delivered: 1, lost: [{ count: 1, reason: 'tooLarge', stage: 'adaptiveBatch' }] });
    await handle.shutdown();
  });

  test('spans that are not sampled, and what is no span, are answered as such', async () => {
    const { handle } = handleOn({ sink: toMemory() });
    const unsampled = {
      ...spanWith({}),
      spanContext: () => ({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 0 }),
    };
    const answer = await handle.export([unsampled, {} as ReadableSpan]);
    expect(answer.lost).toMatchObject([{ reason: 'unsampled' }, { reason: 'unencodable' }]);
    await handle.shutdown();
  });

  test('a span that is exported twice is answered twice', async () => {
    const memory = toMemory<ReadableSpan>();
    const { handle } = handleOn({ sink: memory });
    const span = spanWith({ name: 'twice' });
    const answers = await Promise.all([handle.export([span]), handle.export([span, span])]);
    expect(answers.map((answer) => answer.delivered)).toEqual([1, 2]);
    expect(memory.items).toHaveLength(3);
    await handle.shutdown();
  });

  test('a shutdown answers the calls on their way, and the calls that come later', async () => {
    const { handle, pipeline } = handleOn({ sink: { name: 'silent', export: () => NEVER } });
    const answer = handle.export(spansOf(2));
    await pipeline.shutdown({ deadlineMillis: 50 });
    const [loss] = (await answer).lost;
    expect(loss).toMatchObject({ count: 2 });
    expect(['unconfirmed', 'shutdown']).toContain(loss?.reason);
    expect(await handle.export(spansOf(1))).toMatchObject({ lost: [{ count: 1, reason: 'alreadyShutdown' }] });
    expect(handle.stats()).toMatchObject({ offered: 3, refused: { alreadyShutdown: 1 } });
  });

  test('a call is answered even if a sink takes items out of its batch', async () => {
    const sink: Sink<ReadableSpan> = {
      name: 'greedy',
      export: ({ items }) => {
        (items as ReadableSpan[]).splice(1);
        return of({});
      },
    };
    const { handle } = handleOn({ sink });
    let answer: unknown;
    handle.export(spansOf(3)).then((answered) => {
      answer = answered;
    });
    await handle.shutdown();
    expect(answer).toMatchObject({ delivered: 1, lost: [{ count: 2, reason: 'shutdown', stage: 'exportHandle' }] });
  });

  test('an outcome that comes while the span is being offered is for its caller', async () => {
    const { handle } = handleOn({ sink: toMemory(), scheduler: queueScheduler, scheduledDelayMillis: 0 });
    const span = spanWith({ name: 'twice' });
    const answer = handle.export([span, span, spanWith({})]);
    await handle.shutdown();
    expect(await answer).toMatchObject({ delivered: 3, lost: [] });
  });

  test('of a span that is exported twice and refused once, the one that got in is answered with its outcome', async () => {
    const { handle } = handleOn({ sink: toMemory(), maxQueueSize: 1 });
    const span = spanWith({ name: 'twice' });
    const [first, second] = [handle.export([span]), handle.export([span])];
    const third = handle.export([spanWith({})]);
    expect([await first, await second]).toMatchObject([{ delivered: 1 }, { lost: [{ reason: 'queueFull' }] }]);
    await third;
    const again = handle.export([span]);
    await handle.shutdown();
    expect(await again).toMatchObject({ delivered: 1 });
  });

  test('an abort rejects, and the spans go on', async () => {
    const response = new Subject<Response>();
    const { handle } = handleOn({ sink: { name: 'slow', export: () => response } });
    const abort = new AbortController();
    const answer = handle.export(spansOf(2), { signal: abort.signal });
    const flushed = handle.forceFlush();
    abort.abort(new Error('no patience'));
    await expect(answer).rejects.toThrow('no patience');
    response.next({});
    await flushed;
    expect(handle.stats()).toMatchObject({ delivered: 2, pending: 0 });
    await expect(handle.export(spansOf(1), { signal: abort.signal })).rejects.toThrow('no patience');
    expect(handle.stats().offered).toBe(2);
    response.complete();
    await handle.shutdown();
  });

  test('an empty array is answered at once, and what is no array is refused', async () => {
    const { handle } = handleOn({ sink: toMemory() });
    expect(await handle.export([])).toMatchObject({ delivered: 0, lost: [] });
    expect(() => handle.export('spans' as unknown as ReadableSpan[])).toThrow(
      'spanPipeline.handle.export.items must be an array',
    );
    await handle.shutdown();
  });

  test('exportHandle on a pipeline is its handle(), without options', async () => {
    const { handle, pipeline } = handleOn({ sink: toMemory() });
    expect(exportHandle(pipeline)).toBe(handle);
    expect(() => exportHandle(pipeline as never, { concurrency: 2 })).toThrow(
      'exportHandle options must be left out for a pipeline, which has its own',
    );
    await handle.shutdown();
  });
});
