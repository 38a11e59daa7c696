// What a queue says and does when its store is opened again, or is closed.

import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { DiskState, FromStore, StorePlan } from '../../src/durable/protocol.ts';
import type { StartStore, StoreEvents } from '../../src/durable/storeLink.ts';
import { NO_DROPS, Store } from '../../src/durable/thread/store.ts';
import { toMemory } from '../../src/index.ts';
import type { Response, Sink } from '../../src/model/sink.ts';
import { encodeTraces } from '../../src/otlp/index.ts';
import { brokenBooks } from '../support/books.ts';
import { recordWarnings } from '../support/httpExports.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { damage, faultyDisk, named, open, sqliteError, storeOn, until, write } from './support.ts';

const HANGING: Sink<ReadableSpan> = { name: 'hanging', export: () => NEVER };
const FULL = sqliteError(13, 'database or disk is full');

describe('a queue that was opened again', () => {
  const body = () => encodeTraces(named('a'));
  const holding = (items: number): DiskState => ({
    ...{ batches: items, items, bodyBytes: items * body().length, lastRow: 1 },
    ...{ usedBytes: 0, fileBytes: 0, oldestAgeMillis: 0 },
  });

  test('does not count a batch again that has ended since the store looked', async () => {
    let events: StoreEvents | undefined;
    const start: StartStore = (_, given) => {
      events = given;
      return { post: () => {}, hold: () => {}, release: () => {}, end: async () => {} };
    };
    const tell = (message: FromStore) => events?.onMessage(message);
    const opened = { kind: 'opened', directory: '/', missing: [], damaged: 0 } as const;
    const answer = new Subject<Response>();
    const queue = open({ name: 'slow', export: () => answer }, { start, shutdownGraceMillis: 0 });
    tell({ ...opened, disk: holding(1) });
    const batch = { row: 1, items: 1, ageMillis: 0, body: body() };
    tell({ kind: 'batches', batches: [batch], upTo: 1, dropped: NO_DROPS, disk: holding(1) });
    await until(() => queue.stats().disk.attemptsInFlight === 1);
    answer.next({});
    answer.complete();
    await until(() => queue.stats().delivered === 1);
    tell({ ...opened, disk: holding(1) });
    expect(queue.stats()).toMatchObject({ accepted: 1, delivered: 1, pending: 0 });
    tell({ kind: 'committed', writes: [], removed: [1], adopted: 0, dropped: NO_DROPS, disk: holding(0) });
    tell({ ...opened, disk: holding(1) }); // of another process, which has used the directory meanwhile
    expect(queue.stats()).toMatchObject({ accepted: 2, delivered: 1, pending: 1 });
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('goes on by itself when a full disk has room again, with nothing to write', async () => {
    const disk = faultyDisk();
    const queue = open(HANGING, { start: storeOn(disk) });
    await queue.opened();
    disk.fail(/INSERT INTO queue|^exec PRAGMA user_version/, FULL);
    await expect(write(queue, 'a')).rejects.toThrow('free some space');
    await until(() => queue.stats().disk.state === 'failing');
    disk.heal();
    await until(() => queue.stats().disk.state === 'open');
    await queue.opened();
    expect(queue.stats().disk).toMatchObject({ state: 'open' });
    expect(queue.stats().disk).not.toHaveProperty('trouble');
  });
});

describe('a damaged queue', () => {
  /** Its index cannot be read, which is seen when it is opened. */
  const filled = async (count: number) => {
    const directory = temporaryFolder();
    const queue = open(HANGING, { directory, sync: 'normal' });
    for (let index = 0; index < count; index += 1) await write(queue, `${index}`.padEnd(1_000_000, '.'));
    await queue.shutdown();
    damage(join(directory, 'queue.db'), 'index', 0, 1);
    return directory;
  };

  test('is read again from the start when the disk is full while it is copied: nothing of it is lost', async () => {
    const directory = await filled(12);
    const disk = faultyDisk();
    const warnings = recordWarnings();
    disk.fail(/INSERT INTO queue/, FULL, 10); // the first transaction of the copy has been committed by then
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, {
      directory,
      start: storeOn(disk),
      flush: 'delivered',
      maxAgeMillis: Number.POSITIVE_INFINITY,
    });
    await until(() => queue.stats().disk.state === 'failing');
    disk.heal();
    await until(() => queue.stats().disk.state === 'open');
    await queue.opened();
    await queue.forceFlush();
    expect(memory.items).toHaveLength(12);
    expect(queue.stats()).toMatchObject({ accepted: 12, delivered: 12, pending: 0, lost: {} });
    await queue.shutdown();
    expect(warnings.join()).toContain('12 batches of 12 items were read from it');
    expect(existsSync(join(directory, 'salvaged.db'))).toBe(false);
  });

  test('whose copy was whole when the process ended is not there any more; the copy is', async () => {
    const directory = temporaryFolder();
    const before = open(HANGING, { directory });
    await write(before, 'a');
    await before.shutdown();
    renameSync(join(directory, 'queue.db'), join(directory, 'salvaged.db'));
    writeFileSync(join(directory, 'queue.db-wal'), 'of the damaged one');
    const queue = open(HANGING, { directory });
    await queue.opened();
    expect(queue.stats()).toMatchObject({ accepted: 1, pending: 1, lost: {} });
    expect(existsSync(join(directory, 'damaged.db-wal'))).toBe(true);
  });
});

test('what was committed is told, although the file cannot be made smaller', () => {
  const disk = faultyDisk();
  const directory = temporaryFolder();
  const plan: StorePlan = {
    ...{ directory, processes: 'one', sync: 'normal', maxBytes: 2 ** 28, maxAgeMillis: 1_000, overflow: 'dropNewest' },
  };
  const store = new Store(directory, disk.files, plan, { lastRow: 0, isDamaged: false, onNotice: () => {} });
  const writes = Array.from({ length: 20 }, (_, id) => ({ id, items: 1, body: new Uint8Array(1024 ** 2) }));
  store.commit({ writes, removes: [], after: 0 });
  disk.clock.monotonic += 2_000;
  disk.fail(/VACUUM/, FULL);
  expect(store.commit({ writes: [], removes: [], after: 0 }).dropped).toEqual({ ...NO_DROPS, expired: 20 });
  expect(store.disk.fileBytes).toBeGreaterThan(16 * 1024 ** 2);
  disk.heal();
  store.commit({ writes: [], removes: [], after: 0 });
  expect(store.disk.fileBytes).toBeLessThan(1024 ** 2);
  store.close();
});

describe('a queue that was shut down', () => {
  test('resolves a flush at once, whatever is left on disk', async () => {
    const queue = open(HANGING, { flush: 'delivered', maxSendingBytes: 65_536, shutdownGraceMillis: 0 });
    for (let count = 0; count < 3; count += 1) await write(queue, 'x'.repeat(60_000));
    await queue.shutdown();
    await queue.forceFlush();
    expect(queue.stats()).toMatchObject({ pending: 3, disk: { state: 'closed', items: 3 } });
  });

  test('has lost what was in memory alone, since its directory has vanished', async () => {
    const disk = faultyDisk();
    const queue = open(HANGING, { start: storeOn(disk), send: { concurrency: 1 }, shutdownGraceMillis: 0 });
    for (const name of 'ab') await write(queue, name);
    await until(() => queue.stats().disk.attemptsInFlight === 1);
    rmSync(queue.stats().disk.directory, { recursive: true });
    await write(queue, 'c');
    await queue.shutdown();
    expect(queue.stats()).toMatchObject({ accepted: 3, pending: 1, disk: { items: 1 } });
    expect(queue.stats().lost).toEqual({ unconfirmed: 1, shutdown: 1 });
    expect(brokenBooks(queue.stats())).toEqual([]);
  });
});
