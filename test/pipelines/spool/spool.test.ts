import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER, Observable, of, throwError, VirtualTimeScheduler } from 'rxjs';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  ExportError,
  type Failure,
  type Outcome,
  type Response,
  type Sink,
  type SpanPipeline,
  type SpanPipelineOptions,
  spanPipeline,
  toMemory,
} from '../../../src/index.ts';
import { logPipeline, type ReadableLogRecord } from '../../../src/logs.ts';
import { encodeLogs, encodeTraces } from '../../../src/otlp/index.ts';
import { FRAME_HEAD_BYTES } from '../../../src/pipelines/spool/frames.ts';
import { brokenBooks } from '../../support/books.ts';
import { recordWarnings } from '../../support/httpExports.ts';
import { logRecordWith } from '../../support/logRecords.ts';
import { generatedSpans, spanWith } from '../../support/spans.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

let folder: string;
beforeEach(() => {
  folder = join(temporaryFolder(), 'spool');
});

const SILENT: Sink<never> = { name: 'silent', export: () => NEVER };
const files = () => readdirSync(folder).map((name) => join(folder, name));
const only = () => {
  const [file = '', ...others] = files();
  expect(others).toEqual([]);
  return file;
};
const spans = (count: number, prefix = 'span') =>
  Array.from({ length: count }, (_, index) => spanWith({ name: `${prefix} ${index}` }));
const names = (items: readonly ReadableSpan[]) => items.map(({ name }) => name);

function pipelineTo(sink: Sink<ReadableSpan>, more: Partial<SpanPipelineOptions> = {}): SpanPipeline {
  return spanPipeline({ sink, spool: folder, environment: {}, ...more });
}

/** A pipeline to a backend that never answers has come to its end with these. */
async function leave(items: readonly ReadableSpan[]): Promise<void> {
  const pipeline = pipelineTo(SILENT);
  for (const span of items) pipeline.processor.onEnd(span);
  expect(await pipeline.shutdown({ deadlineMillis: 0 })).toMatchObject({ spooled: items.length, lost: {} });
  expect(pipeline.stats()).toMatchObject({ accepted: items.length, handedOn: items.length, pending: 0 });
  expect(brokenBooks(pipeline.stats())).toEqual([]);
}

/** The next start sends what is there, and ends. */
async function startAgain(more: Partial<SpanPipelineOptions> = {}) {
  const memory = toMemory<ReadableSpan>();
  const pipeline = pipelineTo(memory, more);
  await pipeline.shutdown();
  expect(brokenBooks(pipeline.stats())).toEqual([]);
  return { arrived: memory.items, stats: pipeline.stats() };
}

/** A sink that answers each attempt as it is told, the last answer for ever. */
function answering(...answers: readonly (Response | Failure)[]): Sink<ReadableSpan> & { readonly sizes: number[] } {
  const sizes: number[] = [];
  return {
    name: 'answering',
    sizes,
    export: ({ items }) => {
      const answer = answers[Math.min(sizes.length, answers.length - 1)] ?? {};
      sizes.push(items.length);
      return 'kind' in answer ? throwError(() => new ExportError(answer, 'as the test says')) : of(answer);
    },
  };
}

describe('what a pipeline has left at its deadline', () => {
  test('arrives at the next start as it was, byte for byte', async () => {
    const left = generatedSpans({ count: 300 }).filter((span) => span.spanContext().traceFlags === 1);
    expect(left.length).toBeGreaterThan(100);
    await leave(left);
    const { arrived, stats } = await startAgain();
    expect(encodeTraces(arrived)).toEqual(encodeTraces(left));
    expect(stats).toMatchObject({ accepted: left.length, delivered: left.length, handedOn: 0, pending: 0 });
    expect(stats.stages.spool).toMatchObject({ accepted: left.length, delivered: left.length });
    expect(files()).toEqual([]);
  });

  test('arrives at the next start, of log records, too', async () => {
    const { resource, instrumentationScope } = logRecordWith();
    const left = Array.from({ length: 20 }, (_, index) =>
      logRecordWith({ body: `record ${index}`, resource, instrumentationScope }),
    );
    const options = { spool: { directory: pathToFileURL(folder) }, environment: {} };
    const first = logPipeline({ ...options, sink: SILENT });
    for (const record of left) first.processor.onEmit(record as never);
    expect(await first.shutdown({ deadlineMillis: 0 })).toMatchObject({ spooled: 20 });
    const memory = toMemory<ReadableLogRecord>();
    await logPipeline({ ...options, sink: memory }).shutdown();
    expect(encodeLogs(memory.items)).toEqual(encodeLogs(left));
  });

  test('lies in a file that its owner alone may read', async () => {
    await leave(spans(1));
    expect(statSync(only()).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('is stored in the outcome of its batch, and in the answer of its call', async () => {
    const pipeline = pipelineTo(SILENT);
    const outcomes: Outcome<ReadableSpan>[] = [];
    pipeline.outcomes$.subscribe((outcome) => outcomes.push(outcome));
    const answer = pipeline.handle().export(spans(3));
    await pipeline.shutdown({ deadlineMillis: 0 });
    expect(await answer).toMatchObject({ delivered: 0, stored: 3, lost: [] });
    expect(outcomes).toMatchObject([{ delivered: 0, stored: 3, lost: [] }]);
    expect(outcomes[0]).not.toHaveProperty('error');
  });

  test('is lost where OTLP cannot express it; the rest is written', async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const pipeline = pipelineTo(SILENT);
    for (const span of [...spans(2), spanWith({ attributes: { circular } as never })]) pipeline.processor.onEnd(span);
    const report = await pipeline.shutdown({ deadlineMillis: 0 });
    expect(report).toMatchObject({ spooled: 2, lost: { unencodable: 1 } });
    expect(names((await startAgain()).arrived)).toEqual(['span 0', 'span 1']);
  });

  test('of nothing is no file', async () => {
    await leave([]);
    expect(files()).toEqual([]);
  });
});

describe('a spooled file', () => {
  test('is sent one batch at a time, in its order, beside what is new', async () => {
    await leave(spans(1_200));
    let inFlight = 0;
    const sizes: number[] = [];
    const sink: Sink<ReadableSpan> = {
      name: 'counting',
      export: ({ items }) =>
        new Observable((subscriber) => {
          inFlight += 1;
          expect(inFlight).toBe(1);
          sizes.push(items.length);
          queueMicrotask(() => {
            inFlight -= 1;
            subscriber.next({});
            subscriber.complete();
          });
        }),
    };
    await pipelineTo(sink).shutdown();
    expect(sizes).toEqual([500, 500, 200]);
  });

  test('costs its torn end, which is told and counted; the rest arrives', async () => {
    await leave(spans(600));
    truncateSync(only(), statSync(only()).size - 1);
    const { arrived, stats } = await startAgain();
    expect(names(arrived)).toEqual(names(spans(500)));
    expect(stats.stages.spool?.figures?.damagedBytes).toBeGreaterThan(FRAME_HEAD_BYTES);
    expect(files()).toEqual([]);
  });

  test('costs the batch that is damaged, and none behind it', async () => {
    await leave(spans(600));
    const bytes = readFileSync(only());
    bytes.write('Span', bytes.indexOf('span 7')); // it is a request all the same
    writeFileSync(only(), bytes);
    const { arrived, stats } = await startAgain();
    expect(names(arrived)).toEqual(names(spans(600)).slice(500));
    expect(stats.stages.spool?.figures?.damagedBytes).toBeGreaterThan(0);
  });

  test('that is none is removed, and told', async () => {
    await leave(spans(1));
    writeFileSync(only(), 'something else');
    const { arrived, stats } = await startAgain();
    expect(arrived).toEqual([]);
    expect(stats.stages.spool?.figures).toEqual({ damagedBytes: 14 });
    expect(files()).toEqual([]);
  });

  test('of a length that reaches beyond its end is read up to there', async () => {
    await leave(spans(600));
    const bytes = readFileSync(only());
    bytes.writeUInt32BE(0xffffffff, 8 + 9);
    writeFileSync(only(), bytes);
    expect((await startAgain()).arrived).toEqual([]);
  });

  test('that cannot be opened is told and left where it is; those behind it arrive', async () => {
    await leave(spans(3));
    const unreadable = join(folder, '1000-ab.traces.0.spool');
    mkdirSync(unreadable); // a directory can be renamed, as a file of another user can, and not be opened
    const warnings = recordWarnings();
    expect(names((await startAgain()).arrived)).toEqual(names(spans(3)));
    expect(files()).toEqual([unreadable]);
    expect(warnings.join()).toMatch(/1000-ab\.traces\.0\.spool cannot be sent before the next start: EISDIR/);
  });

  test('that is older than maxAgeMillis is lost, as expired', async () => {
    await leave(spans(3));
    renameSync(only(), only().replace(/\d+(?=-[0-9a-f]+\.traces)/, '1000'));
    const { arrived, stats } = await startAgain();
    expect(arrived).toEqual([]);
    expect(stats).toMatchObject({ accepted: 3, lost: { expired: 3 } });
    expect(files()).toEqual([]);
  });

  test('that the backend refuses for good is lost, and counted', async () => {
    await leave(spans(3));
    const pipeline = pipelineTo(answering({ kind: 'permanent' }));
    expect(await pipeline.shutdown()).toMatchObject({ lost: { permanent: 3 }, spooled: 0 });
    expect(files()).toEqual([]);
  });

  test('that the backend rejects in part is gone, and counted', async () => {
    await leave(spans(3));
    expect(await pipelineTo(answering({ rejected: 2 })).shutdown()).toMatchObject({ delivered: 1, rejected: 2 });
    expect(files()).toEqual([]);
  });

  test('stays when its retries are spent, and is tried again after half a minute', async () => {
    await leave(spans(3));
    const scheduler = new VirtualTimeScheduler(undefined, 0);
    const aSecond = () => {
      scheduler.maxFrames += 1_000;
      scheduler.flush();
      return turn();
    };
    const sink = answering({ kind: 'retryable' }, {});
    const pipeline = pipelineTo(sink, { scheduler, retry: { maxAttempts: 1 } });
    for (; sink.sizes.length < 1; await aSecond());
    expect(pipeline.stats()).toMatchObject({ accepted: 3, handedOn: 3, lost: {}, pending: 0 });
    for (; pipeline.stats().delivered < 3; await aSecond());
    expect(sink.sizes).toEqual([3, 3]);
    expect(pipeline.stats()).toMatchObject({ accepted: 3, handedOn: 0, pending: 0 });
    expect(brokenBooks(pipeline.stats())).toEqual([]);
    for (; files().length > 0; await aSecond());
  });

  test('is not sent again as far as it was delivered', async () => {
    await leave(spans(1_200));
    const memory = toMemory<ReadableSpan>();
    let asked = 0;
    const once: Sink<ReadableSpan> = {
      name: 'once',
      export: (batch) => (asked++ === 0 ? (memory.export(batch) as Observable<Response>) : NEVER),
    };
    const first = pipelineTo(once);
    while (first.stats().delivered < 500 || first.stats().inFlight < 1) await turn();
    expect(await first.shutdown({ deadlineMillis: 0 })).toMatchObject({ spooled: 0, lost: {} });
    expect(memory.items).toHaveLength(500);
    expect(names((await startAgain()).arrived)).toEqual(names(spans(1_200)).slice(500));
  });

  test('is not waited for by forceFlush', async () => {
    await leave(spans(3));
    const pipeline = pipelineTo(SILENT);
    while (pipeline.stats().inFlight < 1) await turn();
    await pipeline.forceFlush();
    expect(pipeline.stats().pending).toBe(3);
    await pipeline.shutdown({ deadlineMillis: 0 });
    expect(files()).toHaveLength(1);
  });

  test('of a route that is not there stays where it is, and is told', async () => {
    await leave(spans(3));
    const warnings = recordWarnings();
    const memory = toMemory<ReadableSpan>();
    const pipeline = spanPipeline({ sinks: { main: memory }, spool: folder, environment: {} });
    await pipeline.shutdown();
    expect(memory.items).toEqual([]);
    expect(files()).toHaveLength(1);
    while (warnings.length === 0) await turn();
    expect(warnings.join()).toContain('1 spooled files of sinks that this pipeline does not have');
    expect(warnings.join()).toContain('are not sent');
  });

  test('of a route that is not there is removed when it is older than maxAgeMillis, and told', async () => {
    await leave(spans(3));
    renameSync(only(), only().replace(/\d+(?=-[0-9a-f]+\.traces)/, '1000'));
    const ofAnotherSignal = join(folder, '1000-ab.logs.0.spool');
    writeFileSync(ofAnotherSignal, '');
    const warnings = recordWarnings();
    const sinks = { main: toMemory<ReadableSpan>(), other: toMemory<ReadableSpan>() };
    await spanPipeline({ sinks, spool: folder, environment: {} }).shutdown();
    while (warnings.length === 0) await turn();
    expect(files()).toEqual([ofAnotherSignal]);
    expect(warnings.join()).toContain('were older than maxAgeMillis 604800000: removed');
  });
});

test('an option of the spool that breaks its rule is refused by its name', () => {
  expect(() => pipelineTo(SILENT, { spool: { directory: folder, maxBytes: 0 } })).toThrow(
    'spanPipeline.spool.maxBytes must be a whole number from 1, but was given 0',
  );
  expect(() => pipelineTo(SILENT, { spool: 7 as never })).toThrow('spanPipeline.spool');
  expect(() => pipelineTo(SILENT, { spool: { maxBytes: 1 } as never })).toThrow('spanPipeline.spool.directory');
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
