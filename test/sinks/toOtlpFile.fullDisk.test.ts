import type * as Fs from 'node:fs';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { toOtlpFile } from '../../src/files.ts';
import { batchOf, exportOnce, failureOf } from '../support/httpExports.ts';
import { spanWith } from '../support/spans.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** How many bytes the disk still takes. */
const disk = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const { promisify } = await import('node:util');
  const write = promisify(fs.writev);
  /** Takes what fits, at most ten bytes at a time, and refuses what comes then. */
  const onDisk = async (file: number, pieces: readonly Uint8Array[]) => {
    if (disk.left === 0) throw Object.assign(new Error('ENOSPC: no space left on device, writev'), { code: 'ENOSPC' });
    const bytes = Buffer.concat(pieces).subarray(0, Math.min(10, disk.left));
    disk.left -= bytes.length;
    return write(file, [bytes]);
  };
  return { ...fs, writev: Object.assign(() => {}, { [promisify.custom]: onDisk }) };
});

test('a disk that is full, and that takes a few bytes at a time, keeps nothing of a record that it cannot take whole', async () => {
  const path = join(temporaryFolder(), 'spans.jsonl');
  const sink = toOtlpFile(path);
  onTestFinished(() => sink.shutdown?.());
  await exportOnce(sink, [spanWith({ name: 'a' })]);
  const before = readFileSync(path, 'utf8');
  disk.left = 50;
  const error = await failureOf(sink, [spanWith({ name: 'b' })]);
  expect(error.message).toContain('ENOSPC: no space left on device');
  expect([error.failure, readFileSync(path, 'utf8')]).toEqual([{ kind: 'retryable' }, before]);
  disk.left = Number.POSITIVE_INFINITY;
  await exportOnce(sink, [spanWith({ name: 'c' })]);
  const names = [...readFileSync(path, 'utf8').matchAll(/"name":"(\w)"/g)].map(([, name]) => name);
  expect(names).toEqual(['a', 'c']);
});

test('a record whose attempt nobody waits for any more is written whole before the next one begins', async () => {
  const path = join(temporaryFolder(), 'spans.jsonl');
  const sink = toOtlpFile(path);
  onTestFinished(() => sink.shutdown?.());
  const attempt = { enter: (phase: string) => phase === 'sending' && abandoned.unsubscribe(), answered: () => {} };
  const abandoned = sink.export(batchOf([spanWith({ name: 'a' })]), attempt as never).subscribe();
  await exportOnce(sink, [spanWith({ name: 'b' })]);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => /"name":"(a|b)"/.exec(JSON.stringify(JSON.parse(line)))?.[1])).toEqual(['a', 'b']);
});
