import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { of, throwError, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { StartStore } from '../../src/durable/storeLink.ts';
import { exportTo, type Outcome, toMemory } from '../../src/index.ts';
import { ExportError, type Sink } from '../../src/model/sink.ts';
import { type Report, start } from '../process/child.ts';
import { brokenBooks } from '../support/books.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { faultyDisk, named, open, storeOn, until, write } from './support.ts';

const programOf = (name: string) => new URL(`programs/${name}.ts`, import.meta.url);
const MIB = 1024 ** 2;
/** It writes and reads 100 MB, on a disk that others may use: no measure of speed. */
const BOUND_MILLIS = 600_000;

/** A disk of so many bytes. `undefined` where this user may not mount one. */
function smallDisk(bytes: number): string | undefined {
  const path = join(temporaryFolder(), 'disk');
  mkdirSync(path);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]);
  if (status !== 0) return undefined;
  onTestFinished(() => void spawnSync('umount', ['--lazy', path]));
  return path;
}

describe('a disk that is really full', () => {
  test('refuses batches and says so; when there is room again, all that was answered is sent, once', async () => {
    const disk = smallDisk(12 * MIB);
    if (disk === undefined) {
      console.warn('NOT SHOWN: a disk that is really full, which only root may mount here');
      return;
    }
    writeFileSync(join(disk, 'somebody else'), Buffer.alloc(6 * MIB));
    const memory = toMemory<ReadableSpan>();
    let isAway = true;
    const sink: Sink<ReadableSpan> = {
      name: 'backend',
      export: (batch) =>
        isAway ? throwError(() => new ExportError({ kind: 'retryable' }, 'away')) : memory.export(batch),
    };
    const queue = open(sink, { directory: join(disk, 'queue'), flush: 'delivered', shutdownGraceMillis: 0 });
    const answered: string[] = [];
    const fill = async () => {
      for (;;) {
        const name = `${answered.length} `.padEnd(100_000, '.');
        await write(queue, name);
        answered.push(name);
      }
    };
    await expect(fill()).rejects.toMatchObject({
      failure: { kind: 'retryable' },
      message: expect.stringMatching(/queue\.db: .*full.*free some space there, or give another directory/),
    });
    expect(answered.length).toBeGreaterThan(5);
    rmSync(join(disk, 'somebody else'));
    await write(queue, 'last');
    isAway = false;
    await queue.forceFlush();
    const sent = memory.items.map(({ name }) => name);
    expect(sent.toSorted()).toEqual([...answered, 'last'].toSorted());
    await until(() => queue.stats().disk.batches === 0);
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('or a limit of the system on files, refuses batches, and what was answered is sent after the next start', async () => {
    const directory = temporaryFolder();
    const path = fileURLToPath(programOf('limited'));
    const shell = ['-c', 'ulimit -f 12000; exec "$0" "$@"', process.execPath, path, JSON.stringify({ directory })];
    const { stdout, stderr } = spawnSync('sh', shell, { env: {}, encoding: 'utf8' });
    const reports = stdout.split('\n').flatMap((line): Report[] => (line === '' ? [] : [JSON.parse(line)]));
    expect(reports.at(-1), stderr).toMatchObject({
      is: 'refused',
      kind: 'retryable',
      message: expect.stringContaining('queue.db: '),
    });
    const answered = reports.filter(({ is }) => is === 'answered').map(({ name }) => String(name));
    expect(answered.length).toBeGreaterThan(5);
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, { directory, flush: 'delivered' });
    await queue.opened();
    await queue.forceFlush();
    const sent = memory.items.map(({ name }) => name.split(' ')[0]);
    expect(sent).toEqual(expect.arrayContaining(answered));
    // What was being written when the limit came may be there.
    expect(sent.length - answered.length).toBeLessThanOrEqual(1);
  });
});

describe('a disk that hangs', () => {
  test('times an attempt out after 10 s, keeps its bytes in the bound until it answers, and then goes on', async () => {
    const disk = faultyDisk();
    const held: (() => void)[] = [];
    let hangs = false;
    const hanging: StartStore = (plan, events) => {
      const link = storeOn(disk)(plan, events);
      return {
        ...link,
        post: (message, transfer) => {
          if (hangs) held.push(() => link.post(message, transfer));
          else link.post(message, transfer);
        },
      };
    };
    const queue = open(toMemory(), { start: hanging, maxWritingBytes: 65_536, flush: 'delivered' });
    await write(queue, 'a');
    hangs = true;
    const scheduler = new VirtualTimeScheduler();
    const outcomes: Outcome<ReadableSpan>[] = [];
    of(named('b'.repeat(60_000)))
      .pipe(exportTo(queue, { scheduler, retry: { maxAttempts: 1 } }))
      .subscribe((outcome) => outcomes.push(outcome));
    await until(() => held.length > 0);
    const seen: number[] = [];
    for (const millis of [9_999, 10_001]) scheduler.schedule(() => seen.push(outcomes.length), millis);
    scheduler.flush();
    expect(seen).toEqual([0, 1]);
    expect(outcomes).toMatchObject([{ delivered: 0, lost: [{ count: 1, reason: 'unconfirmed' }] }]);
    await expect(write(queue, 'c'.repeat(60_000))).rejects.toMatchObject({
      failure: { kind: 'retryable' },
      message: expect.stringContaining('wait for the disk'),
    });
    hangs = false;
    for (const post of held.splice(0)) post();
    await write(queue, 'd');
    await queue.forceFlush();
    expect(brokenBooks(queue.stats())).toEqual([]);
  });
});

describe('a queue that is fuller than memory', () => {
  test(
    'is written and sent whole within a bound of memory, however much is on disk',
    async () => {
      const input = { directory: temporaryFolder(), batches: 400, bytes: 250_000 };
      const running = start(programOf('fuller'), {
        input,
        flags: ['--max-old-space-size=40'],
        boundMillis: BOUND_MILLIS,
      });
      running.tellNoMore();
      const ended = await running.ended;
      expect(ended.stderr).not.toContain('heap out of memory');
      expect(ended.one('full')).toMatchObject({ items: 400 });
      expect(Number(ended.one('full').bodyBytes)).toBeGreaterThan(90 * MIB);
      const sent = ended.one('sent');
      expect(sent).toMatchObject({ received: 400, twice: 0, delivered: 400, pending: 0, lost: {} });
      // 4 MiB that are being sent, what is being written, the caches of two threads, and garbage.
      expect(Number(sent.peakBytes)).toBeLessThan(75 * MIB);
      expect(ended.code).toBe(0);
    },
    BOUND_MILLIS + 10_000,
  );
});
