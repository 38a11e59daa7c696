import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fromOtlpFile, type ToOtlpFileOptions, toOtlpFile } from '../../src/files.ts';
import { spanPipeline } from '../../src/index.ts';
import type { ObservableSink } from '../../src/model/sink.ts';
import { batchOf, exportOnce, failureOf } from '../support/httpExports.ts';
import { logRecordWith } from '../support/logRecords.ts';
import type { RequestJson } from '../support/otlpJson.ts';
import { requestJsonOf } from '../support/spanJson.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { decodeRequest } from '../support/wire.ts';

const REQUESTS = [1, 2, 3].map((seed) => generatedSpans({ seed, count: 5 }));

function open(path: string | URL, options: ToOtlpFileOptions = {}): ObservableSink<ReadableSpan> {
  const sink = toOtlpFile(path, options);
  onTestFinished(() => sink.shutdown?.());
  return sink;
}

const newPath = (name = 'spans.jsonl') => join(temporaryFolder(), name);
const files = (path: string) => readdirSync(join(path, '..')).toSorted();
const named = (name: string) => [spanWith({ name })];

async function writeEach(sink: ObservableSink<ReadableSpan>, requests: readonly (readonly ReadableSpan[])[]) {
  for (const spans of requests) await exportOnce(sink, spans);
}

const linesOf = (text: string): RequestJson[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

function framesOf(bytes: Buffer): RequestJson[] {
  if (bytes.length === 0) return [];
  const end = 4 + bytes.readUInt32BE(0);
  return [decodeRequest(bytes.subarray(4, end)), ...framesOf(bytes.subarray(end))];
}

describe('toOtlpFile writes', () => {
  test.each<[string, ToOtlpFileOptions, (content: Buffer) => RequestJson[]]>([
    ['protobuf behind its length', { encoding: 'protobuf' }, framesOf],
    [
      'protobuf, compressed',
      { encoding: 'protobuf', compression: 'zstd' },
      (content) => framesOf(zstdDecompressSync(content)),
    ],
  ])('%s, one record for each batch', async (_, options, read) => {
    const path = newPath();
    await writeEach(open(path, options), REQUESTS);
    expect(read(readFileSync(path))).toEqual(REQUESTS.map(requestJsonOf));
  });

  test.each<[string, ToOtlpFileOptions, (content: Buffer) => RequestJson[]]>([
    ['lines of JSON', {}, (content) => linesOf(content.toString())],
    [
      'lines of JSON, compressed',
      { compression: 'zstd' },
      (content) => linesOf(zstdDecompressSync(content).toString()),
    ],
  ])('%s, one for each batch', async (_, options, read) => {
    const path = newPath();
    await writeEach(open(path, options), [named('a'), named('b'), [...named('c'), ...named('d')]]);
    const names = read(readFileSync(path)).map(({ resourceSpans }) =>
      resourceSpans?.flatMap(({ scopeSpans }) => scopeSpans?.flatMap(({ spans }) => spans?.map(({ name }) => name))),
    );
    expect(names).toEqual([['a'], ['b'], ['c', 'd']]);
  });

  test('what fromOtlpFile reads, in each format', async () => {
    for (const encoding of ['json', 'protobuf'] as const) {
      for (const compression of ['none', 'zstd'] as const) {
        const path = newPath();
        await writeEach(open(path, { encoding, compression }), REQUESTS);
        const batches = await lastValueFrom(fromOtlpFile(path).batches$.pipe(toArray()));
        expect(batches.map(({ items }) => requestJsonOf(items))).toEqual(REQUESTS.map(requestJsonOf));
      }
    }
  });

  test('compressed with a checksum: a byte that the disk gives back wrongly is found', async () => {
    const path = newPath();
    await writeEach(open(path, { compression: 'zstd' }), [named('a')]);
    const whole = readFileSync(path);
    const content = zstdDecompressSync(whole);
    let found = 0;
    for (let at = 4; at < whole.length; at += 1) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      try {
        expect(zstdDecompressSync(flipped)).toEqual(content); // a bit that says nothing about the content
      } catch (error) {
        if ((error as Error).name === 'AssertionError') throw error;
        found += 1;
      }
    }
    expect(found).toBeGreaterThan(whole.length * 0.9);
  });

  test('other signals', async () => {
    const path = newPath();
    const sink = toOtlpFile(path, { signal: 'logs' });
    expect(sink.component).toEqual({ type: 'otlp_file_log_exporter', signal: 'logs' });
    await exportOnce(sink, [logRecordWith({ body: 'hello' })]);
    await sink.shutdown?.();
    expect(readFileSync(path, 'utf8')).toContain('"hello"');
  });

  test('into folders that it makes, for the owner alone; a URL names a file, too', async () => {
    const path = join(temporaryFolder(), 'a', 'b', 'spans.jsonl');
    await exportOnce(open(pathToFileURL(path)), named('a'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('no record where no item can be expressed, and says how many it left out', async () => {
    const path = newPath();
    const bad = spanWith({ startTime: [Number.NaN, 0] });
    const sink = open(path);
    expect(await exportOnce(sink, [bad])).toEqual({ unencodable: 1 });
    expect(await exportOnce(sink, [bad, spanWith({ name: 'b' })])).toEqual({ unencodable: 1 });
    expect(linesOf(readFileSync(path, 'utf8'))).toHaveLength(1);
  });
});

describe('toOtlpFile, where a file is there', () => {
  test('appends to lines of JSON', async () => {
    const path = newPath();
    await exportOnce(open(path), named('a'));
    await exportOnce(open(path), named('b'));
    expect([linesOf(readFileSync(path, 'utf8')).length, files(path)]).toEqual([2, ['spans.jsonl']]);
  });

  test.each<[string, string, ToOtlpFileOptions]>([
    ['whose last line was torn', '{"resourceSp', {}],
    ['that is full', '{}\n', { maxFileBytes: 3 * 1024 }],
    ['of protobuf', '\0\0', { encoding: 'protobuf' }],
    ['that is compressed', '\n', { compression: 'zstd' }],
  ])('renames one %s', async (what, content, options) => {
    const path = newPath();
    const there = what === 'that is full' ? content.repeat(1_024) : content;
    writeFileSync(path, there);
    await exportOnce(open(path, options), named('a'));
    const [backup = '', current] = files(path);
    expect(backup).toMatch(/^spans-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.jsonl$/);
    expect([current, readFileSync(join(path, '..', backup), 'utf8')]).toEqual(['spans.jsonl', there]);
  });

  test('renames one that the record does not fit into', async () => {
    const path = newPath();
    writeFileSync(path, '{}\n'.repeat(1_024));
    await exportOnce(open(path, { maxFileBytes: 3 * 1_024 + 1 }), named('a'));
    expect(files(path)).toEqual([expect.stringMatching(/^spans-2.*jsonl$/), 'spans.jsonl']);
    expect(linesOf(readFileSync(path, 'utf8'))).toHaveLength(1);
  });

  test('keeps maxBackups, however often it is opened', async () => {
    const path = newPath();
    for (let start = 0; start < 5; start += 1) {
      const sink = open(path, { encoding: 'protobuf', maxBackups: 2 });
      await exportOnce(sink, named(`start ${start}`));
      await sink.shutdown?.();
    }
    const kept = files(path).map((name) => /start (\d)/.exec(readFileSync(join(path, '..', name), 'latin1'))?.[1]);
    expect(kept).toEqual(['2', '3', '4']);
  });
});

describe('toOtlpFile, when a file is full', () => {
  const line = () => exportOnceLength;
  const exportOnceLength = Buffer.byteLength(JSON.stringify(requestJsonOf(named('a')))) + 200;

  test('begins another one; no record is cut', async () => {
    const path = newPath();
    const sink = open(path, { maxFileBytes: 3 * line() });
    for (let count = 0; count < 20; count += 1) await exportOnce(sink, named(`span ${count}`));
    const all = files(path);
    expect(all.length).toBeGreaterThan(3);
    const names = all
      .map((name) => readFileSync(join(path, '..', name), 'utf8'))
      .flatMap(linesOf)
      .map((request) => JSON.stringify(request));
    expect(names).toHaveLength(20);
    expect(all.every((name) => statSync(join(path, '..', name)).size <= 3 * line())).toBe(true);
  });

  test('and was deleted from outside, also with its folder, begins another one', async () => {
    const path = join(temporaryFolder(), 'deeper', 'spans.jsonl');
    const sink = open(path, { maxFileBytes: line() });
    await exportOnce(sink, named('a'));
    rmSync(path);
    await exportOnce(sink, named('b'));
    expect(files(path)).toEqual(['spans.jsonl']);
    rmSync(join(path, '..'), { recursive: true });
    await exportOnce(sink, named('c'));
    expect(readFileSync(path, 'utf8')).toContain('"c"');
  });

  test('keeps maxBackups of the others, the newest', async () => {
    const path = newPath();
    const sink = open(path, { maxFileBytes: line(), maxBackups: 2 });
    for (const name of 'abcdef') await exportOnce(sink, named(`only ${name}`));
    const kept = files(path).map((name) => /only (\w)/.exec(readFileSync(join(path, '..', name), 'utf8'))?.[1]);
    expect(kept).toEqual(['d', 'e', 'f']);
  });

  test('deletes what is older than maxBackupAgeMillis, by the time in its name, and nothing else', async () => {
    const path = newPath();
    for (const name of [
      'spans-2022-09-14T05-02-14.173.jsonl',
      'spans-of-mine.jsonl',
      'other-2022-09-14T05-02-14.173.jsonl',
    ])
      writeFileSync(join(path, '..', name), '');
    const sink = open(path, { maxFileBytes: line(), maxBackupAgeMillis: 3_600_000 });
    await writeEach(sink, [named('a'), named('b')]);
    expect(files(path)).toEqual([
      'other-2022-09-14T05-02-14.173.jsonl',
      expect.stringMatching(/^spans-2.*jsonl$/),
      'spans-of-mine.jsonl',
      'spans.jsonl',
    ]);
  });

  test('and a record is larger than a file: it is sent in parts, and a single item is lost', async () => {
    const path = newPath();
    const pipeline = spanPipeline({ sink: toOtlpFile(path, { maxFileBytes: 3 * line() }), environment: {} });
    for (let count = 0; count < 30; count += 1) pipeline.processor.onEnd(spanWith());
    pipeline.processor.onEnd(spanWith({ name: 'x'.repeat(3 * line()) }));
    await pipeline.shutdown();
    expect(pipeline.stats()).toMatchObject({ delivered: 30, lost: { tooLarge: 1 } });
  });
});

describe('what toOtlpFile cannot write', () => {
  test('is retryable, and the error names file and reason', async () => {
    const path = newPath();
    mkdirSync(path);
    const error = await failureOf(open(path), named('a'));
    expect(error.failure).toEqual({ kind: 'retryable' });
    expect(error.message).toContain(`toOtlpFile cannot write ${path}: EISDIR`);
  });

  test('because it was shut down is refused for good', async () => {
    const sink = open(newPath());
    await sink.shutdown?.();
    expect((await failureOf(sink, named('a'))).failure).toEqual({ kind: 'permanent' });
  });

  test.each<[given: unknown, options: object, message: string]>([
    [undefined, {}, 'toOtlpFile.path must be the path of a file, or its URL'],
    ['x', { maxFileBytes: 0 }, 'toOtlpFile.maxFileBytes must be'],
    ['x', { encoding: 'proto' }, "toOtlpFile.encoding must be one of 'json', 'protobuf'"],
  ])('is refused at the call: %j, %j', (path, options, message) => {
    expect(() => toOtlpFile(path as string, options)).toThrow(message);
  });
});

describe('an attempt at toOtlpFile that nobody waits for', () => {
  test('writes nothing where it had not begun', async () => {
    const path = newPath();
    const sink = open(path);
    const first = exportOnce(sink, named('a'));
    sink
      .export(batchOf(named('b')))
      .subscribe()
      .unsubscribe();
    await Promise.all([first, exportOnce(sink, named('c'))]);
    expect(linesOf(readFileSync(path, 'utf8'))).toHaveLength(2);
  });

  test('leaves a whole record where it had, and the next one waits for that', async () => {
    const path = newPath();
    const sink = open(path);
    const attempt = { enter: (phase: string) => phase === 'sending' && writing.unsubscribe(), answered: () => {} };
    const writing = sink.export(batchOf(named('a')), attempt as never).subscribe();
    await exportOnce(sink, named('b'));
    expect(linesOf(readFileSync(path, 'utf8'))).toHaveLength(2);
  });
});
