// What processes that have ended have left, where it cannot be taken over as it is.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { toMemory } from '../../src/index.ts';
import type { Sink } from '../../src/model/sink.ts';
import { brokenBooks } from '../support/books.ts';
import { recordWarnings } from '../support/httpExports.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { damage, faultyDisk, open, sqliteError, storeOn, systemError, until, write } from './support.ts';

const HANGING: Sink<ReadableSpan> = { name: 'hanging', export: () => NEVER };
const names = (items: readonly ReadableSpan[]) => items.map(({ name }) => name.replaceAll('.', '')).toSorted();

/** Four processes have written and ended: the third one, process-2, so many batches. */
async function left(count = 1): Promise<string> {
  const directory = temporaryFolder();
  const queues: ReturnType<typeof open>[] = [];
  for (const number of [0, 1, 2, 3]) {
    const queue = open(HANGING, { directory, processes: 'several', sync: 'normal' });
    queues.push(queue);
    await write(queue, `process-${number}`);
  }
  for (let more = 1; more < count; more += 1) await write(queues[2] as never, `${more}`.padEnd(2_000, '.'));
  for (const queue of queues) await queue.shutdown();
  return directory;
}

/** The next process has taken over what it can. */
async function taken(directory: string, disk = faultyDisk(), others = ['process-0', 'process-1', 'process-3']) {
  const warnings = recordWarnings();
  const memory = toMemory<ReadableSpan>();
  const options = { processes: 'several', flush: 'delivered', maxAgeMillis: Number.POSITIVE_INFINITY } as const;
  const queue = open(memory, { directory, ...options, start: storeOn(disk) });
  await until(() => others.every((name) => names(memory.items).includes(name)));
  // As soon as this is answered, the one that fails has been looked at: it was its turn before.
  await write(queue, 'new');
  await queue.forceFlush();
  await queue.shutdown();
  expect(queue.stats().disk).not.toHaveProperty('trouble');
  expect(queue.stats().disk.directory).toBe(join(directory, 'process-0'));
  expect(existsSync(join(directory, 'process-0', 'damaged.db'))).toBe(false);
  expect(brokenBooks(queue.stats())).toEqual([]);
  return { warnings: warnings.join('\n'), memory, stats: queue.stats() };
}

describe('the queue of a process that has ended', () => {
  test('that is damaged gives what can be read of it; the queue of the process that takes it over goes on', async () => {
    const directory = await left(100);
    damage(join(directory, 'process-2', 'queue.db'), 'table', 10, 15);
    const { memory, stats, warnings } = await taken(directory);
    expect(memory.items.length).toBeGreaterThan(60);
    expect(memory.items.length).toBeLessThan(104);
    expect(stats).toMatchObject({ accepted: 104, pending: 0, lost: { damaged: 104 - memory.items.length } });
    expect(warnings).toMatch(/process-2.queue\.db is damaged .* lies in .*process-2.damaged\.db now/);
  });

  test('that holds a body whose bytes have changed loses that one, as damaged', async () => {
    const directory = await left(10);
    const path = join(directory, 'process-2', 'queue.db');
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('5'.padEnd(500, '.')) + 100] = 0x21;
    writeFileSync(path, bytes);
    const { memory, stats } = await taken(directory);
    expect(memory.items).toHaveLength(13);
    expect(stats).toMatchObject({ accepted: 14, delivered: 13, pending: 0, lost: { damaged: 1 } });
  });

  test('that another user owns is told and left; those behind it are taken over', async () => {
    const directory = await left();
    const disk = faultyDisk();
    disk.fail(/openDatabase .*process-2.queue\.db/, sqliteError(14, 'unable to open database file'));
    const { memory, warnings } = await taken(directory, disk);
    expect(names(memory.items)).toEqual(['new', 'process-0', 'process-1', 'process-3']);
    expect(warnings).toMatch(/not taken over before the next start: .*process-2.queue\.db: .*the right to read/);
    expect((await taken(directory, faultyDisk(), ['process-2'])).stats).toMatchObject({ delivered: 2, lost: {} });
  });

  test('that a newer version has made is told and left, as it is', async () => {
    const directory = await left();
    const database = new DatabaseSync(join(directory, 'process-2', 'queue.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    const { memory, warnings } = await taken(directory);
    expect(names(memory.items)).toEqual(['new', 'process-0', 'process-1', 'process-3']);
    expect(warnings).toMatch(/process-2.queue\.db: the database has version 99.*start that version again/);
  });

  test('whose lock cannot be taken is told and left', async () => {
    const directory = await left();
    const disk = faultyDisk();
    disk.fail(/makeDirectory .*process-2/, systemError('EACCES'));
    expect((await taken(directory, disk)).warnings).toMatch(/before the next start: .*process-2: EACCES/);
  });
});

describe('with several processes', () => {
  test('a subdirectory of another user is passed over', async () => {
    const directory = await left();
    const disk = faultyDisk();
    disk.fail(/makeDirectory .*process-0/, systemError('EACCES'));
    const queue = open(HANGING, { directory, processes: 'several', start: storeOn(disk) });
    await queue.opened();
    expect(queue.stats().disk.directory).toBe(join(directory, 'process-1'));
  });

  test('a file that has the name of a subdirectory is passed over', async () => {
    const directory = temporaryFolder();
    writeFileSync(join(directory, 'process-0'), '');
    const queue = open(HANGING, { directory, processes: 'several' });
    await queue.opened();
    expect(queue.stats().disk.directory).toBe(join(directory, 'process-1'));
  });

  test('a full disk fails, and makes no further subdirectory', async () => {
    const directory = await left();
    const disk = faultyDisk();
    disk.fail(/exec CREATE TABLE IF NOT EXISTS owner/, sqliteError(13, 'database or disk is full'));
    const queue = open(HANGING, { directory, processes: 'several', start: storeOn(disk) });
    await expect(queue.opened()).rejects.toThrow('database or disk is full');
    disk.heal();
    await queue.opened();
    expect(queue.stats().disk.directory).toBe(join(directory, 'process-0'));
  });
});
