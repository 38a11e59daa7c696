import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { signalOf } from '../../../src/otlp/signals.ts';
import { SpoolWriter } from '../../../src/pipelines/spool/spoolWriter.ts';
import type { SyncFiles } from '../../../src/pipelines/spool/writtenFile.ts';
import { spanWith } from '../../support/spans.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

let directory: string;
beforeEach(() => {
  directory = temporaryFolder();
});

interface Given {
  readonly files?: Partial<SyncFiles>;
  readonly maxBytes?: number;
  readonly maxWriteMillis?: number;
  readonly now?: () => number;
}

function writerWith({ files = {}, maxBytes = 1_000_000, maxWriteMillis = 1_000, now = () => 0 }: Given = {}) {
  const settings = { directory, maxBytes, maxWriteMillis, maxAgeMillis: 1_000 };
  const { fields } = signalOf('traces');
  return new SpoolWriter({ signal: 'traces', fields, settings, files: { ...fs, ...files }, now });
}

const spans = (count: number) => Array.from({ length: count }, (_, index) => spanWith({ name: `span ${index}` }));
const bytesIn = () => fs.readdirSync(directory).reduce((sum, name) => sum + fs.statSync(join(directory, name)).size, 0);

/** The disk is full after so many writes. */
function fullAfter(writes: number, code = 'ENOSPC'): Partial<SyncFiles> {
  let left = writes;
  const writeSync = ((...args: Parameters<typeof fs.writeSync>) => {
    if (left-- <= 0) throw Object.assign(new Error(`${code}: as the test says, write`), { code });
    return fs.writeSync(...args);
  }) as typeof fs.writeSync;
  return { writeSync };
}

describe('an ending', () => {
  test('is one file for each way, which is complete when it ends', () => {
    const writer = writerWith();
    expect(writer.write(spans(3), undefined)).toEqual({ kept: 3, unencodable: 0 });
    expect(writer.write(spans(2), 'other')).toEqual({ kept: 2, unencodable: 0 });
    expect(writer.write(spans(1), undefined)).toEqual({ kept: 1, unencodable: 0 });
    expect(fs.readdirSync(directory).every((name) => name.includes('.spool.'))).toBe(true);
    const { items, paths, dropped } = writer.end();
    expect([items, paths.length, dropped]).toEqual([6, 2, undefined]);
    expect(
      fs
        .readdirSync(directory)
        .map((name) => join(directory, name))
        .toSorted(),
    ).toEqual(paths.toSorted());
  });

  test('writes as many items as maxBytes has room for, all files together', () => {
    const first = writerWith({ maxBytes: 20_000 });
    first.write(spans(100), undefined);
    first.end();
    const used = bytesIn();
    const writer = writerWith({ maxBytes: 20_000 });
    const { kept } = writer.write(spans(1_000), undefined);
    const { dropped, items } = writer.end();
    expect(kept).toBeGreaterThan(0);
    expect(items).toBe(kept);
    expect(dropped).toEqual({ why: expect.stringContaining('would exceed maxBytes 20000'), items: 1_000 - kept });
    expect(bytesIn()).toBeLessThanOrEqual(20_000);
    expect(bytesIn()).toBeGreaterThan(Math.max(used, 19_000));
  });

  test('ends at maxWriteMillis: what is not written by then is not kept', () => {
    let millis = 0;
    const writer = writerWith({ maxWriteMillis: 25, now: () => (millis += 10) });
    const { kept } = writer.write(spans(5_000), undefined);
    expect(kept).toBe(1_024);
    expect(writer.write(spans(1), undefined)).toEqual({ kept: 0, unencodable: 0 });
    expect(writer.end().dropped).toEqual({ why: 'takes longer than maxWriteMillis 25', items: 5_001 - 1_024 });
    expect(writer.write(spans(1), undefined).kept).toBe(1); // another ending
  });

  test.each(['ENOSPC', 'EIO', 'EROFS'])(
    'keeps what was written when the disk says %s, and no part of a batch',
    (code) => {
      const writer = writerWith({ files: fullAfter(4, code) }); // the head of the file, a frame, half a frame
      expect(writer.write(spans(1_200), undefined)).toEqual({ kept: 512, unencodable: 0 });
      expect(writer.write(spans(1), undefined)).toEqual({ kept: 0, unencodable: 0 });
      const bytes = bytesIn();
      const { items, dropped } = writer.end();
      expect(items).toBe(512);
      expect(dropped).toEqual({ why: expect.stringContaining(code), items: 1_200 - 512 + 1 });
      const whole = writerWith();
      whole.write(spans(512), undefined);
      whole.end();
      expect(bytesIn()).toBe(2 * bytes);
    },
  );

  test('leaves no file when nothing can be written', () => {
    const writer = writerWith({ files: fullAfter(0) });
    expect(writer.write(spans(3), undefined)).toEqual({ kept: 0, unencodable: 0 });
    expect(writer.end()).toMatchObject({ items: 0, paths: [], dropped: { items: 3 } });
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('tells that a file may not be on the disk when that cannot be flushed', () => {
    const fsyncSync = () => {
      throw new Error('EIO: as the test says, fsync');
    };
    const writer = writerWith({ files: { fsyncSync } });
    writer.write(spans(3), undefined);
    expect(writer.end()).toMatchObject({
      items: 3,
      dropped: { why: expect.stringContaining('may not be on the disk'), items: 0 },
    });
  });

  test('makes the directory if it has gone', () => {
    const writer = writerWith();
    fs.rmdirSync(directory);
    expect(writer.write(spans(1), undefined).kept).toBe(1);
    expect(writer.end().paths).toHaveLength(1);
  });
});
