import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { durable } from '../../src/durable/index.ts';
import { createLedger, exportTo, otlpHttp, spanPipeline, toMemory } from '../../src/index.ts';
import { ExportError, type Sink } from '../../src/model/sink.ts';
import { encodeLogs, encodeMetrics } from '../../src/otlp/index.ts';
import { otlpBackend } from '../../src/testing/index.ts';
import { brokenBooks } from '../support/books.ts';
import { dataPointWith } from '../support/dataPoints.ts';
import { exportOnce, SWIFT_RETRIES } from '../support/httpExports.ts';
import { logRecordWith } from '../support/logRecords.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { named, open, until, write } from './support.ts';

const DEAD: Sink<ReadableSpan> = {
  name: 'dead',
  export: () => throwError(() => new ExportError({ kind: 'retryable' }, 'nobody is there')),
};

const names = (items: readonly ReadableSpan[]) => items.map(({ name }) => name);

describe('durable answers', () => {
  test('when a batch is on disk, although nothing takes it', async () => {
    const queue = open(DEAD);
    expect(await write(queue, 'a', 'b')).toEqual({ stored: 2 });
    expect(queue.stats()).toMatchObject({ accepted: 2, pending: 2, delivered: 0, disk: { batches: 1, items: 2 } });
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('what OTLP cannot express as unencodable, and writes the rest', async () => {
    const queue = open(DEAD);
    const items = [...named('a'), spanWith({ startTime: [Number.NaN, 0] })];
    expect(await exportOnce(queue, items)).toEqual({ stored: 1, unencodable: 1 });
    expect(await exportOnce(queue, items.slice(1))).toEqual({ unencodable: 1 });
    expect(queue.stats()).toMatchObject({ accepted: 1, pending: 1 });
  });

  test('with items that are handed on in the books of who exports, and of the batcher in front', async () => {
    const queue = open(DEAD);
    const pipeline = spanPipeline({ sink: queue });
    onTestFinished(async () => void (await pipeline.shutdown()));
    for (const span of generatedSpans({ count: 10 }))
      pipeline.processor.onEnd({ ...span, spanContext: sampled } as never);
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ accepted: 10, handedOn: 10, delivered: 0, pending: 0, lost: {} });
    expect(queue.stats()).toMatchObject({ accepted: 10, pending: 10 });
  });
});

const sampled = () => ({ traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef', traceFlags: 1 });

describe('durable sends', () => {
  test('what is on disk over real sockets, equal to what came, and removes it', async () => {
    await using backend = await otlpBackend();
    const queue = open(otlpHttp({ url: backend.url }), { flush: 'delivered' });
    await write(queue, 'a', 'b');
    await write(queue, 'c');
    await queue.forceFlush();
    expect(backend.spans).toBe(3);
    await until(() => queue.stats().disk.batches === 0);
    expect(queue.stats()).toMatchObject({ accepted: 3, delivered: 3, pending: 0, disk: { items: 0, bodyBytes: 0 } });
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('the oldest first', async () => {
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, { flush: 'delivered', send: { concurrency: 1 } });
    const letters = [...'abcdefghijklmnopqrstuvwxyz'];
    await Promise.all(letters.map((letter) => write(queue, letter)));
    await queue.forceFlush();
    expect(names(memory.items)).toEqual(letters);
  });

  test('what was on disk at the start, and goes on where it was', async () => {
    const directory = temporaryFolder();
    const before = open(DEAD, { directory });
    await write(before, 'a', 'b');
    await write(before, 'c');
    await before.shutdown();
    expect(before.stats()).toMatchObject({ pending: 3, lost: {}, disk: { state: 'closed', items: 3 } });
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, { directory, flush: 'delivered' });
    await queue.opened();
    expect(queue.stats()).toMatchObject({ accepted: 3, stages: { durable: { figures: { recovered: 3 } } } });
    await queue.forceFlush();
    expect(names(memory.items)).toEqual(['a', 'b', 'c']);
    await queue.shutdown();
    const after = open(DEAD, { directory });
    await after.opened();
    expect(after.stats()).toMatchObject({ accepted: 0, disk: { batches: 0 } });
  });

  test('no more at a time than maxSendingBytes, however much is on disk', async () => {
    const taken: number[] = [];
    const slow: Sink<ReadableSpan> = {
      name: 'slow',
      export: ({ items }) => {
        taken.push(items.length);
        return NEVER;
      },
    };
    const queue = open(slow, { maxSendingBytes: 65_536, send: { concurrency: 1_000 } });
    const long = 'x'.repeat(30_000);
    for (let count = 0; count < 20; count += 1) await write(queue, long);
    await until(() => taken.length > 0);
    await queue.forceFlush();
    expect(taken.length).toBeLessThanOrEqual(3);
    expect(queue.stats()).toMatchObject({ pending: 20, disk: { batches: 20 } });
  });

  test('without an end while the backend is away, and at once when it is back', async () => {
    let isAway = true;
    let refused = 0;
    const memory = toMemory<ReadableSpan>();
    const sink: Sink<ReadableSpan> = {
      name: 'away',
      export: (given) => {
        if (!isAway) return memory.export(given);
        refused += 1;
        return throwError(() => new ExportError({ kind: 'retryable' }, 'away'));
      },
    };
    const queue = open(sink, { flush: 'delivered', send: { retry: { backoff: SWIFT_RETRIES.backoff as never } } });
    await write(queue, 'a');
    await until(() => refused > 10);
    isAway = false;
    await queue.forceFlush();
    expect(names(memory.items)).toEqual(['a']);
  });

  test.each([
    ['rejected', of({ rejected: 1 }), { delivered: 1, rejected: 1, lost: {} }],
    [
      'permanent',
      throwError(() => new ExportError({ kind: 'permanent' }, 'no')),
      { delivered: 0, lost: { permanent: 2 } },
    ],
  ])('and removes what the backend refused for good: %s', async (_, answer, books) => {
    const queue = open({ name: 'refusing', export: () => answer }, { flush: 'delivered' });
    await write(queue, 'a', 'b');
    await queue.forceFlush();
    expect(queue.stats()).toMatchObject({ ...books, pending: 0 });
    await until(() => queue.stats().disk.batches === 0);
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('and counts as lost what the limits of send give up', async () => {
    const lost: unknown[] = [];
    const queue = open(DEAD, {
      flush: 'delivered',
      send: { retry: { maxAttempts: 1 } },
      onLoss: (loss, items) => lost.push([loss, items.length]),
    });
    await write(queue, 'a');
    await queue.forceFlush();
    expect(queue.stats()).toMatchObject({ pending: 0, lost: { retriesExhausted: 1 } });
    expect(lost).toEqual([[{ count: 1, reason: 'retriesExhausted', stage: 'exportTo(dead)' }, 1]]);
  });

  test.each([
    ['logs', [logRecordWith({ body: 'hello' })], encodeLogs],
    ['metrics', [dataPointWith()], encodeMetrics],
  ] as const)('%s, too', async (signal, items, encode) => {
    const sent: Uint8Array[] = [];
    const bytesOf = encode as (items: readonly unknown[]) => Uint8Array;
    const sink: Sink<never> = {
      name: 'bytes',
      export: (given) => {
        sent.push(bytesOf(given.items));
        return of({});
      },
    };
    const queue = durable<'logs' | 'metrics'>(sink, { directory: temporaryFolder(), signal, flush: 'delivered' });
    onTestFinished(() => queue.shutdown());
    await exportOnce(queue, items);
    await queue.forceFlush();
    expect(sent).toEqual([bytesOf(items)]);
  });
});

describe('the files of durable', () => {
  test('can be read by their owner alone', async () => {
    const directory = join(temporaryFolder(), 'some', 'where');
    const queue = open(DEAD, { directory });
    await write(queue, 'a');
    const modes = readdirSync(directory).map((name) => [
      name,
      (statSync(join(directory, name)).mode & 0o777).toString(8),
    ]);
    expect(Object.fromEntries(modes)).toEqual({ 'lock.db': '600', 'queue.db': '600', 'queue.db-wal': '600' });
    expect((statSync(directory).mode & 0o777).toString(8)).toBe('700');
    expect((statSync(join(directory, '..')).mode & 0o777).toString(8)).toBe('700');
  });

  test('stay within maxBytes, and their pages are used again', async () => {
    const maxBytes = 1024 ** 2;
    const queue = open(toMemory(), { maxBytes, flush: 'delivered' });
    const long = 'x'.repeat(200_000);
    for (let count = 0; count < 20; count += 1) {
      await write(queue, long);
      await queue.forceFlush();
      await until(() => queue.stats().disk.batches === 0);
    }
    expect(statSync(join(queue.stats().disk.directory, 'queue.db')).size).toBeLessThanOrEqual(maxBytes);
  });

  test('a second sink on the same directory is refused, and takes over when the first one ends', async () => {
    const directory = temporaryFolder();
    const first = open(DEAD, { directory });
    await write(first, 'a');
    const memory = toMemory<ReadableSpan>();
    const second = open(memory, { directory, flush: 'delivered' });
    await expect(second.opened()).rejects.toMatchObject({
      code: 'DIRECTORY_IN_USE',
      message: expect.stringContaining('is in use by another sink of this process'),
    });
    await expect(write(second, 'b')).rejects.toMatchObject({
      failure: { kind: 'retryable' },
      message: expect.stringContaining("processes: 'several'"),
    });
    expect(second.stats().disk.state).toBe('inUse');
    await first.shutdown();
    await write(second, 'b');
    await second.forceFlush();
    expect(names(memory.items)).toEqual(['a', 'b']);
  });

  test('with several processes each has a subdirectory, and those of ended ones are taken over', async () => {
    const directory = temporaryFolder();
    const [one, two, three] = [0, 1, 2].map(() => open(DEAD, { directory, processes: 'several' }));
    await write(one as never, 'a');
    await write(two as never, 'b');
    await write(three as never, 'c');
    expect(readdirSync(directory).toSorted()).toEqual(['process-0', 'process-1', 'process-2']);
    await two?.shutdown();
    await three?.shutdown();
    const memory = toMemory<ReadableSpan>();
    const next = open(memory, { directory, processes: 'several', flush: 'delivered' });
    await until(() => memory.items.length === 2);
    expect(names(memory.items).toSorted()).toEqual(['b', 'c']);
    expect(next.stats()).toMatchObject({ accepted: 2, pending: 0 });
    expect(next.stats().disk.directory).not.toBe(one?.stats().disk.directory);
    expect(one?.stats()).toMatchObject({ pending: 1 });
    expect(brokenBooks(next.stats())).toEqual([]);
  });
});

describe('at the bounds of durable', () => {
  const long = (letter: string) => letter.repeat(300_000);

  test('dropNewest refuses a batch, which is tried again, and takes it when there is room', async () => {
    const gate = new Subject<object>();
    const queue = open({ name: 'slow', export: () => gate }, { maxBytes: 1024 ** 2, send: { concurrency: 1 } });
    for (const letter of 'abc') await write(queue, long(letter));
    await expect(write(queue, long('d'))).rejects.toMatchObject({
      failure: { kind: 'retryable' },
      message: expect.stringContaining('the queue is full (maxBytes 1048576)'),
    });
    expect(queue.stats()).toMatchObject({ offered: 4, accepted: 3, refused: { queueFull: 1 }, pending: 3 });
    gate.next({});
    await until(() => queue.stats().delivered > 0);
    await write(queue, long('d'));
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('dropOldest loses the oldest that is not being sent', async () => {
    const taken: string[] = [];
    const sink: Sink<ReadableSpan> = {
      name: 'slow',
      export: ({ items }) => {
        taken.push(items[0]?.name[0] ?? '');
        return NEVER;
      },
    };
    const queue = open(sink, { maxBytes: 1024 ** 2, overflow: 'dropOldest', maxSendingBytes: 65_536 });
    await write(queue, long('a'));
    await until(() => taken.length === 1);
    for (const letter of 'bcd') await write(queue, long(letter));
    expect(queue.stats()).toMatchObject({ accepted: 4, lost: { queueFull: 1 }, pending: 3, disk: { items: 3 } });
    expect(taken).toEqual(['a']);
    const { directory } = queue.stats().disk;
    await queue.shutdown();
    const memory = toMemory<ReadableSpan>();
    const next = open(memory, { directory, flush: 'delivered' });
    await next.opened();
    await next.forceFlush();
    expect(names(memory.items).map((name) => name[0])).toEqual(['a', 'c', 'd']);
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('a batch that alone is larger is too large, and goes in parts', async () => {
    const queue = open(DEAD, { maxBytes: 1024 ** 2 });
    const ledger = createLedger();
    const outcomes: unknown[] = [];
    const items = [...'abcd'].map((letter) => named(long(letter))[0] as ReadableSpan);
    of(items)
      .pipe(exportTo(queue, { ledger, retry: { maxAttempts: 3 } }))
      .subscribe((outcome) => outcomes.push(outcome));
    await until(() => outcomes.length === 1);
    expect(outcomes).toMatchObject([{ stored: 2 }]);
    await expect(write(queue, 'x'.repeat(1024 ** 2))).rejects.toMatchObject({ failure: { kind: 'tooLarge' } });
    expect(ledger.stats()).toMatchObject({ handedOn: 2, pending: 0 });
  });

  test('maxWritingBytes keeps what waits for the disk out of memory', async () => {
    const queue = open(DEAD, { maxWritingBytes: 65_536 });
    await queue.opened();
    const answers = await Promise.allSettled([...'abc'].map((letter) => write(queue, letter.repeat(50_000))));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { failure: { kind: 'retryable' }, message: expect.stringContaining('wait for the disk') },
    });
  });
});

describe('the end of durable', () => {
  test('shutdown gives attempts in flight a moment, aborts them, and leaves the rest on disk', async () => {
    let aborted = 0;
    const hanging: Sink<ReadableSpan> = {
      name: 'hanging',
      export: () =>
        new Observable(() => () => {
          aborted += 1;
        }),
    };
    const queue = open(hanging, { shutdownGraceMillis: 1 });
    await write(queue, 'a');
    await until(() => queue.stats().disk.attemptsInFlight === 1);
    await queue.shutdown();
    expect(aborted).toBe(1);
    expect(queue.stats()).toMatchObject({ pending: 1, lost: {}, disk: { state: 'closed', items: 1 } });
    await expect(write(queue, 'b')).rejects.toMatchObject({
      failure: { kind: 'permanent' },
      message: 'durable was shut down',
    });
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('an attempt that ends within the grace of a shutdown counts', async () => {
    const gate = new Subject<object>();
    const queue = open({ name: 'slow', export: () => gate }, { shutdownGraceMillis: 100_000 });
    await write(queue, 'a');
    await until(() => queue.stats().disk.attemptsInFlight === 1);
    const ended = queue.shutdown();
    gate.next({});
    await ended;
    expect(queue.stats()).toMatchObject({ delivered: 1, pending: 0, disk: { items: 0 } });
  });

  test('the inner sink is flushed and shut down', async () => {
    const calls: string[] = [];
    const sink: Sink<ReadableSpan> = {
      ...toMemory<ReadableSpan>(),
      forceFlush: async () => void calls.push('flush'),
      shutdown: async () => void calls.push('shutdown'),
    };
    const queue = open(sink, { flush: 'delivered' });
    await write(queue, 'a');
    await queue.forceFlush();
    await Promise.all([queue.shutdown(), queue.shutdown()]);
    expect(calls).toEqual(['flush', 'shutdown']);
  });

  test('a shutdown before the start has ended leaves nothing behind', async () => {
    const directory = temporaryFolder();
    const queue = open(DEAD, { directory });
    const opened = queue.opened().catch((error) => error);
    await queue.shutdown();
    await opened;
    expect(existsSync(join(directory, 'queue.db-wal'))).toBe(false);
  });
});
