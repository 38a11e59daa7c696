import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  firstValueFrom,
  lastValueFrom,
  mergeMap,
  type Observable,
  Subject,
  take,
  toArray,
  VirtualTimeScheduler,
} from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FileProgress, fromOtlpFile, toOtlpFile } from '../../src/files.ts';
import {
  type Batch,
  createGate,
  createLedger,
  exportTo,
  otlpHttp,
  runPipeline,
  spanPipeline,
} from '../../src/index.ts';
import type { Hold } from '../../src/model/batch.ts';
import { decodeTraces, encodeLogsJson, encodeMetrics, encodeTraces, encodeTracesJson } from '../../src/otlp/index.ts';
import { astronomy, dataFile } from '../support/data.ts';
import { dataPointWith } from '../support/dataPoints.ts';
import { startBackend } from '../support/httpExports.ts';
import { logRecordWith } from '../support/logRecords.ts';
import { spanJson } from '../support/spanJson.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const REQUESTS = [1, 2, 3].map((seed) => generatedSpans({ seed, count: 5 }));
const DELIVERED = { delivered: 3, rejected: 0, lost: [] };

function fileOf(content: string | Uint8Array): string {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, content);
  return path;
}

function framed(record: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(record.length);
  return Buffer.concat([head, record]);
}

const lines = (...texts: readonly string[]) => Buffer.from(texts.map((text) => `${text}\n`).join(''));
const jsonOf = (spans: readonly ReadableSpan[]) => new TextDecoder().decode(encodeTracesJson(spans));
const JSON_LINES = lines(...REQUESTS.map(jsonOf));
const FRAMES = Buffer.concat(REQUESTS.map((spans) => framed(encodeTraces(spans))));
const NAMED = ['a', 'b', 'c'].map((name) => jsonOf([spanWith({ name })]));

const all = <T>(source$: Observable<T>) => firstValueFrom(source$.pipe(toArray()));
const itemsIn = <T>(batches: readonly Batch<T>[]) => batches.flatMap(({ items }) => items);
const namesIn = (batches: readonly Batch<ReadableSpan>[]) => itemsIn(batches).map(({ name }) => name);

/** What `diag` is told from here on. */
function warnings(): string[] {
  const told: string[] = [];
  const warn = (message: string) => told.push(message);
  diag.setLogger({ error: warn, warn, info: warn, debug: warn, verbose: warn }, DiagLogLevel.WARN);
  onTestFinished(() => diag.disable());
  return told;
}

describe('fromOtlpFile reads', () => {
  test.each([
    ['lines of JSON', JSON_LINES],
    ['lines of JSON without an end', JSON_LINES.subarray(0, -1)],
    [
      'lines of JSON with carriage returns, blank lines and a byte order mark',
      Buffer.from(`\u{feff}${JSON_LINES.toString().replaceAll('\n', '\r\n \r\n')}`),
    ],
    ['protobuf behind its length', FRAMES],
    ['lines, compressed as a whole with zstd', zstdCompressSync(JSON_LINES)],
    ['protobuf, compressed as a whole with zstd', zstdCompressSync(FRAMES)],
    [
      'zstd in several frames',
      Buffer.concat([zstdCompressSync(FRAMES.subarray(0, 99)), zstdCompressSync(FRAMES.subarray(99))]),
    ],
    ['gzip', gzipSync(JSON_LINES)],
    [
      'protobuf, each message compressed by itself',
      Buffer.concat(REQUESTS.map((spans) => framed(zstdCompressSync(encodeTraces(spans))))),
    ],
    [
      'JSON, each message compressed by itself',
      Buffer.concat(REQUESTS.map((spans) => framed(zstdCompressSync(encodeTracesJson(spans))))),
    ],
  ])('%s, one batch for each request', async (_, content) => {
    const { batches$, progress$ } = fromOtlpFile(fileOf(content));
    const batches = await all(batches$);
    expect(batches.map(({ items }) => items.length)).toEqual([5, 5, 5]);
    expect(namesIn(batches).toSorted()).toEqual(
      REQUESTS.flat()
        .map(({ name }) => name)
        .toSorted(),
    );
    expect(await lastValueFrom(progress$)).toMatchObject({
      records: 3,
      items: 15,
      empty: 0,
      damaged: 0,
      readBytes: content.length,
      totalBytes: content.length,
    });
  });

  test('the recorded requests of a shop, field by field', async () => {
    const set = astronomy();
    const recorded = dataFile('large/astronomy.otlp.zst', 'a generated file is read instead');
    const path = recorded ?? fileOf(Buffer.concat([...set.requests()].map(framed)));
    const bodies = set.requests();
    let spans = 0;
    await fromOtlpFile(path).batches$.forEach(({ items }) => {
      spans += items.length;
      expect(items).toEqual(decodeTraces(bodies.next().value as Uint8Array));
    });
    expect(spans).toBe(set.count.spans);
  });

  test('what the file exporter of a Collector wrote', async () => {
    const path =
      dataFile('large/robotframework.jsonl', 'generated lines are read instead') ?? fileOf(JSON_LINES.subarray(0, -1));
    const { batches$, progress$ } = fromOtlpFile(path);
    const spans = itemsIn(await all(batches$));
    const { records, damaged, items } = await lastValueFrom(progress$);
    expect([damaged, items]).toEqual([0, spans.length]);
    expect([
      [8, 1_066],
      [3, 15],
    ]).toContainEqual([records, items]);
  });

  test('log records and data points', async () => {
    const logs = fileOf(
      Buffer.concat([Buffer.from(encodeLogsJson([logRecordWith({ body: 'hello' })])), Buffer.from('\n')]),
    );
    expect(itemsIn(await all(fromOtlpFile(logs, { signal: 'logs' }).batches$))).toMatchObject([{ body: 'hello' }]);
    const metrics = fileOf(framed(encodeMetrics([dataPointWith()])));
    expect(itemsIn(await all(fromOtlpFile(metrics, { signal: 'metrics' }).batches$))).toHaveLength(1);
  });

  test('the lines of one signal in a file of several; those of others are empty', async () => {
    const logs = new TextDecoder().decode(encodeLogsJson([logRecordWith()]));
    const { batches$, progress$ } = fromOtlpFile(fileOf(lines(logs, ...NAMED, logs)));
    expect(namesIn(await all(batches$))).toEqual(['a', 'b', 'c']);
    expect(await lastValueFrom(progress$)).toMatchObject({ records: 5, items: 3, empty: 2, damaged: 0 });
  });

  test('an empty file', async () => {
    expect(await all(fromOtlpFile(fileOf('')).batches$)).toEqual([]);
  });

  test('a file once', async () => {
    const { batches$ } = fromOtlpFile(fileOf(JSON_LINES));
    await all(batches$);
    await expect(all(batches$)).rejects.toThrow('a file can be subscribed to once');
  });
});

describe('fromOtlpFile passes over and counts', () => {
  const zstd = zstdCompressSync(lines(...NAMED, ...REQUESTS.map(jsonOf)));
  test.each<[what: string, content: Uint8Array, options: object, kept: readonly string[], why: string]>([
    [
      'a line that is no JSON',
      lines(NAMED[0] as string, '{"resourceSpans":[', NAMED[2] as string),
      {},
      ['a', 'c'],
      'JSON',
    ],
    ['a line that was torn at the end', lines(...NAMED).subarray(0, -30), {}, ['a', 'b'], 'JSON'],
    [
      'a line that is too long',
      lines(NAMED[0] as string, JSON.stringify({ x: 'x'.repeat(500_000) }), NAMED[2] as string),
      { maxRecordBytes: 10_000 },
      ['a', 'c'],
      'a line is longer than maxRecordBytes 10000',
    ],
    [
      'a message that is no protobuf',
      Buffer.concat([framed(Buffer.from([0x0a, 0xff])), framed(encodeTraces([spanWith({ name: 'b' })]))]),
      {},
      ['b'],
      '',
    ],
    [
      'a message that is too large',
      Buffer.concat([framed(Buffer.alloc(300_000)), framed(encodeTraces([spanWith({ name: 'b' })]))]),
      { maxRecordBytes: 10_000 },
      ['b'],
      'a record of 300000 bytes is larger than maxRecordBytes 10000',
    ],
    [
      'a message that would become too large',
      Buffer.concat([framed(zstdCompressSync(Buffer.alloc(300_000))), framed(encodeTraces([spanWith({ name: 'b' })]))]),
      { maxRecordBytes: 10_000 },
      ['b'],
      '',
    ],
    [
      'a message that was torn at the end',
      Buffer.concat([
        framed(encodeTraces([spanWith({ name: 'a' })])),
        framed(encodeTraces([spanWith()])).subarray(0, -3),
      ]),
      {},
      ['a'],
      'reaches beyond the end',
    ],
    [
      'a length that was torn at the end',
      Buffer.concat([framed(encodeTraces([spanWith({ name: 'a' })])), Buffer.from([0, 0])]),
      {},
      ['a'],
      'the file ends within the length',
    ],
    [
      'the rest behind a length that cannot be right',
      Buffer.concat([framed(encodeTraces([spanWith({ name: 'a' })])), Buffer.from([0x0f, 0xff, 0xff, 0xff, 1, 2, 3])]),
      {},
      ['a'],
      'a record of 268435455 bytes reaches beyond the end',
    ],
    ['the rest of a zstd file that was torn', zstd.subarray(0, -20), {}, [], 'the rest cannot be decompressed'],
  ])('%s', async (_, content, options, kept, why) => {
    const told = warnings();
    const { batches$, progress$ } = fromOtlpFile(fileOf(content), options);
    expect(namesIn(await all(batches$)).slice(0, kept.length)).toEqual(kept);
    expect(await lastValueFrom(progress$)).toMatchObject({ damaged: 1 });
    expect(told).toEqual([expect.stringMatching(/fromOtlpFile passes over damaged records; the first: .*file/)]);
    expect(told[0]).toContain(why);
  });

  test.each<[what: string, content: Uint8Array, place: RegExp, unreadBytes: number]>([
    [
      'a line by its number, blank ones included',
      lines('', NAMED[0] as string, '{"x', NAMED[1] as string),
      /file:3: /,
      0,
    ],
    [
      'a record by its number and its first byte',
      Buffer.concat([framed(encodeTraces([spanWith()])), framed(Buffer.from([0x0a, 0xff])), framed(Buffer.alloc(0))]),
      new RegExp(`file, record 2 at byte ${4 + encodeTraces([spanWith()]).length}: `),
      0,
    ],
    [
      'how much cannot be read behind a damaged length',
      Buffer.concat([framed(Buffer.alloc(0)), Buffer.from([0, 0, 0, 9, 1, 2, 3])]),
      /file, record 2 at byte 4: .* the remaining 3 bytes cannot be read$/,
      3,
    ],
  ])('and tells %s', async (_, content, place, unreadBytes) => {
    warnings();
    const { batches$, progress$ } = fromOtlpFile(fileOf(content));
    await all(batches$);
    const firstDamage = expect.stringMatching(place);
    expect(await lastValueFrom(progress$)).toMatchObject({ damaged: 1, firstDamage, unreadBytes });
  });

  test('several, of which the first is told', async () => {
    const told = warnings();
    const { batches$, progress$ } = fromOtlpFile(fileOf(lines('{no', 'no', ...NAMED.slice(0, 1), '{')));
    await all(batches$);
    expect([told.length, (await lastValueFrom(progress$)).damaged]).toEqual([1, 3]);
  });
});

describe('fromOtlpFile fails', () => {
  test('where there is no file, naming it', async () => {
    const path = join(temporaryFolder(), 'absent.jsonl');
    const { batches$, progress$ } = fromOtlpFile(path);
    await expect(all(batches$)).rejects.toThrow(path);
    expect(await lastValueFrom(progress$)).toMatchObject({ records: 0, totalBytes: 0 });
  });

  test('where it is a folder', async () => {
    await expect(all(fromOtlpFile(temporaryFolder()).batches$)).rejects.toThrow('EISDIR');
  });

  test.each<[given: unknown, options: object, message: string]>([
    ['', {}, 'fromOtlpFile.path must be the path of a file, or its URL'],
    ['file', { signal: 'spans' }, "fromOtlpFile.signal must be one of 'traces', 'logs', 'metrics'"],
    ['file', { maxRecordBytes: 2 ** 30 }, 'fromOtlpFile.maxRecordBytes must be'],
    ['file', { format: 'json' }, 'fromOtlpFile.format must be one of the known options'],
  ])('at the call for %j and %j', (path, options, message) => {
    expect(() => fromOtlpFile(path as string, options)).toThrow(message);
  });
});

describe('fromOtlpFile reads no more', () => {
  /** Reads on until nothing happens any more, which three turns of the file system show. */
  function reader(options: object = {}) {
    const came = new Subject<Hold>();
    const holds: Hold[] = [];
    const subscription = fromOtlpFile(fileOf(lines(...NAMED)), options).batches$.subscribe((batch) => {
      holds.push(batch.hold());
      came.next(holds.at(-1) as Hold);
    });
    onTestFinished(() => subscription.unsubscribe());
    return { holds, next: () => firstValueFrom(came) };
  }

  test('than those who hold batches are ready for', async () => {
    const { holds, next } = reader();
    const first = await next();
    const second = next();
    await otherReading();
    expect(holds).toHaveLength(1);
    first.ready();
    (await second).ready();
    await next();
    expect(holds).toHaveLength(3);
  });

  test('than maxUnsettledBatches', async () => {
    const { holds, next } = reader({ maxUnsettledBatches: 1 });
    const first = await next();
    first.ready();
    await otherReading();
    expect(holds).toHaveLength(1);
    const second = next();
    first.settle({ ...DELIVERED, delivered: 1 } as never);
    await second;
  });

  test('than maxUnsettledBytes, but one that is larger', async () => {
    const { holds, next } = reader({ maxUnsettledBytes: 1 });
    (await next()).ready();
    await otherReading();
    expect(holds).toHaveLength(1);
  });

  test('than that for ever: a batch that a holder forgets has a lease', async () => {
    const scheduler = new VirtualTimeScheduler();
    const losses: unknown[] = [];
    const onLoss = (loss: object, items: readonly ReadableSpan[]) =>
      losses.push({ ...loss, names: items.map(({ name }) => name) });
    const ledger = createLedger();
    const { holds, next } = reader({ scheduler, holdLeaseMillis: 100, onLoss, ledger, name: 'file' });
    await next();
    const second = next();
    await otherReading();
    expect([holds.length, losses]).toEqual([1, []]);
    scheduler.flush();
    expect(scheduler.frame).toBe(100);
    expect(losses).toEqual([{ count: 1, reason: 'leaseExpired', stage: 'file', names: ['a'] }]);
    (await second).settle({ ...DELIVERED, delivered: 1 } as never);
    await next();
    holds[0]?.settle({ ...DELIVERED, delivered: 1 } as never); // too late
    expect(ledger.stats()).toMatchObject({ accepted: 3, handedOn: 3, pending: 0 });
  });

  test('than that, but for a batch that is kept within other bounds: it has no lease', async () => {
    const scheduler = new VirtualTimeScheduler();
    const losses: unknown[] = [];
    const { next } = reader({ scheduler, holdLeaseMillis: 100, onLoss: (loss: object) => losses.push(loss) });
    (await next()).takeOver?.();
    scheduler.flush();
    expect(losses).toEqual([]);
  });

  test('while the gate is closed', async () => {
    const gate = createGate();
    const open = gate.close();
    const { holds, next } = reader({ gate });
    await otherReading();
    expect(holds).toHaveLength(0);
    const first = next();
    open();
    await first;
  });

  test('when it was unsubscribed: it closes the file', async () => {
    const path = fileOf(JSON_LINES);
    const { batches$, progress$ } = fromOtlpFile(path);
    const end = lastValueFrom(progress$);
    await all(batches$.pipe(take(1)));
    expect((await end).records).toBe(1);
    if (existsSync('/proc/self/fd')) await expect.poll(() => openFiles().includes(path)).toBe(false);
  });
});

/** As long as another reader takes for the whole of such a file. */
const otherReading = () => all(fromOtlpFile(fileOf(lines(...NAMED))).batches$);

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)];
    } catch {
      return [];
    }
  });
}

test('the progress of fromOtlpFile has rate and time left', async () => {
  const scheduler = new VirtualTimeScheduler();
  const path = fileOf(lines(...NAMED));
  const { batches$, progress$ } = fromOtlpFile(path, { scheduler, progressIntervalMillis: 0 });
  const seen: FileProgress[] = [];
  progress$.subscribe((progress) => seen.push(progress));
  await batches$.forEach(() => {
    scheduler.frame += 1_000; // a second a record
  });
  const total = lines(...NAMED).length;
  expect(seen.at(0)).toMatchObject({ readBytes: 0, bytesPerSecond: 0, remainingMillis: undefined });
  expect(seen.at(-1)).toEqual({
    records: 3,
    items: 3,
    empty: 0,
    damaged: 0,
    firstDamage: undefined,
    unreadBytes: 0,
    readBytes: total,
    totalBytes: total,
    bytesPerSecond: total / 3,
    remainingMillis: 0,
  });
});

test('the books of fromOtlpFile have what it handed on', async () => {
  const ledger = createLedger();
  await all(fromOtlpFile(fileOf(JSON_LINES), { ledger }).batches$.pipe(mergeMap(({ items }) => items)));
  expect(ledger.stats()).toMatchObject({ offered: 15, accepted: 15, handedOn: 15, pending: 0 });
});

test('what a pipeline wrote to a file arrives at a backend, field by field', async () => {
  const path = join(temporaryFolder(), 'spans.jsonl');
  const spans = REQUESTS.flat().filter((span) => (span.spanContext().traceFlags & 1) === 1);
  const writing = spanPipeline({ sink: toOtlpFile(path), environment: {}, maxExportBatchSize: 4 });
  for (const span of spans) writing.processor.onEnd(span);
  await writing.shutdown();
  const backend = await startBackend();
  const { batches$ } = fromOtlpFile(path);
  const reading = runPipeline(batches$, batches$.pipe(exportTo(otlpHttp({ url: backend.url, environment: {} }))));
  await lastValueFrom(reading.outcomes$);
  await reading.shutdown();
  expect(reading.stats()).toMatchObject({ delivered: spans.length, lost: {} });
  const byId = (list: readonly ReadableSpan[]) =>
    list.map(spanJson).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  expect(byId(backend.requests.flatMap(({ body }) => decodeTraces(body)))).toEqual(byId(spans));
});
