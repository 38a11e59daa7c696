import fs, { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER, throwError } from 'rxjs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { NoSqliteError, systemFiles } from '../../src/durable/thread/files.ts';
import { toMemory } from '../../src/index.ts';
import { ExportError, type Sink } from '../../src/model/sink.ts';
import { brokenBooks } from '../support/books.ts';
import { recordWarnings } from '../support/httpExports.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { faultyDisk, open, sqliteError, storeOn, systemError, until, write } from './support.ts';

const DEAD: Sink<ReadableSpan> = {
  name: 'dead',
  export: () => throwError(() => new ExportError({ kind: 'retryable' }, 'nobody is there')),
};

const names = (items: readonly ReadableSpan[]) => items.map(({ name }) => name).toSorted();

describe('on a disk that fails', () => {
  test.each([
    ['is full', /COMMIT/, sqliteError(13, 'database or disk is full'), 'free some space'],
    [
      'is full for what is written',
      /INSERT INTO queue|^exec PRAGMA user_version/,
      sqliteError(13, 'database or disk is full'),
      'free some space',
    ],
    ['has an error', /COMMIT/, sqliteError(4_874, 'disk I/O error'), "the system's log"],
    [
      'has become read-only',
      /BEGIN IMMEDIATE$/,
      sqliteError(8, 'attempt to write a readonly database'),
      'can be written to',
    ],
    ['is locked by somebody else', /BEGIN IMMEDIATE$/, sqliteError(5, 'database is locked'), 'end the other program'],
  ])('which %s, exports are retryable and say what to do; it recovers', async (_, what, error, step) => {
    const disk = faultyDisk();
    const warnings = recordWarnings();
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, { start: storeOn(disk), flush: 'delivered' });
    await write(queue, 'a');
    await queue.forceFlush();
    disk.fail(what, error);
    const { directory } = queue.stats().disk;
    for (const name of 'bcd')
      await expect(write(queue, name)).rejects.toMatchObject({
        failure: { kind: 'retryable' },
        message: expect.stringMatching(new RegExp(`${join(directory, 'queue.db')}: ${error.message}.*${step}`)),
      });
    await until(() => queue.stats().disk.state === 'failing');
    expect(queue.stats().disk.trouble).toContain(step);
    expect(warnings.join()).toContain(step);
    disk.heal();
    await write(queue, 'e');
    await queue.forceFlush();
    expect(names(memory.items)).toEqual(['a', 'e']);
    expect(queue.stats()).toMatchObject({ accepted: 2, delivered: 2, pending: 0, disk: { state: 'open' } });
    expect(queue.stats().disk).not.toHaveProperty('trouble');
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test.each([
    ['may not be made', /makeDirectory/, systemError('EACCES'), 'the right to read and write'],
    ['is read-only', /makeDirectory/, systemError('EROFS'), 'can be written to'],
    [
      'may not be opened',
      /openDatabase/,
      sqliteError(14, 'unable to open database file'),
      'the right to read and write',
    ],
    ['is on a full disk', /makeDirectory/, systemError('ENOSPC'), 'free some space'],
  ])('whose directory %s, it says so from the start, and goes on when that is over', async (_, what, error, step) => {
    const disk = faultyDisk();
    disk.fail(what, error);
    const queue = open(DEAD, { start: storeOn(disk) });
    await expect(queue.opened()).rejects.toMatchObject({ code: 'DISK_FAILED', message: expect.stringContaining(step) });
    await expect(write(queue, 'a')).rejects.toMatchObject({ failure: { kind: 'retryable' } });
    disk.heal();
    await until(() => queue.stats().disk.state === 'open');
    await queue.opened();
    expect(await write(queue, 'a')).toEqual({ stored: 1 });
  });

  test('where there is no node:sqlite, it says which Node has it', async () => {
    const disk = faultyDisk();
    disk.fail(/openDatabase/, new NoSqliteError('this Node has no node:sqlite: run Node 22.19 or newer'));
    const queue = open(DEAD, { start: storeOn(disk) });
    const message = expect.stringContaining('run Node 22.19 or newer');
    await expect(queue.opened()).rejects.toMatchObject({ code: 'DISK_FAILED', message });
    await expect(write(queue, 'a')).rejects.toMatchObject({ failure: { kind: 'retryable' }, message });
  });

  test('what was delivered meanwhile is removed when the disk is back, and is not sent twice', async () => {
    const disk = faultyDisk();
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, { start: storeOn(disk) });
    await queue.opened();
    disk.fail(/DELETE/, sqliteError(13, 'database or disk is full'));
    await write(queue, 'a');
    await until(() => memory.items.length === 1 && queue.stats().disk.state === 'failing');
    expect(queue.stats()).toMatchObject({ delivered: 1, pending: 0, disk: { batches: 1 } });
    disk.heal();
    await until(() => queue.stats().disk.batches === 0);
    expect(memory.items).toHaveLength(1);
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('whose lock file is torn or damaged, it makes a new one, and two still have not the same directory', async () => {
    const directory = temporaryFolder();
    for (const junk of ['no database'.repeat(1_000), '']) {
      writeFileSync(join(directory, 'lock.db'), junk);
      const queue = open(DEAD, { directory });
      await queue.opened();
      expect(await write(queue, 'a')).toEqual({ stored: 1 });
      const second = open(DEAD, { directory });
      await expect(second.opened()).rejects.toMatchObject({ code: 'DIRECTORY_IN_USE' });
      await second.shutdown(); // it would take over
      await queue.shutdown();
    }
  });

  test('every name on the way to the queue is synced, also of what a process before has made', async () => {
    const synced: string[] = [];
    const opened = new Map<number, string>();
    const [realOpen, realSync] = [fs.openSync, fs.fsyncSync];
    vi.spyOn(fs, 'openSync').mockImplementation((path, ...rest) => {
      const descriptor = realOpen(path, ...rest);
      opened.set(descriptor, String(path));
      return descriptor;
    });
    vi.spyOn(fs, 'fsyncSync').mockImplementation((descriptor) => {
      synced.push(opened.get(descriptor) ?? '');
      realSync(descriptor);
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const root = temporaryFolder();
    const directory = join(root, 'some', 'where');
    for (let start = 0; start < 2; start += 1) {
      synced.length = 0;
      systemFiles.makeDirectory(directory);
      systemFiles.makeFile(join(directory, 'queue.db'));
      expect(synced).toEqual(expect.arrayContaining([root, join(root, 'some'), directory]));
    }
  });

  test('a directory that has vanished is made again, and what was there is counted', async () => {
    const disk = faultyDisk();
    const warnings = recordWarnings();
    const queue = open(DEAD, {
      start: storeOn(disk),
      send: { retry: { maxAttempts: 1_000_000 } },
      maxSendingBytes: 65_536,
    });
    const long = 'x'.repeat(60_000);
    for (let count = 0; count < 4; count += 1) await write(queue, long);
    await queue.opened();
    rmSync(queue.stats().disk.directory, { recursive: true });
    expect(await write(queue, 'b')).toEqual({ stored: 1 });
    await until(() => (queue.stats().lost.damaged ?? 0) > 0);
    const { accepted, lost, pending } = queue.stats();
    expect(accepted).toBe(5);
    expect((lost.damaged ?? 0) + pending).toBe(5);
    expect(pending).toBeGreaterThanOrEqual(2); // what is being sent is in memory
    expect(warnings.join()).toContain('has vanished');
    expect(brokenBooks(queue.stats())).toEqual([]);
  });
});

describe('a queue that is damaged', () => {
  const filled = async (directory: string, count = 200) => {
    const queue = open(DEAD, { directory, sync: 'normal' });
    for (let index = 0; index < count; index += 1) await write(queue, `${index}`.padEnd(2_000, '.'));
    await queue.shutdown();
    return join(directory, 'queue.db');
  };

  test('is set aside whole where nothing can be read, and it goes on', async () => {
    const directory = temporaryFolder();
    const path = join(directory, 'queue.db');
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, 'this is no database, however long one looks at it'.repeat(100));
    const warnings = recordWarnings();
    const queue = open(DEAD, { directory });
    await write(queue, 'a');
    expect(readFileSync(join(directory, 'damaged.db'), 'utf8')).toContain('this is no database');
    expect(warnings.join()).toMatch(/queue\.db is damaged .* lies in .*damaged\.db now; nothing of it can be read/);
  });

  test('gives what can be read of it; the rest is told', async () => {
    const directory = temporaryFolder();
    const path = await filled(directory);
    const bytes = readFileSync(path);
    // Pages in the middle of the tables, of 4,096 bytes each.
    bytes.fill(0xaa, 40 * 4_096, 50 * 4_096);
    renameSync(path, `${path}.old`);
    writeFileSync(path, bytes, { mode: 0o600 });
    const warnings = recordWarnings();
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, { directory, flush: 'delivered' });
    await queue.opened();
    await queue.forceFlush();
    await until(() => warnings.join().includes('is damaged'));
    expect(memory.items.length).toBeGreaterThan(100);
    expect(memory.items.length).toBeLessThan(200);
    expect(warnings.join()).toContain('were read from it and are sent');
    expect(new Set(names(memory.items)).size).toBe(memory.items.length);
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('a body whose bytes have changed is lost alone, as damaged', async () => {
    const directory = temporaryFolder();
    const path = await filled(directory, 10);
    const bytes = readFileSync(path);
    const at = bytes.indexOf('5'.padEnd(500, '.'));
    bytes[at + 100] = 0x21;
    rmSync(path);
    writeFileSync(path, bytes, { mode: 0o600 });
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, { directory, flush: 'delivered' });
    await queue.opened();
    await queue.forceFlush();
    expect(memory.items).toHaveLength(9);
    expect(queue.stats()).toMatchObject({ accepted: 10, delivered: 9, lost: { damaged: 1 }, pending: 0 });
    await until(() => queue.stats().disk.batches === 0);
  });
});

describe('the ages of batches', () => {
  const day = 24 * 3_600_000;
  const aged = (disk: ReturnType<typeof faultyDisk>, directory: string, sink: Sink<ReadableSpan> = DEAD) =>
    open(sink, { directory, start: storeOn(disk), maxAgeMillis: day, flush: 'delivered' });

  test.each([
    ['forwards', 10 * 365 * day],
    ['backwards', -10 * 365 * day],
  ])('do not follow steps of the time of day %s', async (_, step) => {
    const disk = faultyDisk();
    const queue = aged(disk, temporaryFolder());
    await write(queue, 'a');
    disk.clock.wall += step;
    await write(queue, 'b');
    expect(queue.stats()).toMatchObject({ pending: 2, lost: {} });
    disk.clock.monotonic += day / 2;
    await write(queue, 'c');
    expect(queue.stats()).toMatchObject({ pending: 3, lost: {} });
    const { oldestAgeMillis } = queue.stats().disk;
    expect(Math.abs(oldestAgeMillis - day / 2)).toBeLessThan(60_000); // retries of the store move its clock by seconds
  });

  test.each<[string, { up: number; wall: number; boot?: string }, number]>([
    ['by the machine while that runs, whatever the time of day says', { up: day / 2, wall: 10 * 365 * day }, 0.5 * day],
    ['by the time of day over a restart of the machine', { up: -40_000, wall: day / 2, boot: 'boot-2' }, 0.5 * day],
    ['not at all if the time of day went back over a restart', { up: -40_000, wall: -5 * day, boot: 'boot-2' }, 0],
  ])('go on between processes %s', async (_, { up, wall, boot = 'boot-1' }, age) => {
    const disk = faultyDisk();
    const directory = temporaryFolder();
    const before = aged(disk, directory);
    await write(before, 'a');
    await before.shutdown();
    disk.clock.up += up;
    disk.clock.wall += wall;
    disk.clock.boot = boot;
    const after = aged(disk, directory);
    await after.opened();
    const { oldestAgeMillis, items } = after.stats().disk;
    expect(items).toBe(1);
    expect(Math.abs(oldestAgeMillis - age)).toBeLessThan(10_000);
  });

  test('beyond maxAgeMillis they are expired on disk, while the backend is away and no more is read', async () => {
    const disk = faultyDisk();
    const hanging: Sink<ReadableSpan> = { name: 'hanging', export: () => NEVER };
    const queue = open(hanging, { start: storeOn(disk), maxAgeMillis: day, maxSendingBytes: 65_536 });
    for (let count = 0; count < 5; count += 1) await write(queue, 'x'.repeat(60_000));
    await until(() => queue.stats().disk.attemptsInFlight > 0);
    disk.clock.monotonic += day + 1;
    await write(queue, 'b');
    const { accepted, lost, pending } = queue.stats();
    expect([accepted, (lost.expired ?? 0) + pending]).toEqual([6, 6]);
    expect(lost.expired).toBeGreaterThanOrEqual(2); // no more than three are in memory
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('beyond maxAgeMillis they are expired at the start', async () => {
    const disk = faultyDisk();
    const directory = temporaryFolder();
    const before = aged(disk, directory);
    await write(before, 'a', 'b');
    await before.shutdown();
    disk.clock.up += day + 1_000;
    const memory = toMemory<ReadableSpan>();
    const after = aged(disk, directory, memory);
    await after.opened();
    await after.forceFlush();
    expect(after.stats()).toMatchObject({ accepted: 2, lost: { expired: 2 }, pending: 0 });
    expect(memory.items).toEqual([]);
    await until(() => after.stats().disk.batches === 0);
    expect(brokenBooks(after.stats())).toEqual([]);
  });
});

describe('the thread of the store', () => {
  test('that ends is told and started again; what was being written may be there, and nothing of what was is lost', async () => {
    const threads: Worker[] = [];
    const onWorker = (worker: Worker) => threads.push(worker);
    process.on('worker', onWorker);
    onTestFinished(() => void process.off('worker', onWorker));
    const warnings = recordWarnings();
    const queue = open(DEAD, {});
    await write(queue, 'a');
    const cut = write(queue, 'b');
    await threads[0]?.terminate();
    const [answer] = await Promise.allSettled([cut]);
    await until(() => threads.length === 2 && queue.stats().disk.state === 'open');
    await write(queue, 'c');
    expect(warnings.join()).toContain('its thread ended (exit), and is started again');
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ name: 'ExportError' });
    expect(queue.stats()).toMatchObject({ lost: {}, pending: queue.stats().disk.items });
    expect(brokenBooks(queue.stats())).toEqual([]);
  });
});
